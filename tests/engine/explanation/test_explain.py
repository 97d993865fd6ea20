"""An explanation says what each leaf saw, why a rule did not fire, and who changed what."""

import cProfile
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import EngineError, compile_ruleset, parse_schema
from engine.explanation import Explanation, explain

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def explained(text: str, facts: dict[str, Any], *rules: str, every: bool = False) -> Explanation:
    return explain(compile_ruleset({"a.grl": text}), facts, as_of=AS_OF, rules=rules, every=every)


def leaves(explanation: Explanation) -> list[tuple[str, bool, dict[str, Any]]]:
    return [(leaf.text, leaf.holds, leaf.seen) for rule in explanation.rules for leaf in rule.condition.leaves]


@pytest.mark.parametrize(
    ("condition", "text", "holds", "seen"),
    [
        ("P.n < 10", "P.n < 10", True, {"P.n": 9.8}),
        ("P.n >= P.m * 1.02", "P.n >= P.m * 1.02", False, {"P.n": 9.8, "P.m * 1.02": 10.2, "P.m": 10}),
        ("P.flag", "P.flag", True, {"P.flag": True}),
        ('P.t in ["a", "b"]', 'P.t in ["a", "b"]', True, {"P.t": "a"}),
        ('P.t startsWith "x"', 'P.t startsWith "x"', False, {"P.t": "a"}),
        ("P.none == null", "P.none == null", True, {"P.none": None}),
        ("exists(L.n > 2)", "exists(L.n > 2)", True, {"Count(L.n > 2)": 2, "L.n": [1, 3, 5]}),
        ("forall(L.n > 2)", "forall(L.n > 2)", False, {"Count(L.n > 2)": 2, "L.n": [1, 3, 5]}),
        ("Sum(L.n) == 9", "Sum(L.n) == 9", True, {"Sum(L.n)": 9, "L.n": [1, 3, 5]}),
        ("exists(L)", "exists(L)", True, {"Count(L)": 3}),
        ("Abs(P.n) > 9", "Abs(P.n) > 9", True, {"Abs(P.n)": 9.8, "P.n": 9.8}),
    ],
)
def test_a_leaf_tells_what_it_saw(condition: str, text: str, holds: bool, seen: dict[str, Any]) -> None:
    facts = {"P": {"n": 9.8, "m": 10, "flag": True, "t": "a"}, "L": [{"n": 1}, {"n": 3}, {"n": 5}]}
    explanation = explained(f'rule R {{ when {condition} then Review("r"); }}', facts, "R")
    assert leaves(explanation) == [(text, holds, seen)]


def test_the_structure_of_a_condition_is_kept_and_nothing_is_skipped() -> None:
    text = 'rule R { when P.a == 2 && (P.b == 2 || !(P.c == 3 && P.d == 4)) then Review("r"); }'
    [rule] = explained(text, {"P": {"a": 1, "b": 2, "c": 3, "d": 4}}, "R").rules
    either = rule.condition.parts[1]
    assert [part.kind for part in rule.condition.parts] == ["leaf", "any"]
    assert [part.kind for part in either.parts] == ["leaf", "not"]
    assert (rule.condition.holds, either.holds, either.parts[1].holds) == (False, True, False)
    assert [leaf.holds for leaf in rule.condition.leaves] == [False, True, True, True]


CHAIN = """
rule Net salience 10 { when P.price > 0 then P.net = P.price * 2; }
rule Tax salience 5 no-loop { when P.net > 5 then P.net += 1; P.band = "b"; }
rule Quiet { when P.net < 0 then Review("never"); }
"""


def test_changes_are_told_in_order_with_what_was_before() -> None:
    explanation = explained(CHAIN, {"P": {"price": 4}})
    assert [(one.firing, one.rule, one.field, one.before, one.after) for one in explanation.changes] == [
        (1, "Net", "P.net", None, 8),
        (2, "Tax", "P.net", 8, 9),
        (2, "Tax", "P.band", None, "b"),
    ]


def test_a_derived_number_without_a_value_is_shown_with_what_it_counts_as() -> None:
    schema = parse_schema("""
    subject = "P"
    key = "id"
    [facts.P.fields]
    id = { kind = "text" }
    n = { kind = "number" }
    points = { kind = "number", derived = true }
    factor = { kind = "number", derived = true, default = 1 }
    """)
    program = compile_ruleset(
        {
            "a.grl": """
            rule One { when P.n > 0 then P.points += 20; P.factor *= 0.5; }
            rule Two { when P.n > 1 then P.points += 1; P.factor = 2; }
            """
        },
        schema,
    )
    changes = explain(program, {"P": {"n": 2}}, as_of=AS_OF).changes
    assert [(one.field, one.before, one.counted_as, one.after) for one in changes] == [
        ("P.points", None, 0, 20),
        ("P.factor", None, 1, 0.5),
        ("P.points", 20, None, 21),
        ("P.factor", 0.5, None, 2),
    ]
    assert [one.to_json().get("counted_as", "left out") for one in changes] == [0, 1, "left out", "left out"]


def test_a_rule_is_shown_with_the_facts_of_the_moment_it_fired() -> None:
    text = "rule Up { when P.n < 3 then P.n += 1; }"
    explanation = explained(text, {"P": {"n": 1}})
    assert [(rule.firing, *rule.condition.seen.values()) for rule in explanation.rules] == [(1, 1), (2, 2)]


