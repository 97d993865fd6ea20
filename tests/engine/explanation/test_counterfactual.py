"""The smallest change of one number: exact at breakpoints, at arithmetic and behind a chain of rules."""

from datetime import UTC, datetime
from typing import Any

import pytest

from engine import compile_ruleset, parse_schema
from engine.explanation import Counterfactual, find_counterfactuals

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def found(text: str, facts: dict[str, Any], schema: str = "") -> list[str]:
    program = compile_ruleset({"a.grl": text}, parse_schema(schema) if schema else None)
    return [str(one) for one in find_counterfactuals(program, facts, as_of=AS_OF).changes]


def rule(condition: str, outcome: str = "Reject", name: str = "R") -> str:
    return f'rule {name} {{ when {condition} then {outcome}("no"); }} '


@pytest.mark.parametrize(
    ("condition", "number", "sentence"),
    [
        ("P.n < 9.86", 9.8, "P.n is 9.8; 9.86 or more passes"),
        ("P.n <= 9.86", 9.8, "P.n is 9.8; more than 9.86 passes"),
        ("P.n > 5", 8, "P.n is 8; 5 or less passes"),
        ("P.n >= 5", 8, "P.n is 8; less than 5 passes"),
        ("P.n == 5", 5, "P.n is 5; more than 5 passes"),
        ("P.n != 5", 4, "P.n is 4; exactly 5 passes"),
        ("P.n < 5 || P.n > 9", 4, "P.n is 4; 5 or more, up to 9, passes"),
        ("P.n < 5 || P.n >= 9", 10, "P.n is 10; less than 9, down to 5, passes"),
        ("P.n in [3, 4]", 4, "P.n is 4; more than 4 passes"),
        ("P.n > 0", 8, "P.n is 8; 0 or less passes"),
        ("P.n < 100", 0, "P.n is 0; 100 or more passes"),
        ("P.n * 3 < 10", 2, "P.n is 2; 3.33333333333334 or more passes"),
        ("P.n * 1.02 < P.m", 9, "P.m is 10; 9.18 or less passes"),
        ("P.n - P.m > 5", 20, "P.n is 20; 15 or less passes"),
        ("P.n * 2 != 12", 7, "P.n is 7; exactly 6 passes"),
        ("P.n / P.m > 1.5", 20, "P.n is 20; 15 or less passes"),
        ("P.n + P.n * P.n > 30", 20, "P.n is 20; 5 or less, down to -6, passes"),
        ("Sum(L.q) > 12", 1, "L[0].q is 7; 6 or less passes"),
        ("exists(L.q * 2 > 12)", 1, "L[0].q is 7; 6 or less passes"),
        ('P.n > 5 && P.t == "a"', 8, "P.n is 8; 5 or less passes"),
    ],
)
def test_it_is_found_exactly(condition: str, number: float, sentence: str) -> None:
    facts = {"P": {"n": number, "m": 10, "t": "a"}, "L": [{"q": 7}, {"q": 6}]}
    # Arithmetic is told for the field that is nearer, by its size.
    assert found(rule(condition), facts)[:1] == [sentence]


def test_it_is_found_behind_a_chain_of_rules() -> None:
    text = "rule Total salience 1 { when P.q > 0 then P.total = P.q * P.price * 1.19; } " + rule("P.total > 100")
    assert found(text, {"P": {"q": 30, "price": 3}}) == ["P.price is 3; 2.80112044817928 or less passes"]


def test_the_field_with_the_smaller_change_for_its_size_is_told() -> None:
    text = rule("P.n > 5 && P.m > 90")
    assert found(text, {"P": {"n": 8, "m": 100}}) == ["P.m is 100; 90 or less passes"]


