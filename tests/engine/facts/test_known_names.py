"""Names that a domain does not have are said, with the nearest; a strict one refuses them, whoever judges."""

from typing import Any

import pytest

from engine import compile_ruleset, parse_schema
from tests.engine.every_evaluator import AS_OF, check

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", from = "Total Amount" }
status = { kind = "text" }
attrs = { kind = "object" }
flag = { kind = "text", derived = true }
[facts.Line]
list = true
from = "Lines"
[facts.Line.fields]
sku = { kind = "text" }
[facts.Customer.fields]
limit = { kind = "number" }
[lookup.Customer]
by = "Order.id"
[stream.orders]
key = "Order.status"
window = "1h"
"""
RULES = "rule Big { when Order.total > 5 || Line[0].sku == 'x' || Customer.limit > 1 then Reject('big'); }"
LONG = "x" * 100

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("nothing", {"Order": {"id": "1", "total": 1, "status": None}, "Line": [{"sku": "a"}, {}], "Customer": {}}, []),
    ("a field", {"Order": {"totl": 1}}, ["Order has no field 'totl' (did you mean 'total'?)"]),
    ("a field with null", {"Order": {"totl": None}}, ["Order has no field 'totl' (did you mean 'total'?)"]),
    ("a field that is near none", {"Order": {"weather": 1}}, ["Order has no field 'weather'"]),
    ("a field in another case", {"Order": {"Status": 1}}, ["Order has no field 'Status' (did you mean 'status'?)"]),
    ("a field of a list, once", {"Order": {}, "Line": [{"sku": "a"}, {"skuu": 1}, {"skuu": 2}]},
     ["Line has no field 'skuu' (did you mean 'sku'?)"]),
    ("a fact", {"Order": {}, "Lin": []}, ["there is no fact 'Lin' (did you mean 'Line'?)"]),
    ("a fact, and what is in it not", {"Ordre": {"x": 1}}, ["there is no fact 'Ordre' (did you mean 'Order'?)"]),
    ("names of another system", {"Order": {" Total Amount ": 1}, "Lines": [{"sku": "a"}]}, []),
    ("nearly one of another system", {"Order": {"Total Amont": 1}},
     ["Order has no field 'Total Amont' (did you mean 'Total Amount'?)"]),
    ("what is looked up and what a window holds may have more",
     {"Order": {}, "Customer": {"limit": 1, "age": 7}, "orders": [{"total": 1, "at": 2, "more": 3}]}, []),
    ("what is inside a field is its own affair", {"Order": {"attrs": {"colour": "red"}}}, []),
    ("a long name", {"Order": {LONG: 1}}, [f"Order has no field '{LONG[:60]}…'"]),
    ("many", {"Order": {f"{n}{n}": n for n in range(9)}},
     [*(f"Order has no field '{n}{n}'" for n in range(5)), "and 4 more"]),
    ("what is no fact at all", {"Order": 7, "Line": "x"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_a_domain_does_not_know_is_said(facts: dict[str, Any], said: list[str]) -> None:
    program = compile_ruleset({"a.grl": RULES}, parse_schema(SCHEMA))
    before = repr(facts)
    assert program.unknown_names(facts) == said
    assert repr(facts) == before
    if set(facts) == {"Order"} and isinstance(facts["Order"], dict):
        assert program.unknown_columns(list(facts["Order"]), "Order") == said


STRICT = """
strict = true
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", from = "Total Amount" }
[facts.Line]
list = true
[facts.Line.fields]
sku = { kind = "text" }
"""


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"Order": {"id": "1", "total": 6}}, ""),
        ({"Order": {"id": "1", "Total Amount": 6}}, ""),
        ({"Order": {"total": 6, "totl": 1}}, "Order has no field 'totl' (did you mean 'total'?)"),
        ({"Order": {"total": 6, "totl": None}}, "Order has no field 'totl' (did you mean 'total'?)"),
        ({"Order": {"total": 6}, "Lin": []}, "there is no fact 'Lin' (did you mean 'Line'?)"),
        ({"Order": {"total": 6}, "Line": [{"sku": "a"}, {"qty": 1}]}, "Line has no field 'qty'"),
        (
            {"Order": {"total": "x", "y": 1}},
            "Order has no field 'y'; Order.total has to be a number, and is a text: 'x'",
        ),
    ],
)
def test_a_strict_domain_refuses_it_whoever_judges(facts: dict[str, Any], problem: str) -> None:
    schema = parse_schema(STRICT)
    answer = {"outcome": "reject", "fired": ["Big"], "reasons": ["big"]}
    if problem:
        answer = {"outcome": "error", "code": "facts-rejected"}
    rules = "rule Big { when Order.total > 5 then Reject('big'); }"
    check({"rules": rules, **answer}, schema, facts)
    program = compile_ruleset({"a.grl": rules}, schema)
    evaluation = program.evaluate(facts, as_of=AS_OF)
    assert [reason.text for reason in evaluation.reasons] == [problem or "big"]
    assert program.unknown_names(facts) == []


def test_strict_is_part_of_the_version_and_not_being_it_is_not() -> None:
    rules = {"a.grl": "rule Big { when Order.total > 5 then Reject('big'); }"}
    digests = [
        compile_ruleset(rules, parse_schema(STRICT.replace("strict = true", line))).digest
        for line in ("strict = true", "strict = false", "")
    ]
    assert digests[0] != digests[1] == digests[2]
