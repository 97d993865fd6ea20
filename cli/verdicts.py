"""`rulefarm verdicts`: read verdicts back."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from typing import Any

import click
from sqlalchemy import Engine

from cli.display.output import print_verdicts
from cli.display.terminal import echo
from cli.lookup import check_domain
from cli.options import Instant, csv_option, domain_option, json_option, read_settings
from rulefarm.database import SHORT_S, active_digests, connect
from rulefarm.errors import DatabaseUnreachable, FarmUnreachable, NotFound, SettingsError
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from store.verdict_list import find_verdicts


@click.command("verdicts")
@domain_option
@click.option("--outcome", type=click.Choice(["accept", "review", "reject", "error"]), help="With this outcome only.")
@click.option("--subject", help="On this subject only: the key it was submitted with.")
@click.option("--batch", type=click.UUID, help="Of this batch only.")
@click.option("--since", type=Instant(), help="Judged then or later.")
@click.option("--until", type=Instant(), help="Judged before.")
@click.option("--rule", help="Where this rule fired.")
@click.option("--digest", help="By this version of the ruleset: its digest, or what that begins with.")
@click.option("--region", help="Of this region; or `all`: of every region, each job once. Default: of this farm.")
@click.option("--facts", is_flag=True, help="With --json or --csv: the facts that were judged as well.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@json_option
@csv_option
@click.option("--raw", is_flag=True, help="With --csv: texts as they are on record, formulas of a spreadsheet too.")
def command(
    domain: str | None,
    outcome: str | None,
    subject: str | None,
    batch: uuid.UUID | None,
    since: datetime | None,
    until: datetime | None,
    rule: str | None,
    digest: str | None,
    region: str | None,
    facts: bool,
    limit: int,
    as_json: bool,
    as_csv: bool,
    raw: bool,
) -> None:
    """List verdicts, newest first."""
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    if raw and not as_csv:
        raise click.UsageError("--raw is for --csv")
    if facts and not (as_json or as_csv):
        raise click.UsageError("--facts is for --json and --csv")
    regions = _regions(read_settings(), region)
    _check_domain(list(regions.values()), domain)
    terms: dict[str, Any] = {"domain": domain, "outcome": outcome, "subject": subject, "batch": batch}
    terms |= {"since": since, "until": until, "rule": rule, "digest": digest}
    found_in: dict[uuid.UUID, str] = {}

    def find(engine: Engine, limit: int, after: tuple[datetime, uuid.UUID] | None = None) -> Iterator[Verdict]:
        return find_verdicts(engine, **terms, limit=limit, after=after)

    def everywhere() -> Iterator[Verdict]:
        for name, verdict in import_module("store.region_verdicts").union_of(regions, find, limit=limit):
            found_in[verdict.id] = name
            yield verdict

    def facts_of(verdict: Verdict) -> Any:
        # It loads the engine, which takes longer than a list of verdicts.
        engine = regions[found_in.get(verdict.id, "")]
        return import_module("cli.recorded").facts_on_record(engine, verdict)

    print_verdicts(
        everywhere() if region else find(regions[""], limit),
        as_json=as_json,
        as_csv=as_csv,
        raw=raw,
        facts_of=facts_of if facts else None,
        region_of=(lambda verdict: found_in[verdict.id]) if region else None,
    )


def _check_domain(engines: list[Engine], domain: str | None) -> None:
    """Refuse a domain that no region knows."""
    *others, last = engines
    for engine in others:
        with suppress(NotFound):
            check_domain(engine, domain)
            return
    check_domain(last, domain)


def _regions(settings: Settings, region: str | None) -> dict[str, Engine]:
    """The database of each region that is asked for; without a region that of this farm, which has no name."""
    if region is None:
        return {"": connect(settings)}
    if region != "all":
        return {region: connect(settings.in_region(region))}
    names = {place.name for place in settings.regions} | ({settings.region} if settings.region else set())
    if not names:
        raise SettingsError("unknown-region", "no regions are named", "set RULEFARM_REGION_NAME_DATABASE_URL of each")
    found = {}
    for name in sorted(names):
        engine = connect(settings.in_region(name), silence_s=SHORT_S)
        try:
            active_digests(engine)
        except FarmUnreachable as error:
            echo(f"rulefarm: without region {name}: {error} [{error.code}]", err=True)
        else:
            found[name] = engine
    if not found:
        raise DatabaseUnreachable("region-silent", f"none of {', '.join(sorted(names))} answers", "see docs/regions.md")
    return found
