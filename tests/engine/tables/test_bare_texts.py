"""Cells without quotes: a text where nothing else can be meant, and refused where something can; cells.toml."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RulesetRejected
from engine.language import print_action, print_expression
from engine.ruleset import read_sources
from engine.schema import Schema, parse_schema
from engine.tables.bare_texts import CellRefused, refuse_unclear

FOLDER = Path(__file__).parents[1] / "cases"
CASES = tomllib.loads((FOLDER / "cells.toml").read_text("utf-8"))["case"]
SHOP = parse_schema((FOLDER / "shop.toml").read_text("utf-8"))


def cells(which: str) -> list[Any]:
    return [
        pytest.param(case, cell, expected, id=f"{case['name']}: {cell}")
        for case in CASES
        for cell, expected in case.get(which, [])
    ]


def meaning(case: dict[str, Any], cell: str) -> str:
    """The rule of a table that has this cell, as GRL: its condition, or its action."""
    is_input = case["column"].startswith("when ")
    quoted = '"' + cell.replace('"', '""') + '"'
    header = ["C", case["column"], "then Review"] if is_input else ["C", case["column"]]
    text = "\n".join([",".join(header), f"row,{quoted}" + ",x" * is_input])
    schema: Schema | None = SHOP
    if "schema" in case:
        schema = parse_schema(case["schema"]) if case["schema"] else None
    (rule,) = read_sources({"t.csv": text}, schema).rules
    return print_expression(rule.condition) if is_input else print_action(rule.actions[0])


@pytest.mark.parametrize(("case", "cell", "expected"), cells("means"))
def test_a_cell_means(case: dict[str, Any], cell: str, expected: str) -> None:
    assert meaning(case, cell) == expected


@pytest.mark.parametrize(("case", "cell", "says"), cells("refused"))
def test_a_cell_is_refused_with_a_hint(case: dict[str, Any], cell: str, says: str) -> None:
    with pytest.raises(RulesetRejected) as rejected:
        meaning(case, cell)
    (found,) = rejected.value.diagnostics
    assert found.code == "table-cell"
    assert says in found.message
    assert found.hint


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_decimal_comma_is_refused_whatever_stands_between_cells(delimiter: str) -> None:
    text = "F;when Order.total;then Review\nx;< 0,25;low".replace(";", delimiter)
    with pytest.raises(RulesetRejected, match="'0,25' may be one number or two"):
        read_sources({"t.csv": text}, SHOP)


def test_no_condition_that_grl_would_take_is_a_text() -> None:
    # Whoever knows the language of rules and writes it in a cell is told so.
    for written in (
        'Order.channel == "web"',
        "!(Order.vip)",
        "Order.total > 5 && Order.vip",
        'channel in ["web"]',
        "Len(channel)",
        "channel == Order.id",
    ):
        with pytest.raises(CellRefused):
            refuse_unclear(written, frozenset({"Order"}))