def test_only_fired_rules_are_shown_unless_others_are_asked_for() -> None:
    facts = {"P": {"price": 4}}
    assert {one.rule.name for one in explained(CHAIN, facts).rules} == {"Net", "Tax"}
    assert [(one.rule.name, one.firing) for one in explained(CHAIN, facts, "Quiet").rules] == [("Quiet", None)]
    assert {one.rule.name for one in explained(CHAIN, facts, every=True).rules} == {"Net", "Tax", "Quiet"}


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        ("rule R { when P.n > 5 then Log(1); }", ""),
        ('rule R agenda-group "late" { when P.n > 0 then Log(1); }', "agenda group 'late' never has the focus"),
        ('rule R date-effective "2026-04-01" { when P.n > 0 then Log(1); }', "in force from 2026-04-01T00:00:00+00:00"),
        ('rule R date-expires "2026-02-01" { when P.n > 0 then Log(1); }', "in force until the end of 2026-02-01"),
        ('rule R activation-group "g" { when P.n > 0 then Log(1); }', "'First' of the same activation group fired"),
        ("rule R { when P.k == null then Log(1); }", "its condition held until 'First' fired"),
        ("rule R lock-on-active { when P.k == 1 then Log(1); }", "locked on active"),
        ("", "'First' retracted it"),
        ("rule R salience -5 { when P.n > 0 then Log(1); }", "'Last' ended the evaluation before its turn"),
    ],
)
def test_a_rule_that_did_not_fire_says_why(rule: str, note: str) -> None:
    rules = """
    rule First salience 9 activation-group "g" { when P.n > 0 then P.k = 1; Retract("Retracted"); }
    rule Retracted { when P.n > 0 then Log(1); }
    rule Last salience -1 { when P.n > 0 then Complete(); }
    """
    [finding] = explained(rules + rule, {"P": {"n": 1}}, rule.split()[1] if rule else "Retracted").rules
    assert finding.firing is None
    assert finding.note.startswith(note)
    assert bool(finding.note) is bool(note)


def test_a_failed_action_is_named_with_what_its_rule_saw() -> None:
    text = "rule A salience 1 { when P.n == 1 then P.n = 2; } rule B { when P.n == 2 then P.n = 9; P.x.y = 1; }"
    explanation = explained(text, {"P": {"n": 1, "x": 5}})
    assert explanation.evaluation.outcome == "error"
    assert [(one.rule.name, one.firing, one.condition.seen) for one in explanation.rules] == [
        ("A", 1, {"P.n": 1}),
        ("B", None, {"P.n": 2}),
    ]
    assert explanation.rules[1].note.startswith("its action was refused")


def test_facts_that_are_refused_have_no_rules_to_explain() -> None:
    explanation = explained(CHAIN, {"P": {"price": float("nan")}}, every=True)
    assert (explanation.evaluation.outcome, explanation.rules, explanation.changes) == ("error", (), ())


def test_an_unknown_rule_is_named_with_the_nearest() -> None:
    with pytest.raises(EngineError, match=r"there is no rule 'nett'; did you mean 'Net'\?") as caught:
        explained(CHAIN, {"P": {}}, "nett")
    assert caught.value.code == "rule-unknown"


def test_json_holds_all_of_it() -> None:
    document = explained(CHAIN, {"P": {"price": 4}}).to_json()
    assert document["evaluation"]["fired"][0] == "Net"
    assert document["rules"][0] == {
        "rule": "Net",
        "description": "",
        "salience": 10,
        "source": "a.grl",
        "line": 2,
        "firing": 1,
        "note": "",
        "condition": {"kind": "leaf", "text": "P.price > 0", "holds": True, "seen": {"P.price": 4}},
    }
    assert document["changes"][0] == {"firing": 1, "rule": "Net", "field": "P.net", "before": None, "after": 8}


@pytest.mark.parametrize("fact", [True, 7, "abc", None, [], [1], {}, {"n": 2}, [{"n": 2}, None]], ids=repr)
def test_a_fact_that_is_no_list_is_explained_as_it_is_judged(fact: Any) -> None:
    program = compile_ruleset({"a.grl": 'rule R { when exists(L.n > 1) then Reject("x"); }'})
    explanation = explain(program, {"L": fact}, as_of=AS_OF, rules=["R"])
    assert explanation.evaluation.outcome == program.evaluate({"L": fact}, as_of=AS_OF).outcome
    assert explanation.rules[0].condition.holds is (explanation.evaluation.outcome == "reject")


def test_an_explanation_costs_no_more_where_there_are_many_rules_that_it_says_nothing_of() -> None:
    def calls(rules: int) -> int:
        text = "".join(f'rule r{n} {{ when P.n == {n} && P.m > 1 then Review("r"); }}\n' for n in range(rules))
        program, facts = compile_ruleset({"a.grl": text}), {"P": {"n": 7, "m": 2}}
        explain(program, facts, as_of=AS_OF)
        # Work is counted in calls of functions: the same on every machine.
        profile = cProfile.Profile()
        profile.enable()
        explanation = explain(program, facts, as_of=AS_OF)
        profile.disable()
        assert explanation.evaluation.fired == ["r7"]
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(400) < 2 * calls(20)
