"""Decision tables: every case of tables.toml, and proofs that are tried on the engine itself."""

import itertools
import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import compile_ruleset
from engine.diagnostics import Diagnostic
from engine.errors import RulesetRejected
from engine.language import print_action, print_expression
from engine.ruleset import read_sources
from engine.schema import parse_schema

FOLDER = Path(__file__).parents[1] / "cases"
CASES = tomllib.loads((FOLDER / "tables.toml").read_text("utf-8"))["case"]
SHOP = parse_schema((FOLDER / "shop.toml").read_text("utf-8"))
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def place(found: Diagnostic) -> str:
    assert found.span is not None
    return f"{found.code}{'?' * (found.severity == 'warning')}@{found.span.line}:{found.span.column}"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    text = case["csv"]
    if "policy" in case:
        header, *rows = text.splitlines()
        text = "\n".join([f"{case['policy']},{header}", *(f",{row}" for row in rows)])
    try:
        ruleset = read_sources({"t.csv": text}, SHOP if case.get("schema", True) else None)
    except RulesetRejected as rejected:
        found = rejected.diagnostics
    else:
        found = ruleset.warnings
        for rule, expected in itertools.zip_longest(ruleset.rules, case.get("rules", ruleset.rules)):
            if "rules" in case:
                actions = "; ".join(print_action(action) for action in rule.actions)
                assert f"{print_expression(rule.condition)} -> {actions}" == expected
        assert [rule.name for rule in ruleset.rules] == case.get("names", [rule.name for rule in ruleset.rules])
        assert {rule.activation_group for rule in ruleset.rules} == {case.get("group")} or "group" not in case
    assert [place(each) for each in found] == case.get("problems", [])
    assert not found or case.get("says", "") in found[0].message


CELLS = {
    "total": [
        "-",
        "< 3",
        "<= 3",
        "> 3",
        ">= 7",
        "3",
        "[3..7]",
        "(3..7)",
        "[0..3)",
        "not(3)",
        "null",
        "not(null)",
        "3, 7",
    ],
    "channel": ["-", "web", "shop", '"web", "shop"', "not(web)", "null", '>= "t"', '["a".."t")'],
    "vip": ["-", "true", "false", "null", "not(true)"],
    "placed": ["-", "< 2026-01-31", "2026-01-31", "not(2026-01-31)", "[2026-01-31..2026-02-28]", "null"],
}
FIELDS = tuple(CELLS)
ROWS = st.lists(st.tuples(*(st.sampled_from(CELLS[field]) for field in FIELDS)), min_size=1, max_size=5)
#: Values around every cut of the cells.
VALUES: dict[str, list[object]] = {
    "total": [None, 0, 1, 3, Decimal("3.5"), 7, 8],
    "channel": [None, "", "a", "shop", "t", "web", "z"],
    "vip": [None, True, False],
    "placed": [None, "2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01"],
}


def table(policy: str, rows: list[tuple[str, ...]], output: str = "then Review") -> str:
    header = ",".join([policy, *(f"when Order.{field}" for field in FIELDS), output])
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "\n".join([header, *(f"r{number},{row},gold" for number, row in enumerate(quoted))])


def rows_that_hold(rows: list[tuple[str, ...]], facts: dict[str, object]) -> set[str]:
    program = compile_ruleset({"t.csv": table("C", rows)}, schema=SHOP)
    order = {"id": "1", **{name: value for name, value in facts.items() if value is not None}}
    evaluation = program.evaluate({"Order": order}, as_of=MOMENT)
    assert evaluation.outcome != "error", evaluation.reasons
    return {name.removeprefix("t#") for name in evaluation.fired}


def facts_of(proof: str) -> dict[str, object]:
    """The facts that a message names: `Order.total = 3, Order.channel = "web"`."""
    facts: dict[str, object] = {}
    for field, shown in re.findall(r'Order\.(\w+) = ((?:Date\()?"[^"]*"\)?|[^,]+)', proof):
        text = shown.removeprefix("Date(").removesuffix(")").strip('"')
        constants: dict[str, object] = {"null": None, "true": True, "false": False}
        facts[field] = constants.get(text, Decimal(text) if field == "total" and text not in constants else text)
    return facts


@given(ROWS)
def test_an_overlap_is_found_and_its_proof_holds(rows: list[tuple[str, ...]]) -> None:
    try:
        read_sources({"t.csv": table("U", rows)}, SHOP)
    except RulesetRejected as rejected:
        for found in rejected.diagnostics:
            if found.code == "table-overlap":
                names = set(re.findall(r"'(r\d)'", found.message))
                assert names <= rows_that_hold(rows, facts_of(found.message)), found.message
    else:
        program = compile_ruleset({"t.csv": table("C", rows)}, schema=SHOP)
        for values in itertools.product(*(VALUES[field][::2] for field in FIELDS)):
            order = {"id": "1", **dict(zip(FIELDS, values, strict=True))}
            assert len(program.evaluate({"Order": order}, as_of=MOMENT).fired) <= 1


@given(ROWS)
def test_a_gap_is_found_and_its_proof_holds(rows: list[tuple[str, ...]]) -> None:
    warnings = read_sources({"t.csv": table("F", rows, "then Order.band")}, SHOP).warnings
    gaps = [found for found in warnings if found.code == "table-gap"]
    if gaps:
        assert rows_that_hold(rows, facts_of(gaps[0].message)) == set(), gaps[0].message
    else:
        program = compile_ruleset({"t.csv": table("C", rows)}, schema=SHOP)
        for values in itertools.product(*(VALUES[field][::2] for field in FIELDS)):
            order = {"id": "1", **dict(zip(FIELDS, values, strict=True))}
            assert program.evaluate({"Order": order}, as_of=MOMENT).fired


@given(ROWS)
def test_a_shadowed_row_never_fires(rows: list[tuple[str, ...]]) -> None:
    warnings = read_sources({"t.csv": table("F", rows)}, SHOP).warnings
    shadowed = {found.message.split("'")[1] for found in warnings if found.code == "table-shadowed"}
    program = compile_ruleset({"t.csv": table("F", rows)}, schema=SHOP)
    for values in itertools.product(*(VALUES[field][1::2] for field in FIELDS)):
        order = {"id": "1", **{name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}}
        fired = {name.removeprefix("t#") for name in program.evaluate({"Order": order}, as_of=MOMENT).fired}
        assert not fired & shadowed
        assert len(fired) <= 1
