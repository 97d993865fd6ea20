"""What compares all elements with one value is compared once, with their greatest or least, and means what it meant."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Program, compile_ruleset, parse_schema
from engine.compiler import compile_rules
from tests.engine.naive import Naive

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = parse_schema("""
subject = "Order"
key = "price"
[facts.Order.fields]
price = { kind = "number" }
level = { kind = "number", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
amount = { kind = "number" }
""")
CONDITIONS = [
    f"{kind}({negated}({comparison}))"
    for kind in ("exists", "forall")
    for negated in ("", "!")
    for comparison in (
        "Line.amount > Order.price + 1",
        "Line.amount >= Order.price",
        "Order.price - 1 > Line.amount",
        "Order.price * 2 <= Line.amount",
        "Line.amount < 10 / Order.price",
    )
]
LISTS: list[Any] = [
    None,
    [],
    [{"amount": None}],
    [{"amount": 5}],
    [{"amount": 5}, {"amount": 5.01}],
    [{"amount": 4}, {"amount": None}, {"amount": 9}],
    [{"amount": 6}, {"amount": 7}],
    [{"amount": 1e12}, {"amount": -1e12}],
]
ORDERS: list[dict[str, Any]] = [{}, {"price": 4}, {"price": 5}, {"price": 5.01}, {"price": -3}, {"price": 0}]


def program_of(rules: list[str]) -> Program:
    return compile_ruleset({"rules.grl": "\n".join(rules)}, SCHEMA)


def test_lists_without_numbers_and_orders_without_a_price_are_judged_as_element_by_element() -> None:
    program = program_of([f'rule "{when}" {{ when {when} then Review("x"); }}' for when in CONDITIONS])
    naive = Naive(list(program.rules), schema=SCHEMA)
    for order in ORDERS:
        for lines in LISTS:
            facts = {"Order": order, "Line": lines}
            assert program.evaluate(facts, as_of=AS_OF).fired == naive.evaluate(facts, AS_OF).fired, facts


@pytest.mark.parametrize("when", CONDITIONS)
def test_such_conditions_are_found_out_about_a_list_and_do_not_go_through_it(when: str) -> None:
    compiled = compile_rules(program_of([f'rule R {{ when {when} then Review("x"); }}']).rules, SCHEMA, 10)
    assert not compiled.walked
    assert [fold.kind for index in compiled.elements for fold in index.folds] in (["Min"], ["Max"])


def test_what_a_rule_sets_before_is_compared_with() -> None:
    program = program_of(
        [
            "rule Sets salience 5 { when Order.price > 0 then Order.level = Order.price + 3; }",
            'rule Above { when exists(Line.amount > Order.level) then Review("above"); }',
        ]
    )
    facts = {"Order": {"price": 4}, "Line": [{"amount": 6}, {"amount": 7.5}]}
    assert program.evaluate(facts, as_of=AS_OF).fired == ["Sets", "Above"]
    facts = {"Order": {"price": 4}, "Line": [{"amount": 6}, {"amount": 7}]}
    assert program.evaluate(facts, as_of=AS_OF).fired == ["Sets"]
