"""Sums that many rules compare with constants are computed once, and mean what each rule would find out by itself."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Program, compile_ruleset, parse_schema
from engine.compiler import compile_rules
from engine.matching import Probes
from tests.engine.naive import Naive

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = parse_schema("""
subject = "Order"
key = "price"
[facts.Order.fields]
price = { kind = "number" }
cost = { kind = "number" }
fee = { kind = "number" }
""")
#: Each makes a rule for every constant.
FORMS = (
    "Order.price > Order.cost + {}",
    "Order.price + Order.cost + Order.fee <= {}",
    "{} - Order.cost < Order.price",
    "!(Order.price - {} >= -Order.cost)",
    "Order.price - Order.fee == {}",
    "Order.fee - Order.price != {}",
)
CONSTANTS = ("-7", "0.1", "0.3", "5", "5.01", "5.0000001", "900")
FACTS: list[dict[str, Any]] = [
    {},
    {"price": 5, "cost": None, "fee": 5},
    {"price": 0.3, "cost": 0.2, "fee": 0.1},
    {"price": 5.01, "cost": 0, "fee": 0},
    {"price": 10.02, "cost": 5.01, "fee": -10.02},
    {"price": 1e12, "cost": 1e12 - 900, "fee": 1e12 - 5},
    {"price": 123456789.12, "cost": -123456784.12, "fee": 123456784.11},
    {"price": -2.5, "cost": 4.5, "fee": 897.5},
]


def program_of(forms: tuple[str, ...]) -> Program:
    conditions = [form.format(constant) for form in forms for constant in CONSTANTS]
    return compile_ruleset(
        {"rules.grl": "\n".join(f'rule "{when}" {{ when {when} then Review("x"); }}' for when in conditions)}, SCHEMA
    )


@pytest.mark.parametrize("facts", FACTS)
def test_sums_near_and_far_from_their_constants_are_judged_as_decimals_say(facts: dict[str, Any]) -> None:
    program = program_of(FORMS)
    wanted = Naive(list(program.rules), schema=SCHEMA).evaluate({"Order": facts}, AS_OF)
    assert program.evaluate({"Order": facts}, as_of=AS_OF).fired == wanted.fired


@pytest.mark.parametrize("form", FORMS)
def test_no_rule_is_left_to_be_tested_by_itself(form: str) -> None:
    compiled = compile_rules(program_of((form,)).rules, SCHEMA, 10)
    look_ups = Probes(compiled.kinds).look_ups(compiled.entries, frozenset())
    assert (len(look_ups.measures), look_ups.doubtful) == (1, 0)
