"""What is asked of all lines of an order is found out in one go, before rules are asked, and as the rules ask it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import compile_ruleset
from engine.compiler import Compiled, compile_rules
from engine.ruleset import read_sources
from engine.schema import Schema, parse_schema
from tests.engine.naive import Naive

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

SCHEMA = parse_schema("""
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number" }
mark = { kind = "text", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
sku = { kind = "text" }
qty = { kind = "number" }
price = { kind = "number" }
""")


def compiled(text: str, schema: Schema | None = SCHEMA) -> Compiled:
    return compile_rules(read_sources({"a.grl": text}, schema).rules, schema, 1_000)


def rules(*conditions: str, action: str = 'Review("x");') -> str:
    return "\n".join(f"rule R{i} {{ when {one} then {action} }}" for i, one in enumerate(conditions))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("exists(Line.qty > 3)", True),
        ('forall(Line.sku startsWith "a" || Line.qty == null)', True),
        ("Count(Line.qty > 3) * 2 >= Order.total", True),
        ("Sum(Line.qty * Line.price) > Order.total", True),
        ("exists(Line.qty > Order.total)", True),
        # What rules write in an order may change what is asked of its lines.
        ("exists(Line.sku == Order.mark)", False),
        ("Count(Line.sku == Order.mark) > 1", False),
    ],
)
def test_what_no_rule_can_change_is_found_out_beforehand(condition: str, found: bool) -> None:
    program = compiled(rules(condition, action='Order.mark = "x";'))
    assert len(program.elements) == found


@pytest.mark.parametrize("target", ["Line[0].qty", "Line[1].sku", "Line[0].price"])
def test_of_a_list_that_some_rule_writes_nothing_is_found_out_beforehand(target: str) -> None:
    value = '"x"' if "sku" in target else "3"
    assert not compiled(rules("exists(Line.qty > 3)", action=f"{target} = {value};"), None).elements


@pytest.mark.parametrize(
    "test", ['Line.sku matches "x{}"', 'Line.sku contains "x{}"', 'ToUpper(Line.sku) == "X{}"', "Line.qty % 7 == {}"]
)
def test_what_would_cost_every_order_much_is_left_to_the_rules_that_ask(test: str) -> None:
    """A thousand searches of every line, for orders that hardly ever need one, would cost more than they save."""
    texts = [test.replace("{}", str(i)) for i in range(40)]
    program = compiled(rules(*(f"Order.total == {i} && exists({one})" for i, one in enumerate(texts))))
    (index,) = program.elements
    assert len(index.entries) <= 16
    cheap = compiled(rules(*(f"Order.total == {i} && exists(Line.qty > {i})" for i in range(40))))
    assert len(cheap.elements[0].entries) == 40


@pytest.mark.parametrize(
    "lines",
    [
        None,
        [],
        [{}],
        [{"qty": None}, {"qty": 4}],
        {"qty": 4, "sku": "a"},
        [{"qty": 4}, None],
        [None],
        [3, {"qty": 9, "sku": "ab"}],
        "text",
        7,
        [{"qty": "4"}, {"qty": True}, {"qty": [4]}],
        [{"qty": 1e29, "price": 1e29}, {"qty": 1e-29, "price": -1e29}],
        [{"qty": 0.1, "price": 3}, {"qty": 0.2, "price": 0.00001}, {"qty": 123456789.1234}],
    ],
)
def test_whatever_stands_in_the_place_of_a_list_is_judged_as_ever(lines: Any) -> None:
    text = rules(
        "exists(Line.qty > 3)",
        "forall(Line.qty > 3)",
        "exists(Line.qty > Line.price * 2)",
        "Count(Line.qty == null) >= 1",
        "Count(Line) == 2",
        "Sum(Line.qty) == Order.total",
        "Avg(Line.qty) < Max(Line.price)",
        "Min(Line.qty) >= 0",
        'Max(Line.sku) == "a"',
        "CountDistinct(Line.qty) > 1",
        action='Review("lines " + Count(Line.qty > 3) + ", " + Sum(Line.qty) + ", " + Max(Line.qty));',
    )
    program = compile_ruleset({"a.grl": text})
    facts = {"Order": {"total": 0.3}, "Line": lines}
    got, wanted = program.evaluate(facts, as_of=AS_OF), Naive(list(program.rules)).evaluate(facts, AS_OF)
    assert (got.outcome, got.fired) == (wanted.outcome, wanted.fired)
    assert [reason.text for reason in got.reasons] == [words for _, _, words in wanted.reasons]
