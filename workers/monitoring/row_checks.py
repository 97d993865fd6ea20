"""Checks of the tables and of what is on record.  Postgres -> [row_checks] -> HealthCheck -> doctor

Asks Postgres alone, and by its clock: what is late is late wherever the doctor runs. Reads only."""

from typing import Any

from sqlalchemy import Engine

from rulefarm.database import translate_errors
from rulefarm.settings import Settings
from store.batch_status import standing_failures, waiting_for_rules
from store.beats import beats_at_once
from store.duties import Duty, unmet
from store.health import count_dead_letters, last_reconciled
from store.migrate import is_current
from store.partitions import missing_partitions
from store.privileges import missing_privileges
from workers.monitoring.health_check import HealthCheck
from workers.monitoring.lateness import late_s

#: Months whose partition has to be there: the reconciler makes those of four.
_MONTHS = 2


def check_migrations(engine: Engine) -> list[HealthCheck]:
    """Whether the tables are those of this version."""
    if is_current(engine):
        return [HealthCheck("migrations", "ok", "the tables are up to date")]
    return [HealthCheck("migrations", "fail", "the tables are not those of this version", "run 'rulefarm migrate'")]


def check_privileges(engine: Engine) -> list[HealthCheck]:
    """Whether this user may do what workers and producers do."""
    with translate_errors(engine), engine.connect() as connection:
        missing = missing_privileges(connection)
    if not missing:
        return [HealthCheck("privileges", "ok", "this user may do what workers and producers do")]
    message = f"this user lacks {len(missing)} of the grants that workers and producers need"
    return [HealthCheck("privileges", "fail", message, f"as the owner of the tables: {'; '.join(missing)}")]


def check_partitions(engine: Engine) -> list[HealthCheck]:
    """Whether the verdicts of this month and the next have their place."""
    with translate_errors(engine), engine.connect() as connection:
        missing = missing_partitions(connection, _MONTHS)
    if not missing:
        return [HealthCheck("partitions", "ok", "the verdicts of this month and the next have their place")]
    message = f"not there: {', '.join(missing)}; verdicts of that month can't be dropped by age"
    return [HealthCheck("partitions", "warn", message, "run 'rulefarm migrate' as the owner of the tables")]


def check_reconciler(engine: Engine, settings: Settings) -> HealthCheck:
    """How long ago the reconciler ran.

    Args:
        engine: the database.
        settings: how late it may be.
    """
    run = last_reconciled(engine)
    if run is None:
        return HealthCheck("reconciler", "fail", "has never run", "run 'rulefarm beat'; the first run takes a moment")
    message = f"ran {run.age_s:.0f} s ago and sent {run.sent:,} messages again"
    if run.age_s > late_s(settings):
        return HealthCheck("reconciler", "fail", message, "run 'rulefarm beat', and workers that are not all busy")
    return HealthCheck("reconciler", "ok", message)


def check_beats(engine: Engine, settings: Settings) -> HealthCheck:
    """Whether several beats run at once.

    Args:
        engine: the database.
        settings: how often a beat says something.
    """
    names = beats_at_once(engine, late_s(settings))
    if names:
        message = f"{len(names)} run at once: {', '.join(names)}; that harms nothing, and one is enough"
        return HealthCheck("beats", "warn", message, "leave one of them running")
    return HealthCheck("beats", "ok", "no two run at once")


def check_batches(engine: Engine) -> list[HealthCheck]:
    """One finding for each domain whose batches wait for rules, or whose last failed: nightly ones, and others."""
    found: dict[tuple[str, bool], dict[str, Any]] = {}
    for failure in standing_failures(engine):
        found.setdefault((failure["domain"], failure["nightly"]), failure)
    waiting = [
        HealthCheck(
            "batches",
            "fail",
            f"{each['chunks']:,} chunks wait, for no worker had them that judges by their ruleset: {each['reason']}",
            "start bulk workers of the release that published it; nothing is lost meanwhile",
            subject=each["domain"],
        )
        for each in waiting_for_rules(engine)
    ]
    if not found and not waiting:
        return [HealthCheck("batches", "ok", "none failed since one was done")]
    return waiting + [
        HealthCheck(
            "batches",
            # A night that was not judged is what nobody else sees; any other was somebody's command, which said so.
            "fail" if nightly else "warn",
            f"the last {'nightly' if nightly else 'batch'} failed [{failure['code']}]: {failure['reason']}",
            f"mend it, and run 'rulefarm {'nightly run' if nightly else 'batch'}'; see 'rulefarm batch list'",
            subject=domain,
        )
        for (domain, nightly), failure in found.items()
    ]


def check_dead_letters(engine: Engine) -> HealthCheck:
    """How many dead letters there are."""
    counts = count_dead_letters(engine)
    if not counts:
        return HealthCheck("dead-letters", "ok", "none")
    by_domain = ", ".join(f"{domain or 'of no domain'} {count:,}" for domain, count in counts.items())
    return HealthCheck(
        "dead-letters", "warn", f"{sum(counts.values()):,} in all: {by_domain}", "see 'rulefarm dead-letters list'"
    )


def check_duties(engine: Engine, settings: Settings) -> list[HealthCheck]:
    """What fell due by the calendar and is not done: a finding for each domain, about the last of them.

    Args:
        engine: the database.
        settings: how late the reconciler may be.
    """
    last = {(duty.kind, duty.domain): duty for duty in unmet(engine, late_s=late_s(settings))}
    if not last:
        return [HealthCheck("duties", "ok", "none is overdue")]
    return [HealthCheck("duties", "fail", *_told(duty), subject=duty.domain) for duty in last.values()]


def _told(duty: Duty) -> tuple[str, str]:
    due = f"the {duty.kind} that was due at {duty.due_at:%Y-%m-%d %H:%M} UTC"
    why = f"{duty.code}: {duty.reason}" if duty.code else "no worker has said anything of it"
    if duty.is_open:
        message = f"{due} is not done [{why}]; it is tried until {duty.expires_at:%Y-%m-%d %H:%M} UTC"
        hint = (
            "mend that"
            if duty.code
            else f"run 'rulefarm beat', and bulk workers of {duty.domain} with RULEFARM_NIGHTLY_SOURCE"
        )
        return message, hint
    message = f"{due} was not done in time [{why}], and is given up"
    return message, f"mend it, and run 'rulefarm nightly run', or wait for the next {duty.kind}"
