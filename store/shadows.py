"""Which draft judges in whose shadow, and what it judged otherwise.  [shadows] -> shadows, shadow_differences

One a domain: a new one takes the place of the one before, and of what that found. Workers ask which run, and add to
the counts in one statement; what is stopped, or over, takes no more. Judges nothing, and touches no job and no
verdict."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, func, insert, or_, select, update

from rulefarm.database import execute_alone, shadow_differences, shadows, translate_errors
from rulefarm.errors import NotFound
from store.dead_letters import storable
from store.ruleset_versions import RulesetSnapshot, record_ruleset

# What is over in the moment that it is counted is not counted. Nobody waits for the disk: a job may come meanwhile, and
# what a crash of Postgres takes is the counts of its last moment.
_RECORD = (
    "with counted as (update shadows set judged = judged + %(judged)s, differing = differing + %(differing)s,"
    " failed = failed + %(failed)s, code = coalesce(%(code)s, code), reason = coalesce(%(reason)s, reason)"
    " where domain = %(domain)s and digest = %(digest)s and stopped_at is null and (until is null or until > now())"
    " and set_config('synchronous_commit', 'off', true) = 'off' returning domain)"
    " insert into shadow_differences (domain, rule, fires, jobs, example)"
    " select counted.domain, found.rule, found.fires, found.jobs, found.example from counted,"
    " jsonb_to_recordset(%(differences)s::jsonb) as found(rule text, fires text, jobs bigint, example jsonb)"
    " on conflict (domain, rule, fires) do update set jobs = shadow_differences.jobs + excluded.jobs"
    " returning rule"
)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A draft that judges beside the active ruleset of its domain."""

    domain: str
    digest: str
    #: Of the jobs, from 0 to 1.
    share: float


@dataclass(slots=True)
class ShadowFindings:
    """What a draft did with some jobs."""

    judged: int = 0
    differing: int = 0
    failed: int = 0
    #: Why the last try failed.
    code: str | None = None
    reason: str | None = None
    #: Rule and who alone fires it, to the number of jobs and the first of them.
    differences: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def add(self, rule: str, fires: str, example: dict[str, Any]) -> None:
        """Count a job for a rule.

        Args:
            rule: its name; empty: the same rules fire.
            fires: draft, active or both.
            example: the job, kept if it is the first.
        """
        jobs, first = self.differences.get((rule, fires), (0, example))
        self.differences[rule, fires] = (jobs + 1, first)


def start_shadow(
    engine: Engine,
    shadow: Shadow,
    *,
    by: str | None = None,
    until: datetime | None = None,
    draft: RulesetSnapshot | None = None,
) -> None:
    """Begin; what the domain had before is gone, with what it found.

    Args:
        engine: the database.
        shadow: which draft, and for how much.
        by: who does so. Default: nobody knows.
        until: when it ends, by Postgres's clock. Default: when it is stopped.
        draft: put on record with it. Default: it is there.

    Raises:
        DatabaseUnreachable: nothing was changed.
    """
    values = {"domain": shadow.domain, "digest": shadow.digest, "share": shadow.share, "until": until}
    with translate_errors(engine), engine.begin() as connection:
        if draft is not None:
            record_ruleset(connection, draft)
        connection.execute(delete(shadows).where(shadows.c.domain == shadow.domain))
        connection.execute(insert(shadows).values(started_by=by, **values))


def stop_shadow(engine: Engine, domain: str) -> None:
    """End it; what it found stays until another begins.

    Args:
        engine: the database.
        domain: whose.

    Raises:
        NotFound: `no-shadow`: none runs.
        DatabaseUnreachable: nothing was changed.
    """
    stopped = update(shadows).where(shadows.c.domain == domain, *_runs()).values(stopped_at=func.now())
    with translate_errors(engine), engine.begin() as connection:
        if not connection.execute(stopped).rowcount:
            raise NotFound("no-shadow", f"no draft judges beside {domain}", "'rulefarm rules shadow show' lists them")


def running_shadows(engine: Engine) -> dict[str, Shadow]:
    """Those that run, by domain.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(shadows.c.domain, shadows.c.digest, shadows.c.share).where(*_runs())
    with translate_errors(engine), engine.connect() as connection:
        return {row.domain: Shadow(*row) for row in connection.execute(statement)}


def record_findings(engine: Engine, shadow: Shadow, found: ShadowFindings) -> None:
    """Add what a draft did to what is on record, unless it was stopped meanwhile.

    Args:
        engine: the database.
        shadow: which.
        found: since the last time.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    differences = [
        {"rule": rule, "fires": fires, "jobs": jobs, "example": example}
        for (rule, fires), (jobs, example) in found.differences.items()
    ]
    values = {name: getattr(found, name) for name in ("judged", "differing", "failed", "code")}
    values |= {"domain": shadow.domain, "digest": shadow.digest, "reason": found.reason and storable(found.reason)}
    execute_alone(engine, _RECORD, values | {"differences": json.dumps(differences)})


def find_shadows(engine: Engine, domain: str | None = None) -> list[dict[str, Any]]:
    """The shadows on record, those that are over too, with what they found.

    Args:
        engine: the database.
        domain: of this domain only.

    Returns:
        The rows; `running`, and `differences` with rule, fires, jobs and example, the most frequent first.

    Raises:
        DatabaseUnreachable: no answer.
    """
    runs = _runs()
    wanted = select(shadows, (runs[0] & runs[1]).label("running")).order_by(shadows.c.domain)
    most = select(shadow_differences).order_by(shadow_differences.c.jobs.desc(), shadow_differences.c.rule)
    if domain is not None:
        wanted = wanted.where(shadows.c.domain == domain)
    with translate_errors(engine), engine.connect() as connection:
        found = [dict(row) for row in connection.execute(wanted).mappings()]
        rows: Sequence[Any] = connection.execute(most).mappings().all()
    names = ("rule", "fires", "jobs", "example")
    for one in found:
        one["differences"] = [{name: row[name] for name in names} for row in rows if row["domain"] == one["domain"]]
    return found


def _runs() -> list[Any]:
    return [shadows.c.stopped_at.is_(None), or_(shadows.c.until.is_(None), shadows.c.until > func.now())]
