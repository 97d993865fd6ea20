"""The pages about the language and its tables: every example on them is run."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import compile_ruleset, parse_schema
from engine.checks.event_checks import MAX_CHOICES
from engine.compiler import MAX_PLACES
from engine.functions.regex import MAX_ALL_PATTERN_STEPS, MAX_PATTERN_CHARACTERS, MAX_PATTERN_STEPS
from engine.language import MAX_RULES, MAX_SOURCE_CHARACTERS
from engine.language.action_parser import MAX_ACTIONS
from engine.language.condition_parser import MAX_BINDINGS
from engine.language.expression_parser import MAX_DEPTH, MAX_OPERANDS
from engine.language.header_parser import ATTRIBUTES
from engine.language.lexer import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from engine.language.operand_parser import MAX_LIST_ITEMS, MAX_NESTING
from engine.language.source import MAX_PROBLEMS
from engine.tables.hit_policies import HIT_POLICIES
from engine.values import DIGITS

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGE = (DOCS / "language.md").read_text("utf-8")
TABLES = (DOCS / "tables.md").read_text("utf-8")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


(FACTS,) = (json.loads(text) for text in blocks(LANGUAGE, "json"))
HOLDING = [line for block in blocks(LANGUAGE, "holds") for line in block.splitlines()]
#: What stands behind `csv`: the rules that fire, in order, and perhaps a condition that holds afterwards.
FIRING = re.findall(r"^```csv (.+)\n((?:.*\n)*?)```$", LANGUAGE, re.MULTILINE)


@pytest.mark.parametrize("condition", HOLDING)
def test_a_condition_that_is_said_to_hold_holds(condition: str) -> None:
    program = compile_ruleset({"a.grl": f"rule r {{ when {condition}\nthen Accept(); }}"})
    assert program.evaluate(FACTS, as_of=datetime(2026, 3, 1, tzinfo=UTC)).fired == ["r"]


@pytest.mark.parametrize("text", blocks(LANGUAGE, "grl"))
def test_a_rule_on_the_page_loads_and_fires(text: str) -> None:
    program = compile_ruleset({"a.grl": text})
    evaluation = program.evaluate(FACTS, as_of=datetime(2026, 3, 1, tzinfo=UTC))
    assert evaluation.fired[:1] == [program.rules[0].name]


def test_the_rules_with_attributes_fire_as_told() -> None:
    (text,) = (block for block in blocks(LANGUAGE, "grl") if "no-loop activation-group" in block)
    evaluation = compile_ruleset({"a.grl": text}).evaluate(FACTS, as_of=datetime(2026, 3, 1, tzinfo=UTC))
    assert (evaluation.outcome, evaluation.fired) == ("accept", ["Once", "Last"])
    assert evaluation.changes == {"Product.price": 10.5}


@pytest.mark.parametrize(("told", "table"), FIRING, ids=[table.partition(",")[0] for _, table in FIRING])
def test_the_rows_fire_that_a_table_on_the_page_is_said_to_fire(told: str, table: str) -> None:
    fired, _, held = told.partition("; ")
    check = f"rule Held salience -1 {{ when {held or 'true'}\nthen Accept(); }}"
    program = compile_ruleset({"t.csv": table, "u.grl": check})
    assert not program.warnings
    evaluation = program.evaluate(FACTS, as_of=datetime(2026, 3, 1, tzinfo=UTC))
    assert evaluation.fired == [*fired.split(", "), "Held"]


@pytest.mark.parametrize("text", blocks(TABLES, "csv"))
def test_a_table_on_the_page_loads(text: str) -> None:
    assert not compile_ruleset({"t.csv": text}).warnings


def test_the_pattern_on_the_page_holds_when_it_is_said_to() -> None:
    ((stream,), (text,)) = blocks(LANGUAGE, "stream"), blocks(LANGUAGE, "pattern")
    program = compile_ruleset({"a.grl": text}, parse_schema('subject = "Payment"\nkey = "payment_id"\n' + stream))

    def paid(country: str, amount: int, second: int) -> dict[str, object]:
        at = f"2026-03-01T12:00:{second:02}Z"
        return {"country": country, "amount": amount, "kind": "card", "at": at}

    def fired(*payments: dict[str, object]) -> bool:
        facts = {"Payment": payments[-1], "payments": list(payments)}
        return program.evaluate(facts, as_of=datetime(2026, 3, 1, tzinfo=UTC)).fired == ["Jump"]

    assert fired(paid("FR", 10, 0), paid("DE", 31, 1))
    assert fired(paid("FR", 10, 0), paid("DE", 31, 1), paid("DE", 10, 2))
    assert not fired(paid("FR", 10, 0), paid("DE", 30, 1))
    assert not fired(paid("FR", 10, 2), paid("DE", 31, 1))
    assert not fired(paid("FR", 10, 0), paid("DE", 31, 1), paid("FR", 1, 2))
    assert not fired(paid("FR", 10, 0), paid("DE", 31, 1), {"at": "2026-03-01T12:02:01Z", "kind": "card"})


def test_the_limits_of_patterns_on_the_page_are_those_of_the_source() -> None:
    assert f"at most {MAX_BINDINGS} bindings" in LANGUAGE
    assert f"their number is at most {MAX_CHOICES:,}: with 200 events that" in LANGUAGE
    assert 200**3 <= MAX_CHOICES < 200**4
    assert 56**4 <= MAX_CHOICES < 57**4


def test_the_pages_name_every_attribute_and_every_hit_policy() -> None:
    assert all(f"`{attribute}" in LANGUAGE for attribute in ATTRIBUTES)
    assert all(f"`{policy}`" in TABLES for policy in HIT_POLICIES)
    assert {table.partition(",")[0] for _, table in FIRING} == set(HIT_POLICIES)


def test_the_limits_on_the_page_are_those_of_the_source() -> None:
    (table,) = re.findall(r"^\| Limit \| \|\n\|---\|---\|\n((?:\|.*\n)+)", LANGUAGE, re.MULTILINE)
    said = [int(row.split("|")[2].replace(",", "")) for row in table.splitlines()]
    assert said == [
        MAX_SOURCE_CHARACTERS,
        MAX_RULES,
        MAX_TEXT_CHARACTERS,
        MAX_NAME_CHARACTERS,
        DIGITS,
        MAX_NESTING,
        MAX_DEPTH,
        MAX_OPERANDS,
        MAX_LIST_ITEMS,
        MAX_ACTIONS,
        MAX_PATTERN_CHARACTERS,
        MAX_PATTERN_STEPS,
        MAX_ALL_PATTERN_STEPS,
        MAX_PLACES,
        MAX_PROBLEMS,
    ]
