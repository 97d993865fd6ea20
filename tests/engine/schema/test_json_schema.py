"""What the JSON Schema of a domain takes is judged, and what it refuses is an error, but for what the page says."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from engine import compile_ruleset, json_schema, parse_schema
from engine.schema import Schema
from rulefarm import wire
from rulefarm.errors import JobRejected
from rulesets.loader import SHIPPED, available_domains
from tests.engine.effort import cases
from tests.engine.generated_facts import facts_from
from tests.engine.generated_schema import OtherSystem, schema_from

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
#: What a schema can't say.
UNSAID = ("digits", "is below its minimum", "is above its maximum", "is no date", "out of range", "came by two names")
TOML = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text", required = true }
total = { kind = "number", required = true, min = 0, max = 10.5, description = "in dollars" }
method = { kind = "text", values = ["card", "cash"] }
grade = { kind = "number", values = [1, 2.5] }
paid = { kind = "boolean" }
at = { kind = "date" }
open = { kind = "time", min = "08:00" }
took = { kind = "duration" }
tags = { kind = "list" }
more = { kind = "object" }
score = { kind = "number", from = "Credit Score" }
risk = { kind = "number", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
sku = { kind = "text", required = true }
[facts.Buyer.fields]
name = { kind = "text", required = true }
"""
GOOD: dict[str, Any] = {"Order": {"id": "1", "total": 1}, "Buyer": {"name": "x"}}


class Exact(OtherSystem):
    """Spells names as they are declared: a name with a blank before it is one that a JSON Schema does not know."""

    def name(self, own: str, other: str) -> str:
        """One of the two names."""
        return other if other and self.random.randrange(2) else own


def reading(schema: Schema) -> Any:
    """A program that reads every field, so that each is read by its kind."""
    rules = []
    for fact in schema.facts.values():
        for field in fact.fields.values():
            path = f"{fact.name}.{field.name}"
            condition = f"exists({path} != null)" if fact.is_list else f"{path} != null"
            rules.append(f'rule "{path}" {{ when {condition} then Log("x"); }}')
    return compile_ruleset({"r.grl": "\n".join(rules)}, schema)


def problems(program: Any, facts: Any) -> list[str]:
    """Why the engine refuses facts, one by one; none: it does not."""
    evaluation = program.evaluate(facts, as_of=AS_OF)
    return [] if evaluation.outcome != "error" else evaluation.reasons[0].text.split("; ")


@pytest.mark.parametrize("domain", available_domains(SHIPPED))
def test_the_shipped_domains_have_schemas_of_the_standard(domain: str) -> None:
    schema = parse_schema((SHIPPED / domain / "domain.toml").read_text(encoding="utf-8"))
    document = json.loads(json.dumps(json_schema(schema)))
    jsonschema.Draft202012Validator.check_schema(document)
    assert schema.subject in document["properties"]


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        ({}, True),
        ({"Order": None}, False), ({"Order": {}}, False), ({"Order": [GOOD["Order"]]}, False), ({"Buyer": None}, False),
        ({"Buyer": {"name": None}}, False), ({"Line": None}, True), ({"Line": []}, True),
        ({"Line": [{"sku": "1"}]}, True), ({"Line": [{}]}, False), ({"Line": [None]}, False),
        ({"Line": {"sku": "1"}}, False), ({"Other": 7}, True),
    ],
)  # fmt: skip
def test_facts_are_taken_as_the_engine_takes_them(change: dict[str, Any], is_taken: bool) -> None:
    schema = parse_schema(TOML)
    facts = {**GOOD, **change}
    assert jsonschema.Draft202012Validator(json_schema(schema)).is_valid(facts) is is_taken
    assert (problems(reading(schema), facts) == []) is is_taken


