"""The domains that ship: they load, they are as large as promised, their cases pass, and no table row is dead."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine import Schema
from rulesets.cases import read_cases, run_cases
from rulesets.loader import SHIPPED, LoadedRuleset, available_domains, check_separate
from tests.shipped import shipped

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
#: Fewest rules, table rows counted, per domain.
SIZES = {"fraud": 50, "payment": 60, "pricing": 1000, "promotion": 60}


def test_the_four_domains_ship() -> None:
    assert available_domains(SHIPPED) == tuple(shipped()) == ("fraud", "payment", "pricing", "promotion")


@pytest.mark.parametrize("domain", SIZES)
def test_a_domain_is_as_large_as_promised(domain: str) -> None:
    assert len(shipped()[domain].program.rules) >= SIZES[domain]


@pytest.mark.parametrize("domain", SIZES)
def test_a_domain_has_enough_cases_and_all_pass(domain: str) -> None:
    results = run_cases(shipped()[domain])
    assert len(results) >= 20
    assert len({result.case.name for result in results}) == len(results)
    failed = {result.case.name: result.differences for result in results if not result.passed}
    assert not failed


@pytest.mark.parametrize("domain", SIZES)
def test_the_cases_show_every_outcome(domain: str) -> None:
    assert {case.outcome for case in read_cases(shipped()[domain])} >= {"accept", "review", "reject"}


@pytest.mark.parametrize("domain", SIZES)
def test_every_written_rule_fires_in_a_case(domain: str) -> None:
    fired = {name for case in read_cases(shipped()[domain]) for name in case.fired}
    written = {rule.name for rule in shipped()[domain].program.rules if "#" not in rule.name}
    assert written - fired == set()


def test_domains_do_not_feed_each_other() -> None:
    check_separate(tuple(shipped().values()))


@pytest.mark.parametrize("domain", SIZES)
def test_every_table_row_fires_on_a_fact_made_for_it(domain: str) -> None:
    loaded = shipped()[domain]
    dead = []
    for source, text in loaded.sources.items():
        if source.endswith(".csv"):
            stem = source.rpartition("/")[2].removesuffix(".csv")
            for name, cells in rows_of(text.decode()):
                evaluation = loaded.program.evaluate(facts_for(loaded, cells), as_of=NOON)
                if f"{stem}#{name}" not in evaluation.fired:
                    dead.append(f"{stem}#{name}")
    assert dead == []


def rows_of(text: str) -> list[tuple[str, dict[str, str]]]:
    """Name and conditions of each row: what a `when` column tests -> its cell."""
    header, *lines = csv.reader(io.StringIO(text))
    tested = [(column, title.removeprefix("when ")) for column, title in enumerate(header) if title.startswith("when ")]
    return [(line[0], {title: line[column] for column, title in tested}) for line in lines]


def facts_for(loaded: LoadedRuleset, cells: dict[str, str]) -> dict[str, Any]:
    """The least facts that the schema takes and that meet the cells of a row."""
    facts = required_facts(loaded.schema)
    for tested, cell in cells.items():
        if cell != "-":
            # A quotient is met by its dividend over a divisor of 1.
            dividend, _, divisor = tested.partition(" / ")
            for path in (dividend, divisor):
                if path:
                    fact, _, field = path.partition(".")
                    kind = loaded.schema.facts[fact].fields[field].kind
                    facts[fact][field] = value_in(cell, kind) if path is dividend else 1
    return facts


def required_facts(schema: Schema) -> dict[str, Any]:
    values = {"number": 0, "text": "x", "date": "2026-03-02T12:00:00Z"}
    facts: dict[str, Any] = {}
    for fact in schema.facts.values():
        fields = {
            field.name: field.values[0] if field.values else values[field.kind]
            for field in fact.fields.values()
            if field.required
        }
        facts[fact.name] = [] if fact.is_list else fields
    return facts


def value_in(cell: str, kind: str) -> Decimal | str | None:
    """A value that a cell lets through: the bound of an interval, or just beyond it."""
    if cell == "null":
        return None
    if kind == "text":
        return "none of these" if cell.startswith("not(") else cell.strip('"')
    bound = Decimal(cell.strip("<>=[ ").partition("..")[0])
    if cell.startswith(("<=", ">=", "[")) or cell[0].isdigit():
        return bound
    step = Decimal("0.0001") if "." in cell else Decimal(1)
    return bound - step if cell.startswith("<") else bound + step
