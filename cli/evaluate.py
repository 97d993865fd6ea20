"""`rulefarm eval`: judge facts here and now, without a farm."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from cli.explanation import all_option, explanation_json, print_explanation, rule_option
from cli.options import as_of_option, json_option, read_facts, settings
from cli.output import COLOURS, console, print_answer, print_json
from engine import Evaluation
from engine.evaluation import refused
from engine.explain import explain
from engine.nearest import nearest
from rulefarm import wire
from rulesets.loader import SHIPPED, load_domain
from tasks.events import alone
from tasks.lookups import look_up
from tasks.pattern_host import host_of


@click.command("eval")
@click.argument("domain")
@click.argument("facts", metavar="FILE")
@as_of_option
@click.option(
    "--explain", "why", is_flag=True, help="Say why: conditions with what they saw, and what would be better."
)
@rule_option
@all_option
@click.option("--facts", "shared", metavar="FILE", help="Reference facts to look up: JSON, fact to key to fields.")
@json_option
def command(
    domain: str,
    facts: str,
    as_of: datetime | None,
    why: bool,
    rules: tuple[str, ...],
    every: bool,
    shared: str | None,
    as_json: bool,
) -> None:
    """Judge the facts in FILE (JSON; - is standard input) by the rules of a DOMAIN, in this process.

    Needs no farm and records nothing: what the domain looks up is looked up in --facts, and a window of events that
    FILE does not hold has the job's own event alone. --rule and --all imply --explain. Exit code 1 if the outcome is
    error.
    """
    loaded = load_domain(settings().rulesets or SHIPPED, domain)
    host = host_of(loaded.program)
    given = wire.parse(wire.canonical(read_facts(facts)))
    reference = read_facts(shared) if shared else {}
    [seen] = look_up(loaded.schema, [given], lambda wanted: {pair: _text(reference, *pair) for pair in wanted})
    seen = alone(loaded.schema, seen)
    document, moment = seen.document, as_of or datetime.now(UTC)
    if seen.refusal is not None:
        evaluation = refused(*seen.refusal, document)
        print_json(evaluation.to_json()) if as_json else _print(evaluation)
        sys.exit(1)
    if why or rules or every:
        explanation = explain(loaded.program, document, as_of=moment, rules=rules, every=every)
        found = nearest(loaded.program, document, as_of=moment)
        evaluation = explanation.evaluation
        if as_json:
            print_json(explanation_json(explanation, found))
        else:
            _print(evaluation)
            print_explanation(explanation, found)
    else:
        evaluation = loaded.program.evaluate(document, as_of=moment, candidates=host)
        if as_json:
            print_json(evaluation.to_json())
        else:
            _print(evaluation)
    sys.exit(int(evaluation.outcome == "error"))


def _text(reference: Mapping[str, Any], fact: str, key: str) -> str | None:
    """A reference fact out of a file, as Redis would hold it."""
    facts = reference.get(fact)
    found = facts.get(key) if isinstance(facts, Mapping) else None
    return None if found is None else json.dumps(found)


def _print(evaluation: Evaluation) -> None:
    console().print(evaluation.outcome, style=COLOURS[evaluation.outcome])
    print_answer(evaluation.fired, [reason.to_json() for reason in evaluation.reasons], evaluation.changes)