@pytest.mark.parametrize(
    ("field", "taken", "refused"),
    [
        ("id", ["", "x"], [None, True, {}, 1.5]),
        ("total", [0, 10.5, 1e-9], [None, -1, 10.6, "1", True, [1]]),
        ("method", [None, "card"], ["check", "Card", 7.5]),
        ("grade", [None, 1, 2.5, 1.0], [2, "1"]),
        ("paid", [None, True, False], [0, "true"]),
        ("at", [None, "2026-03-01", "2026-03-01T10:00", "2026-03-01T10:00:00.5+01:00"], ["x", 7, ""]),
        ("at", ["2024-02-29", "2026-12-31T23:59:59Z"], ["2026-03-01T24:01", "2026-03", "tomorrow"]),
        ("open", [None, "08:00", "10:30:15.5"], ["25:00", "10", 10, "10:30Z"]),
        ("took", [None, "PT1H30M", "P2D", "-PT0.5S", "P1DT1H"], ["P", "PT", "P1M", "1h", 90, "P1DT"]),
        ("tags", [None, [], [1, "x"]], ["x", {}]),
        ("more", [None, {}, {"a": 1}], ["x", []]),
        ("score", [None, 1], ["1"]),
        ("Credit Score", [None, 1], ["1"]),
        ("risk", [None], [1]),
        ("unknown", [None, 1, "x"], []),
    ],
)  # fmt: skip
def test_a_field_is_taken_as_the_engine_takes_it(field: str, taken: list[Any], refused: list[Any]) -> None:
    schema = parse_schema(TOML)
    validator, program = jsonschema.Draft202012Validator(json_schema(schema)), reading(schema)
    for values, is_taken in ((taken, True), (refused, False)):
        for value in values:
            facts = {**GOOD, "Order": {**GOOD["Order"], field: value}}
            assert validator.is_valid(facts) is is_taken, value
            assert (problems(program, facts) == []) is is_taken, value


def test_a_strict_schema_takes_no_other_name() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(parse_schema("strict = true\n" + TOML)))
    assert validator.is_valid(GOOD)
    assert not validator.is_valid({**GOOD, "Other": None})
    assert not validator.is_valid({**GOOD, "Order": {**GOOD["Order"], "ttoal": None}})


def test_what_the_farm_adds_need_not_come_with_a_job() -> None:
    for domain in ("credit", "fraud"):
        path = SHIPPED.parent / "tests" / "acceptance" / "shared_facts" / "rulesets" / domain / "domain.toml"
        schema = parse_schema(path.read_text(encoding="utf-8"))
        subject = {"amount": 1} if domain == "fraud" else {"total": 1}
        assert jsonschema.Draft202012Validator(json_schema(schema)).is_valid({schema.subject: subject})


def test_a_reader_is_told_what_a_person_knows() -> None:
    order = json_schema(parse_schema(TOML))["properties"]["Order"]["properties"]
    assert order["total"] == {"type": "number", "minimum": 0, "maximum": 10.5, "description": "in dollars"}
    assert order["open"]["description"] == "a time of day: 10:30, 10:30:15; minimum 08:00:00"
    assert order["risk"] == {"type": "null", "readOnly": True, "description": "written by rules"}


def test_generated_facts_are_taken_as_the_engine_takes_them() -> None:
    counts: Counter[bool] = Counter()
    for seed in range(cases(40)):
        schema = schema_from(seed)
        validator, program = jsonschema.Draft202012Validator(json_schema(schema)), reading(schema)
        sender = Exact(schema, seed)
        for sent in facts_from(seed, 25, typed=seed % 2 > 0):
            try:
                facts = json.loads(wire.canonical(sender.sent(sent)))
            except JobRejected:
                continue
            is_valid = validator.is_valid(facts)
            found = problems(program, facts)
            said = [problem for problem in found if not any(words in problem for words in UNSAID)]
            assert not (is_valid and said), (schema.canonical(), facts, said)
            counts[is_valid] += 1
    assert min(counts[True], counts[False]) > cases(20)
