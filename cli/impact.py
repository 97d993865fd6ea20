"""`rulefarm rules impact`: what a draft would do to facts that are on record, or in a file."""

import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from uuid import UUID

import click

from cli.display.impact import print_impact
from cli.display.output import print_json
from cli.display.progress import progress
from cli.display.report_file import check_writable, write_report
from cli.options import Age, Instant, domain_argument, json_option, read_settings, source_options
from rulefarm.batch import SourceOptions
from rulefarm.database import LONG_S, connect
from rulesets.budget import broken, parse_budget
from store.facts_on_record import Wanted, instant_before
from workers.draft_impact import load_draft, try_on_record, try_on_source, versions_of
from workers.impact_report import ImpactReport

budget_option = click.option(
    "--budget", metavar="LIMITS", help="Exit code 1 beyond it: flips<0.5%,reject_new<20,errors_new=0."
)


@click.command("impact")
@domain_argument
@click.option("--draft", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The draft's folder.")
@click.option("--last", type=Age(), help="Jobs and batches that were submitted since: 7d, 4w. Default: all.")
@click.option("--batch", metavar="BATCH", type=click.UUID, help="The rows of one batch.")
@click.option("--file", "source", metavar="SOURCE", help="The rows of a file, as 'rulefarm batch' takes it.")
@click.option("--sample", type=click.IntRange(1), help="About so many of the facts, the same ones each time.")
@click.option("--sum", "summed", metavar="FACT.FIELD", help="Sum this number over what flips: Product.price.")
@budget_option
@click.option("--here", is_flag=True, help="Judge in this process; default: on the bulk workers, if any answers.")
@click.option("--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write a report to this file.")
@click.option("--as-of", type=Instant(), help="Judge a file as of this instant; default: now.")
@click.option("--subject", help="Of a file: the column that names what is judged. Default: the domain's key.")
@source_options
@json_option
def command(
    domain: str,
    draft: Path,
    last: timedelta | None,
    batch: UUID | None,
    source: str | None,
    sample: int | None,
    summed: str | None,
    budget: str | None,
    here: bool,
    page: Path | None,
    as_of: datetime | None,
    subject: str | None,
    sheet: str | None,
    encoding: str | None,
    decimal: str | None,
    as_json: bool,
) -> None:
    """Judge facts by what judges a DOMAIN now and by a draft, and show which outcomes flip, and whose doing it is.

    Single facts are judged at the instant that they were judged at. Nothing is written but, for the workers, the draft
    under its digest. Exit code 1 if a --budget is broken.
    """
    if sum(given is not None for given in (last, batch, source)) > 1:
        raise click.UsageError("--last, --batch and --file are three ways to say which facts: choose one")
    if source is None and (as_of, subject, sheet, encoding, decimal) != (None,) * 5:
        raise click.UsageError("--as-of, --subject, --sheet, --encoding and --decimal are for a --file")
    check_writable(page)
    limits = parse_budget(budget) if budget is not None else []
    settings = read_settings()
    engine = connect(settings, silence_s=LONG_S)
    versions = versions_of(engine, domain, load_draft(draft, domain))
    with progress(f"{domain} impact") as on_progress:
        if source is not None:
            options = SourceOptions(subject=subject, sheet=sheet, encoding=encoding, decimal=decimal)
            tried = try_on_source(
                settings, versions, source, options, on_progress, as_of=as_of, sample=sample, summed=summed
            )
        else:
            since = instant_before(engine, last) if last is not None else None
            wanted = Wanted(domain, since, batch)
            tried = try_on_record(
                settings, engine, versions, wanted, on_progress, sample=sample, summed=summed, here=here
            )
    facts = f"of {source or f'batch {batch}'}" if source or batch else recorded_words(last)
    beyond = broken(limits, tried.impact)
    report = ImpactReport.of(versions, tried, facts=facts, summed=summed, budget=budget, broken=beyond)
    if page is not None:
        _write(page, report)
    if as_json:
        print_json(report.to_json())
    else:
        print_impact(report)
    sys.exit(int(bool(beyond)))


def _write(page: Path, report: ImpactReport) -> None:
    # What draws is loaded by whoever wants a picture.
    text = import_module("cli.display.impact_page").impact_page(report, at=datetime.now(UTC))
    write_report(page, text)


def recorded_words(last: timedelta | None) -> str:
    """Which of the facts on record, in words.

    >>> recorded_words(timedelta(days=1)), recorded_words(None)
    ('on record of the last day', 'on record')
    """
    if last is None:
        return "on record"
    return f"on record of the last {'day' if last.days == 1 else f'{last.days} days'}"
