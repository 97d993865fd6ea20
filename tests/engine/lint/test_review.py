"""What a review says of a ruleset: each claim is true on the engine, and what is well meant is not remarked."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import compile_ruleset, parse_schema
from engine.lint import reachability, review
from rulesets.loader import available_domains
from tests.shipped import shipped

SHOP = parse_schema((Path(__file__).parents[1] / "cases" / "shop.toml").read_text("utf-8"))
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
REVIEW = "then Review();"


def remarks(*rules: str, schema: bool = True, table: str = "") -> list[tuple[str, str]]:
    text = "\n".join(f"rule r{number} {rule}" for number, rule in enumerate(rules, 1))
    sources = {"a.grl": text} | ({"t.csv": table} if table else {})
    program = compile_ruleset(sources, SHOP if schema else None)
    found = [one for one in review(program, sources) if not one.code.startswith("field-")]
    assert all(one.severity == "warning" for one in found)
    return [(one.code, one.message) for one in found]


NEVER = {
    "Order.total > 5 && Order.total < 3": "its conditions contradict each other",
    'Order.channel == "a" && Order.channel == "b"': "its conditions contradict each other",
    "Order.vip && !Order.vip": "its conditions contradict each other",
    "Order.total < 0": "Order.total never has what it asks for",
    "Customer.age > 150 || Customer.age < 0": "Customer.age never has what it asks for",
    "Order.id == null": "Order.id never has what it asks for",
    'Order.status startsWith "p"': "Order.status never has what it asks for",
    "Order.score > 3": "Order.score never has what it asks for",
    "false": "its conditions contradict each other",
}


@pytest.mark.parametrize(("condition", "why"), NEVER.items())
def test_a_rule_that_can_never_fire(condition: str, why: str) -> None:
    assert remarks(f"{{ when {condition} {REVIEW} }}") == [("rule-never", f"rule 'r1' never fires: {why}")]


@pytest.mark.parametrize(
    "condition",
    [
        "Order.total > 5 && Order.total < 6",
        "Order.total >= 0 && Order.total <= 0",
        "Order.total == null && Order.discount > 3",
        "Order.score == null",
        'Order.status in ["open", "shut"]',
        "Order.total < Order.discount && Order.discount < Order.total",
    ],
)
def test_a_rule_of_which_nothing_is_known_for_sure_is_not_remarked(condition: str) -> None:
    assert [code for code, _ in remarks(f"{{ when {condition} {REVIEW} }}")] == []


def test_what_rules_write_to_a_derived_field_is_what_it_can_have() -> None:
    writer = '{ when Order.total > 5 then Order.band = "gold"; }'
    assert remarks(writer, '{ when Order.band == "gold" then Review(); }') == []
    assert [code for code, _ in remarks(writer, '{ when Order.band == "silver" then Review(); }')] == ["rule-never"]
    computed = "{ when Order.total > 5 then Order.band = Order.channel; }"
    assert remarks(computed, '{ when Order.band == "silver" then Review(); }') == []


def test_an_agenda_group_that_nothing_gives_the_focus_to() -> None:
    ((code, message),) = remarks(f'agenda-group "later" {{ when Order.vip {REVIEW} }}')
    assert (code, "agenda group 'later'" in message) == ("rule-never", True)


SHADOWED: list[tuple[str, ...]] = [
    ("{ when Order.total > 5 then Complete(); }", f"{{ when Order.total > 9 {REVIEW} }}"),
    (f"{{ when Order.total > 9 {REVIEW} }}", "salience 1 { when Order.total > 5 then Complete(); }"),
    (
        'activation-group "g" { when Order.total > 5 then Reject(); }',
        f'activation-group "g" {{ when Order.total in [6, 7] && Order.vip {REVIEW} }}',
    ),
    (
        'activation-group "g" { when Order.total < Order.discount then Reject(); }',
        f'activation-group "g" {{ when Order.vip && Order.total < Order.discount {REVIEW} }}',
    ),
]


@pytest.mark.parametrize("rules", SHADOWED)
def test_a_rule_that_another_one_silences(rules: tuple[str, ...]) -> None:
    ((code, message),) = remarks(*rules)
    assert code == "rule-shadowed"
    narrow, wide = re.findall(r"'(r\d)'", message)
    program = compile_ruleset({"a.grl": "\n".join(f"rule r{n} {rule}" for n, rule in enumerate(rules, 1))}, SHOP)
    for total in (5, 6, 7, 10):
        fired = program.evaluate({"Order": {"id": "1", "total": total, "vip": True, "discount": 8}}, as_of=MOMENT).fired
        assert narrow not in fired
        assert wide in fired or total == 5 or total == 10


@pytest.mark.parametrize(
    "rules",
    [
        (f"{{ when Order.total > 5 {REVIEW} }}", "{ when Order.total > 9 then Reject(); }"),
        ("{ when Order.total > 9 then Complete(); }", f"{{ when Order.total > 5 {REVIEW} }}"),
        (
            'activation-group "g" { when Order.total > 5 then Reject(); }',
            f'activation-group "g" {{ when Order.total > 4 {REVIEW} }}',
        ),
        (
            'activation-group "g" date-expires "2026-01-01T00:00:00" { when Order.total > 5 then Reject(); }',
            f'activation-group "g" {{ when Order.total > 5 {REVIEW} }}',
        ),
        (
            'activation-group "g" { when Order.total > 5 then Reject(); }',
            f'activation-group "g" {{ when Order.total > 5 {REVIEW} }}',
            'salience 2 { when Order.vip then Retract("r1"); }',
        ),
    ],
)
def test_a_rule_that_may_fire_is_not_called_shadowed(rules: tuple[str, ...]) -> None:
    assert remarks(*rules) == []


def test_a_rule_that_repeats_another_one() -> None:
    wide, narrow = '{ when Order.total > 5 then Review("x"); }', '{ when Order.total > 9 then Review("x"); }'
    message = "rule 'r2' repeats rule 'r1', which holds whenever it does"
    assert remarks(wide, narrow) == [("rule-repeated", message)]
    assert [found for _, found in remarks(narrow, wide)] == [
        "rule 'r1' repeats rule 'r2', which holds whenever it does"
    ]
    assert remarks(wide, wide) == [("rule-repeated", message)]


def facts_of(message: str) -> dict[str, Any]:
    constants: dict[str, Any] = {"true": True, "false": False, "null": None}
    facts: dict[str, Any] = {"Order": {"id": "1"}}
    for fact, field, text in re.findall(r'(\w+)\.(\w+) = ("[^"]*"|[\w.-]+)', message):
        value = text.strip('"') if text.startswith('"') else constants.get(text, text)
        facts.setdefault(fact, {})[field] = float(text) if value == text and text[0] in "-0123456789" else value
    return facts


CONFLICTS: list[tuple[str, str]] = [
    ("{ when Order.total > 5 then Order.score = 1; }", "{ when Order.total < 9 then Order.score = 2; }"),
    ("{ when Order.total > 5 then Order.score = 1; }", '{ when Order.channel == "web" then Order.score = 2; }'),
    ("{ when Order.total < Order.discount then Order.score = 1; }", "{ when Order.vip then Order.score = 2; }"),
    ("{ when Order.total > 5 then Order.discount *= 2; }", "{ when Order.vip then Order.discount += 2; }"),
]


@pytest.mark.parametrize("rules", CONFLICTS)
def test_rules_that_write_different_values_for_facts_that_make_both_fire(rules: tuple[str, str]) -> None:
    ((code, message),) = remarks(*rules)
    assert code == "rule-conflict"
    first = "\n".join(f"rule r{number} {rule}" for number, rule in enumerate(rules, 1))
    second = "\n".join(f"rule r{number} {rule}" for number, rule in reversed(list(enumerate(rules, 1))))
    ways = [
        compile_ruleset({"a.grl": text}, SHOP).evaluate(facts_of(message), as_of=MOMENT) for text in (first, second)
    ]
    assert [sorted(way.fired) for way in ways] == [["r1", "r2"], ["r1", "r2"]]
    assert ways[0].changes != ways[1].changes


def test_a_conflict_in_a_year_before_1000_has_all_digits_of_it() -> None:
    early = 'date-effective "0500-06-01" { when Order.total > 1 then Order.discount = '
    [(_, told)] = remarks(f"{early}1; }}", f"{early}2; }}")
    assert "as of 0500-06-01T00:00:00: " in told


@pytest.mark.parametrize(
    "rules",
    [
        ("{ when Order.total > 9 then Order.score = 1; }", "{ when Order.total < 5 then Order.score = 2; }"),
        ("{ when Order.total > 5 then Order.score = 1; }", "{ when Order.total < 9 then Order.score = 1; }"),
        ("salience 1 { when Order.total > 5 then Order.score = 1; }", "{ when Order.vip then Order.score = 2; }"),
        (
            "{ when Order.vip then Order.score = Coalesce(Order.score, 0) + 1; }",
            "{ when Order.total > 5 then Order.score = Coalesce(Order.score, 0) + 2; }",
        ),
        (
            "{ when Order.vip && Order.score == null then Order.score = 1; }",
            "{ when Order.total > 5 && Order.score == null then Order.score = 2; }",
        ),
        (
            'activation-group "g" { when Order.vip then Order.score = 1; }',
            'activation-group "g" { when Order.total > 5 then Order.score = 2; }',
        ),
    ],
)
def test_rules_whose_order_is_given_or_does_not_matter_are_no_conflict(rules: tuple[str, str]) -> None:
    assert remarks(*rules) == []


def test_rows_of_one_table_are_left_to_its_hit_policy() -> None:
    table = "C,when Order.total,then Order.score\na,> 5,1\nb,> 6,2"
    assert remarks(f"{{ when Order.vip {REVIEW} }}", table=table) == []
    found = remarks("{ when Order.vip then Order.score = 3; }", table=table)
    assert [code for code, _ in found] == ["rule-conflict", "rule-conflict"]


@pytest.mark.parametrize(
    ("rule", "times"),
    [
        ("{ when Order.discount < 100 then Order.discount += 1; }", "10 times"),
        ("{ when Order.discount < 5 then Order.discount += 1; }", "10 times"),
        ("{ when Order.discount > 5 then Order.discount = 7; }", "2 times"),
        ("{ when Order.discount != 7 then Order.discount = Order.discount * 1.5; }", "25 times or more"),
    ],
)
def test_a_rule_that_feeds_itself(rule: str, times: str) -> None:
    ((code, message),) = remarks(rule)
    assert code == "rule-feeds-itself"
    assert re.search(f"fires {times} for", message)
    program = compile_ruleset({"a.grl": f"rule r1 {rule}"}, SHOP, max_firings=25)
    evaluation = program.evaluate(facts_of(message), as_of=MOMENT)
    assert len(evaluation.fired) > 1 or evaluation.outcome == "error"


@pytest.mark.parametrize(
    "rule",
    [
        "no-loop { when Order.discount < 5 then Order.discount += 1; }",
        "lock-on-active { when Order.discount < 5 then Order.discount += 1; }",
        "{ when Order.discount < 5 then Order.discount = 5; }",
        "{ when Order.score == null then Order.score = 1; }",
        '{ when Order.discount < 5 then Order.discount += 1; Retract("r1"); }',
    ],
)
def test_a_rule_that_ends_by_itself_does_not_feed_itself(rule: str) -> None:
    assert remarks(rule) == []


def test_a_row_of_a_table_does_not_feed_itself() -> None:
    table = "C,when Order.discount,then Order.discount\na,< 5,= Order.discount + 1"
    assert remarks(f"{{ when Order.vip {REVIEW} }}", table=table) == []


def test_fields_that_nobody_uses() -> None:
    toml = (
        'subject = "P"\nkey = "id"\n[facts.P.fields]\nid = { kind = "text" }\na = { kind = "number" }\n'
        'b = { kind = "number" }\nc = { kind = "text", derived = true }\nd = { kind = "text", derived = true }\n'
    )
    text = "rule r { when P.a > 5 && P.d == null then Review(); }"
    program = compile_ruleset({"a.grl": text}, parse_schema(toml))
    found = [(one.code, one.message, one.span.line if one.span else 0) for one in review(program)]
    assert found == [
        ("field-unused", "no rule reads P.b", 6),
        ("field-unwritten", "P.c is derived, and no rule writes it", 7),
        ("field-unwritten", "P.d is derived, and no rule writes it", 8),
    ]


def test_too_many_rules_are_told_and_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 70
    monkeypatch.setattr(reachability, "MAX_PAIRS", 2_000)
    ends = [f"{{ when Order.total == {n} then Complete(); }}" for n in range(count)]
    assert [code for code, _ in remarks(*ends)] == ["rules-not-analysed"]


@pytest.mark.parametrize("domain", available_domains())
def test_the_rules_that_ship_are_not_odd(domain: str) -> None:
    loaded = shipped()[domain]
    assert {one.code for one in review(loaded.program, loaded.sources)} <= {"field-unused"}


TESTS = st.sampled_from(
    [
        "total > 5",
        "total <= 5",
        "total == 3",
        "discount < 4",
        "discount >= total",
        'channel == "a"',
        "vip",
        "!vip",
        "total in [3, 6]",
        "channel == null",
        'channel != "a"',
        "score == 1",
        "score != 1",
        'channel startsWith "a"',
    ]
)
CONDITIONS = st.lists(st.lists(TESTS, min_size=1, max_size=3), min_size=1, max_size=2)
EFFECTS = st.sampled_from(["Order.score = 1;", "Order.score = 2;", "Review();", "Complete();", "Order.discount += 1;"])
HEADS = st.sampled_from(["", "salience 1", 'activation-group "g"', "no-loop"])


def written(test: str) -> str:
    return re.sub(r"\b(total|discount|channel|vip|score)\b", r"Order.\1", test)


@given(st.lists(st.tuples(HEADS, CONDITIONS, EFFECTS), min_size=1, max_size=4), st.data())
def test_a_rule_that_never_fires_or_is_shadowed_does_not_fire(rules: list[Any], data: st.DataObject) -> None:
    text = "\n".join(
        f"rule r{n} {head} {{ when {' || '.join('(' + ' && '.join(map(written, some)) + ')' for some in tests)} "
        f"then {effect} }}"
        for n, (head, tests, effect) in enumerate(rules)
    )
    program = compile_ruleset({"a.grl": text}, SHOP, max_firings=30)
    silent = {one.message.split("'")[1] for one in review(program) if one.code in ("rule-never", "rule-shadowed")}
    for _ in range(5):
        order = {
            "id": "1",
            "total": data.draw(st.sampled_from([None, 0, 3, 5, 6, 9])),
            "discount": data.draw(st.sampled_from([None, 0, 3, 4, 9])),
            "channel": data.draw(st.sampled_from([None, "", "a", "ab"])),
            "vip": data.draw(st.sampled_from([None, True, False])),
        }
        fired = program.evaluate({"Order": order}, as_of=MOMENT).fired
        assert not silent & set(fired), text
