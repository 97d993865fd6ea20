"""Cells that say the same: each is read as if it stood alone. And tables that were looked through before."""

import pytest

from engine import RulesetRejected, compile_ruleset, parse_schema
from engine.language import Rule
from engine.ruleset import read_sources
from rulesets.recorded import compile_recorded

SCHEMA_TEXT = """
    subject = "P"
    key = "sku"
    [facts.P.fields]
    sku = { kind = "text" }
    size = { kind = "text" }
    price = { kind = "number" }
    cost = { kind = "number" }
    band = { kind = "text" }
"""
SCHEMA = parse_schema(SCHEMA_TEXT)


def read(*rows: str, header: str = "C,when P.size,when P.price,then P.band,then P.cost") -> tuple[Rule, ...]:
    return read_sources({"t.csv": "\n".join([header, *rows]) + "\n"}, SCHEMA).rules


def test_a_cell_that_is_written_again_has_a_place_of_its_own() -> None:
    rules = read("a,10,> 10,x,= P.cost * 2", "b,10,> 10,x,= P.cost * 2")
    assert rules[0].condition == rules[1].condition
    for first, second in zip(*(rule.condition.operands for rule in rules), strict=True):  # type: ignore[union-attr]
        assert (first.span.line, second.span.line) == (2, 3)
        assert (first.right.span.line, second.right.span.line) == (2, 3)
    for first, second in zip(*(rule.actions for rule in rules), strict=True):
        assert (first.value.span.line, second.value.span.line) == (2, 3)


def test_the_same_text_means_another_thing_in_a_column_of_another_kind() -> None:
    (rule,) = read("a,10,10,10,10")
    size, price = rule.condition.operands  # type: ignore[union-attr]
    band, cost = rule.actions
    kinds = [type(node.value) for node in (size.right, price.right, band.value, cost.value)]
    assert [kind.__name__ for kind in kinds] == ["str", "Decimal", "str", "Decimal"]


@pytest.mark.parametrize(
    "row", ["a,x,< ,y,1", "a,x,[9..1],y,1", "a,x,= 5 +,y,1", "a,x,1,y,= P.nothing", "a,x,> P.nothing,y,1", "a,x,1,y,z"]
)
def test_a_cell_that_is_wrong_twice_is_reported_twice(row: str) -> None:
    with pytest.raises(RulesetRejected) as rejected:
        read(row, "b" + row[1:], "c,x,1,y,1")
    assert [found.span.line for found in rejected.value.diagnostics if found.span] == [2, 3]


OVERLAPPING = "U,when P.price,then Review\na,> 1,x\nb,> 2,y\n"
SHADOWED = "F,when P.price,then Review\na,> 1,x\nb,> 2,y\n"


def test_a_ruleset_that_was_published_is_not_looked_through_again() -> None:
    with pytest.raises(RulesetRejected):
        compile_ruleset({"t.csv": OVERLAPPING}, SCHEMA)
    assert len(compile_ruleset({"t.csv": OVERLAPPING}, SCHEMA, overlaps=False).rules) == 2
    checked = compile_ruleset({"t.csv": SHADOWED}, SCHEMA)
    recorded = compile_recorded({"t.csv": SHADOWED, "domain.toml": SCHEMA_TEXT})
    assert [found.code for found in checked.warnings] == ["table-shadowed"]
    assert recorded.warnings == ()
    assert (recorded.rules, recorded.digest) == (checked.rules, checked.digest)
