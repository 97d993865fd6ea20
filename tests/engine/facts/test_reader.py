"""The reader of facts: the fast one and the exact one give the same slots, or the same refusal."""

from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from engine.errors import FactsRejected
from engine.facts import FactReader, FieldUse, SlotLayout
from engine.facts.exact_reader import ExactReader
from engine.facts.fast_reader import compile_fast_reader
from engine.language import Path
from engine.schema import Schema, parse_schema

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = """
subject = "Product"
key = "price"
[facts.Product.fields]
price = { kind = "number", required = true, min = 0, max = 1000 }
name = { kind = "text", values = ["a", "b"] }
since = { kind = "date" }
flag = { kind = "boolean", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
qty = { kind = "number" }
"""

FACTS: list[Any] = [
    {"Product": {"price": 9.5, "name": "a", "since": "2026-01-01"}, "Line": [{"qty": 2}, {"qty": None}]},
    {"Product": {"price": Decimal("9.50"), "since": date(2026, 1, 1)}, "Line": ({"qty": 2},)},
    {"Product": MappingProxyType({"price": 7}), "Line": None},
    {"Product": {"price": 0.1 + 0.2}},
    {"Product": {"price": 1e300}},
    {"Product": {"price": 1001}},
    {"Product": {"price": "9"}},
    {"Product": {"price": True}},
    {"Product": {"price": 1, "name": "c"}},
    {"Product": {"price": 1, "flag": True}},
    {"Product": {"price": 1, "since": "yesterday"}},
    {"Product": {}, "Line": 3},
    {},
    [],
    None,
]


def _layout(schema: Schema | None) -> SlotLayout:
    layout = SlotLayout(schema)
    for path in (Path("Product", (name,)) for name in ("price", "name", "since", "flag")):
        layout.note(path)
    layout.note(Path("Line", (0, "qty")))
    layout.note(Path("Line"))
    layout.freeze()
    return layout


def _result(read: Any, facts: Any) -> Any:
    try:
        return read(facts, AS_OF)
    except FactsRejected as rejected:
        return rejected.message


@pytest.mark.parametrize("schema", [SCHEMA, None])
@pytest.mark.parametrize("facts", FACTS)
def test_both_readers_agree(schema: str | None, facts: Any) -> None:
    layout = _layout(None if schema is None else parse_schema(schema))
    reader = FactReader(layout, frozenset())
    assert _result(reader.read, facts) == _result(ExactReader(layout, reader.use).read, facts)


@pytest.mark.parametrize(("facts", "is_plain"), [(FACTS[0], True), (FACTS[1], False)])
def test_only_facts_in_doubt_are_handed_over(facts: Any, is_plain: bool) -> None:
    handed_over: list[Any] = []

    def read_exactly(facts: Any, as_of: Any) -> list[Any]:
        handed_over.append(facts)
        return []

    layout = _layout(parse_schema(SCHEMA))
    compile_fast_reader(layout, FieldUse(layout, frozenset()), read_exactly)(facts, AS_OF)
    assert handed_over == ([] if is_plain else [facts])