def test_a_lesser_evil_is_told_beside_what_passes() -> None:
    text = rule("P.n > 50", "Reject", "A") + rule("P.n > 10", "Review", "B")
    assert found(text, {"P": {"n": 60}}) == [
        "P.n is 60; 50 or less is for review only",
        "P.n is 60; 10 or less passes",
    ]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (rule("P.n > 5"), {"P": {"n": 5}}),
        (rule('P.t == "a"'), {"P": {"t": "a", "n": 5}}),
        (rule("P.n > 5", name="A") + rule("P.m > 5", name="B"), {"P": {"n": 8, "m": 8}}),
        (rule("P.n == null"), {"P": {}}),
        (rule('P.n == "1"'), {"P": {"n": "1"}}),
        (rule("true"), {"P": {"n": 1}}),
    ],
)
def test_none_is_told_where_there_is_none(text: str, facts: dict[str, Any]) -> None:
    assert found(text, facts) == []


SCHEMA = """subject = "P"
key = "id"
[facts.P.fields]
id = { kind = "text" }
share = { kind = "number", min = 0, max = 1 }
size = { kind = "number", values = [1, 2, 4] }
"""


def test_the_schema_bounds_the_change() -> None:
    assert found(rule("P.share < 2"), {"P": {"share": 0.5}}, SCHEMA) == []
    assert found(rule("P.share < 0.7"), {"P": {"share": 0.5}}, SCHEMA) == ["P.share is 0.5; 0.7 or more passes"]
    assert found(rule("P.size < 3"), {"P": {"size": 1}}, SCHEMA) == ["P.size is 1; exactly 4 passes"]


def test_facts_that_break_a_bound_are_told_the_bound() -> None:
    assert found(rule("P.share < 0.7"), {"P": {"share": 1.5}}, SCHEMA) == [
        "P.share is 1.5; 1 or less, down to 0.7, passes"
    ]


def test_rules_that_never_end_are_told_where_they_do() -> None:
    loop = "rule A { when P.go > 3 && P.n > 0 then P.n += 1; }"
    assert found(loop, {"P": {"go": 5, "n": 1}}) == ["P.go is 5; 3 or less passes"]


@pytest.mark.parametrize(
    ("condition", "note"),
    [
        ("P.n < 9", ""),
        ('P.t == "a"', "none: no single number has influence on all the rules that ask for this outcome"),
        (
            "P.n != P.n + 0 || P.m * 0 == 0",
            "none was found: of P.m, no other number by itself gave a better outcome",
        ),
    ],
)
def test_what_was_not_found_is_told_as_it_is(condition: str, note: str) -> None:
    program = compile_ruleset({"a.grl": rule(condition)})
    assert find_counterfactuals(program, {"P": {"n": 8, "m": 1, "t": "a"}}, as_of=AS_OF).note == note


def test_a_search_that_ended_early_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.explanation.counterfactual_search.MAX_TRIALS", 3)
    program = compile_ruleset({"a.grl": rule("P.n * 0 == 0")})
    note = find_counterfactuals(program, {"P": {"n": 8}}, as_of=AS_OF).note
    assert note == "the search ended after 3 trials; none was found by then"
    assert find_counterfactuals(program, {"P": {"n": 8}}, as_of=AS_OF).to_json() == {
        "nearest": [],
        "nearest_note": note,
    }


def test_facts_are_left_as_they_were() -> None:
    facts = {"P": {"n": 8}, "L": [{"q": 1}]}
    found(rule("P.n > 5 && Sum(L.q) > 0"), facts)
    assert facts == {"P": {"n": 8}, "L": [{"q": 1}]}


def test_json_has_the_numbers_and_the_sentence() -> None:
    [one] = find_counterfactuals(compile_ruleset({"a.grl": rule("P.n < 9.86")}), {"P": {"n": 9.8}}, as_of=AS_OF).changes
    assert one == Counterfactual("P.n", 9.8, 9.86, None, "accept")
    assert one.to_json() == {
        "field": "P.n",
        "value": 9.8,
        "nearest": 9.86,
        "farthest": None,
        "outcome": "accept",
        "text": "P.n is 9.8; 9.86 or more passes",
    }
