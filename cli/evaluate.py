"""`rulefarm eval`: judge facts here and now, without a farm."""

import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from cli.display.explanation import all_option, explanation_json, print_explanation, rule_option
from cli.display.output import COLOURS, print_answer, print_json
from cli.display.replay import print_replay
from cli.display.terminal import console, echo
from cli.options import as_of_option, domain_argument, json_option, read_facts, read_settings, source_options
from engine import error_evaluation, explain, find_counterfactuals
from rulefarm import wire
from rulefarm.batch import SourceOptions, is_source
from rulesets.loader import SHIPPED, load_domain
from tasks.durable_rules import host_of
from tasks.replay import DocumentFacts, replay
from tasks.replay_rows import open_replay
from tasks.shared_facts import look_up, with_own_events


@click.command("eval")
@domain_argument
@click.argument("facts", metavar="FILE")
@as_of_option
@click.option(
    "--explain", "with_reasons", is_flag=True, help="Say why: conditions with what they saw, and what would be better."
)
@rule_option
@all_option
@click.option("--subject", help="Of a source: the column or path that names its rows. Default: the domain's key.")
@source_options
@click.option("--facts", "shared", metavar="FILE", help="Reference facts to look up: JSON, fact to key to fields.")
@json_option
def command(
    domain: str,
    facts: str,
    as_of: datetime | None,
    with_reasons: bool,
    rules: tuple[str, ...],
    every: bool,
    shared: str | None,
    as_json: bool,
    subject: str | None,
    sheet: str | None,
    encoding: str | None,
    decimal: str | None,
) -> None:
    """Judge the facts in FILE (JSON; - is standard input) by the rules of a DOMAIN, in this process.

    Needs no farm and records nothing: what the domain looks up is looked up in --facts, and a window of events that
    FILE does not hold has the job's own event alone. --rule and --all imply --explain. Exit code 1 if the outcome is
    error.

    A FILE that a batch can be made of (csv, tsv, xlsx, parquet, jsonl, sql, packed too, or a folder of parts) is
    replayed: every row is judged, in order, with the events of the rows before it, and printed if it is not accepted.
    """
    settings = read_settings()
    loaded = load_domain(settings.rulesets or SHIPPED, domain)
    host = host_of(loaded.program)
    options = SourceOptions(subject=subject, sheet=sheet, encoding=encoding, decimal=decimal)
    reference_facts = DocumentFacts(read_facts(shared) if shared else {})
    if is_source(facts):
        if with_reasons or rules or every:
            raise click.UsageError("a file that is replayed is not explained; put the row into a .json file")
        source = open_replay(facts, options, loaded, database_url=settings.source_url)
        answers = replay(loaded, source.rows, reference=reference_facts, as_of=as_of, clock=time.time)
        has_errors = print_replay(answers, source.unit, as_json=as_json)
        for remark in source.remarks():
            echo(f"rulefarm: {remark}", err=True)
        sys.exit(int(has_errors))
    if options != SourceOptions():
        raise click.UsageError("--subject, --sheet, --encoding and --decimal are for a source of rows")
    submitted = wire.parse(wire.canonical(read_facts(facts)))
    [complete] = look_up(loaded.schema, [submitted], reference_facts.texts)
    moment = as_of or datetime.now(UTC)
    complete = with_own_events(loaded.schema, complete, moment)
    document = complete.document
    beside = {"warnings": loaded.program.unknown_names(submitted)}
    if complete.refusal is not None:
        evaluation = error_evaluation(*complete.refusal, document)
        _print(evaluation.to_json() | beside, as_json=as_json)
        sys.exit(1)
    if with_reasons or rules or every:
        explanation = explain(loaded.program, document, as_of=moment, rules=rules, every=every)
        counterfactuals = find_counterfactuals(loaded.program, document, as_of=moment)
        evaluation = explanation.evaluation
        if as_json:
            told = explanation_json(explanation, counterfactuals)
            print_json(told | {"evaluation": told["evaluation"] | beside})
        else:
            _print(evaluation.to_json() | beside, as_json=False)
            print_explanation(explanation, counterfactuals)
    else:
        evaluation = loaded.program.evaluate(document, as_of=moment, candidates=host)
        _print(evaluation.to_json() | beside, as_json=as_json)
    sys.exit(int(evaluation.outcome == "error"))


def _print(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    console().print(answer["outcome"], style=COLOURS[answer["outcome"]])
    print_answer(answer)
