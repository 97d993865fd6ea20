"""`rulefarm verdicts`: read verdicts back."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from typing import Any

import click
from sqlalchemy import Engine

from cli.display.output import print_verdicts
from cli.display.terminal import echo
from cli.lookup import check_domain
from cli.options import (
    Instant,
    csv_option,
    domain_option,
    json_option,
    limit_option,
    read_settings,
    show_private_option,
)
from rulefarm.database import connect
from rulefarm.errors import FarmUnreachable, NotFound
from rulefarm.verdict import Verdict
from store.private_view import PrivateView
from store.verdict_list import find_verdicts
from store.verdict_terms import VerdictTerms


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
@limit_option("At most so many, newest first.")
@show_private_option
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
    show_private: bool,
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
    settings, found_in = read_settings(), dict[uuid.UUID, str]()
    terms: VerdictTerms = {"domain": domain, "outcome": outcome, "subject": subject, "batch": batch, "since": since}
    terms |= {"until": until, "rule": rule, "digest": digest}

    def noted(found: Iterable[tuple[str, Verdict]]) -> Iterator[Verdict]:
        for name, verdict in found:
            found_in[verdict.id] = name
            yield verdict

    if region == "all":
        everywhere = import_module("store.region_verdicts").AllRegions(settings)
        database_of = everywhere.engine
        found = everywhere.find(limit=limit, terms=terms)
        for name, error in found.without.items():
            echo(f"rulefarm: without region {name}: {error} [{error.code}]", err=True)
        _check_domain([everywhere.engine(name) for name in everywhere.names if name not in found.without], domain)
        listed = noted(found.verdicts)
    else:
        engine = connect(settings.in_region(region) if region else settings)
        check_domain(engine, domain)
        listed = noted((region or "", verdict) for verdict in find_verdicts(engine, limit=limit, **terms))

        def database_of(_name: str) -> Engine:
            return engine

    def facts_of(verdict: Verdict) -> Any:
        # It loads the engine, which takes longer than a list of verdicts.
        found = import_module("tasks.recorded_facts").facts_on_record(
            database_of(found_in[verdict.id]), on_record[verdict.id]
        )
        return view_of(verdict).facts(found, verdict.domain, verdict.ruleset_digest)

    # A region that is away is listed from where it is copied to; so are its rulesets.
    others = everywhere.names if region == "all" else ()
    views, on_record = dict[str, PrivateView](), dict[uuid.UUID, Verdict]()

    def view_of(verdict: Verdict) -> PrivateView:
        name = found_in[verdict.id]
        if name not in views:
            # What the table shows is no field.
            everything = show_private or not (as_json or as_csv)
            views[name] = _view([database_of(one) for one in (name, *others)], everything=everything)
        return views[name]

    def shown(verdict: Verdict) -> Verdict:
        if facts:
            # Whoever looks for its facts needs it as it is, and it is the next that is written.
            on_record.clear()
            on_record[verdict.id] = verdict
        return view_of(verdict).verdict(verdict)

    print_verdicts(
        map(shown, listed),
        as_json=as_json,
        as_csv=as_csv,
        raw=raw,
        facts_of=facts_of if facts else None,
        region_of=(lambda verdict: found_in[verdict.id]) if region else None,
    )


def _view(databases: list[Engine], *, everything: bool) -> PrivateView:
    """What is shown, by the first database that answers."""
    for engine in databases[:-1]:
        with suppress(FarmUnreachable):
            view = PrivateView(engine, everything=everything)
            view.refresh()
            return view
    return PrivateView(databases[-1], everything=everything)


def _check_domain(engines: list[Engine], domain: str | None) -> None:
    """Refuse a domain that no region knows; of one that does not answer nobody can tell."""
    unknown: NotFound | None = None
    for engine in engines:
        try:
            check_domain(engine, domain)
        except NotFound as error:
            unknown = error
        except FarmUnreachable:
            return
        else:
            return
    if unknown:
        raise unknown
