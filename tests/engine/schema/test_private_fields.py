"""What a schema calls private is hidden wherever it stands, by whatever name it was sent, and judged as ever."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import (
    HIDDEN,
    PrivateFields,
    SchemaRejected,
    compile_ruleset,
    explain,
    find_counterfactuals,
    masked_explanation,
    parse_schema,
    told_counterfactuals,
)

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number" }
email = { kind = "text", private = true, from = "E-Mail Address" }
born = { kind = "date", private = true }
score = { kind = "number", derived = true, private = true }
[facts.Line]
list = true
from = "positions"
[facts.Line.fields]
sku = { kind = "text" }
price = { kind = "number", private = true }
"""
OPEN = TEXT.replace(", private = true", "")
RULES = """
rule Far { when Order.email endsWith ".example" && Order.total > 10 then Order.score += 5; Reject("far"); }
rule Dear { when Sum(Line.price) > 20 && exists(Line.price > 5 && Line.sku != "x") then Review("dear"); }
"""
FACTS = {
    "Order": {"id": "1", "total": 50, "E-Mail Address": "zoe@shop.example", "born": "1990-01-02"},
    "positions": [{"sku": "a", "price": 19.5}, {"sku": "b", "price": None}, {"sku": "c", "price": 3}],
}
SECRETS = ("zoe@", "1990", "19.5", "22.5")


def private(text: str = TEXT) -> PrivateFields:
    return PrivateFields([parse_schema(text)])


def test_facts_are_hidden_by_every_name_that_they_come_by_and_null_is_told() -> None:
    masked = private().masked(FACTS)
    assert masked == {
        "Order": {"id": "1", "total": 50, "E-Mail Address": HIDDEN, "born": HIDDEN},
        "positions": [{"sku": "a", "price": HIDDEN}, {"sku": "b", "price": None}, {"sku": "c", "price": HIDDEN}],
    }
    assert private().masked({"Order": {" E-Mail Address ": "z"}, "Line": [{"price": 1}]}) == {
        "Order": {" E-Mail Address ": HIDDEN},
        "Line": [{"price": HIDDEN}],
    }
    assert private().found_in(FACTS) == ["Order.E-Mail Address", "Order.born", "positions.price"]
    assert private().without(FACTS) == {
        "Order": {"id": "1", "total": 50},
        "positions": [{"sku": "a"}, {"sku": "b", "price": None}, {"sku": "c"}],
    }


@pytest.mark.parametrize("odd", [{}, {"Order": None}, {"Order": [1, None]}, {"Order": "zoe"}, {"Else": {"email": 1}}])
def test_facts_of_any_shape_are_taken(odd: dict[str, Any]) -> None:
    assert private().masked(odd) == odd
    assert not private(OPEN)
    assert private(OPEN).masked(FACTS) == FACTS


MENTIONED = {
    "Order.email": True,
    "Order.email.Len()": True,
    "Line[0].price": True,
    "Sum(Line.price) + 1": True,
    'Order["email"]': True,
    "Order.emails": False,
    "Order.total": False,
    "MyOrder.email": False,
    "Line.sku": False,
    "Customer.Order.email": False,
}


@pytest.mark.parametrize(("text", "found"), MENTIONED.items(), ids=MENTIONED)
def test_an_expression_is_known_to_read_a_private_field(text: str, found: bool) -> None:
    assert private().are_in(text) is found
    assert not private(OPEN).are_in(text)


def test_an_explanation_tells_conditions_and_no_private_value() -> None:
    program = compile_ruleset({"a.grl": RULES}, schema=parse_schema(TEXT))
    explanation = explain(program, FACTS, as_of=AS_OF, every=True)
    told = masked_explanation(explanation, private())
    shown = f"{told.to_json()} {told.evaluation.facts}"
    assert not [secret for secret in SECRETS if secret in shown]
    assert [rule.condition.holds for rule in told.rules] == [True, True]
    assert [(change.field, change.before, change.after) for change in told.changes] == [("Order.score", None, HIDDEN)]
    assert "Order.total" in shown
    assert [rule.condition.text for rule in told.rules] == [rule.condition.text for rule in explanation.rules]
    found = find_counterfactuals(program, FACTS, as_of=AS_OF)
    assert told_counterfactuals(found, program.rules, private()).changes == ()
    assert told_counterfactuals(found, program.rules, private(OPEN)) is found
    assert masked_explanation(explanation, private(OPEN)) is explanation


def test_what_is_judged_is_the_same_and_the_version_is_another() -> None:
    hidden, shown = (compile_ruleset({"a.grl": RULES}, schema=parse_schema(text)) for text in (TEXT, OPEN))
    assert hidden.evaluate(FACTS, as_of=AS_OF) == shown.evaluate(FACTS, as_of=AS_OF)
    assert hidden.digest != shown.digest


@pytest.mark.parametrize("wrong", ["born", "email", "price"])
def test_a_refusal_names_a_private_field_and_not_its_value(wrong: str) -> None:
    sent: dict[str, Any] = {"Order": {"id": "1", "total": 50}, "Line": []}
    if wrong == "price":
        sent["Line"] = [{"price": "secret"}]
    else:
        sent["Order"][wrong] = 12.75
    program = compile_ruleset({"a.grl": RULES}, schema=parse_schema(TEXT))
    said = str(program.evaluate(sent, as_of=AS_OF).reasons[0].text)
    assert wrong in said
    assert "secret" not in said
    assert "12.75" not in said
    open_program = compile_ruleset({"a.grl": RULES}, schema=parse_schema(OPEN))
    assert {"secret", "12.75"} & set(open_program.evaluate(sent, as_of=AS_OF).reasons[0].text.replace("'", " ").split())


def test_the_key_of_a_domain_is_not_private() -> None:
    with pytest.raises(SchemaRejected) as refused:
        parse_schema(TEXT.replace('id = { kind = "text" }', 'id = { kind = "text", private = true }'))
    assert [one.code for one in refused.value.diagnostics] == ["schema-private"]
