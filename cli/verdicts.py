"""`rulefarm verdicts`: read verdicts back."""

import uuid
from datetime import datetime
from functools import partial
from importlib import import_module

import click

from cli.display.output import print_verdicts
from cli.lookup import check_domain
from cli.options import Instant, csv_option, domain_option, json_option, read_settings
from rulefarm.database import connect
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
    engine = connect(read_settings())
    check_domain(engine, domain)
    verdicts = find_verdicts(
        engine,
        domain=domain,
        outcome=outcome,
        subject=subject,
        batch=batch,
        since=since,
        until=until,
        rule=rule,
        digest=digest,
        limit=limit,
    )
    # It loads the engine, which takes longer than a list of verdicts.
    facts_of = partial(import_module("cli.recorded").facts_on_record, engine) if facts else None
    print_verdicts(verdicts, as_json=as_json, as_csv=as_csv, raw=raw, facts_of=facts_of)
