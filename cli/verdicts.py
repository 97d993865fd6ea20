"""`rulefarm verdicts`: read verdicts back."""

import uuid

import click

from cli.display.output import print_verdicts
from cli.options import csv_option, domain_option, json_option, read_settings
from rulefarm.database import connect
from store.verdicts import find_verdicts


@click.command("verdicts")
@domain_option
@click.option("--outcome", type=click.Choice(["accept", "review", "reject", "error"]), help="With this outcome only.")
@click.option("--subject", help="On this subject only: the key it was submitted with.")
@click.option("--batch", type=click.UUID, help="Of this batch only.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@json_option
@csv_option
@click.option("--raw", is_flag=True, help="With --csv: texts as they are on record, formulas of a spreadsheet too.")
def command(
    domain: str | None,
    outcome: str | None,
    subject: str | None,
    batch: uuid.UUID | None,
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
    engine = connect(read_settings())
    verdicts = find_verdicts(engine, domain=domain, outcome=outcome, subject=subject, batch=batch, limit=limit)
    print_verdicts(verdicts, as_json=as_json, as_csv=as_csv, raw=raw)
