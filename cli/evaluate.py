"""`rulefarm eval`: judge facts here and now, without a farm."""

import sys
from datetime import UTC, datetime

import click

from cli.options import as_of_option, json_option, read_facts, settings
from cli.output import COLOURS, console, print_answer, print_json
from rulefarm import wire
from rulesets.loader import SHIPPED, load_domain


@click.command("eval")
@click.argument("domain")
@click.argument("facts", metavar="FILE")
@as_of_option
@json_option
def command(domain: str, facts: str, as_of: datetime | None, as_json: bool) -> None:
    """Judge the facts in FILE (JSON; - is standard input) by the rules of a DOMAIN, in this process.

    Needs no farm and records nothing. Exit code 1 if the outcome is error.
    """
    document = wire.parse(wire.canonical(read_facts(facts)))
    loaded = load_domain(settings().rulesets or SHIPPED, domain)
    evaluation = loaded.program.evaluate(document, as_of=as_of or datetime.now(UTC))
    if as_json:
        print_json(evaluation.to_json())
    else:
        console().print(evaluation.outcome, style=COLOURS[evaluation.outcome])
        print_answer(evaluation.fired, [reason.to_json() for reason in evaluation.reasons], evaluation.changes)
    sys.exit(int(evaluation.outcome == "error"))
