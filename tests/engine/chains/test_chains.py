"""Functions that are generated for rules which feed each other give what the cycle gives, or nothing at all."""

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import compile_ruleset, parse_schema
from engine.chains import Chains
from engine.checks import with_dates
from engine.compiler import Compiled, compile_rules
from engine.errors import FactsRejected
from engine.evaluation import Evaluation, run_cycle
from engine.ruleset import read_sources
from engine.schema import Schema
from tests.engine.effort import cases
from tests.engine.generated_facts import facts_from
from tests.engine.generated_rules import Maker
from tests.engine.generated_rulesets import Chain
from tests.engine.generated_schema import schema_from
from tests.engine.pools import AS_OF

JOBS = 20
JUDGED: Counter[str] = Counter()


def said(evaluation: Evaluation) -> str:
    """All of an evaluation, texts of errors included; as a text, for Python takes True for 1."""
    return repr((evaluation, evaluation.places, evaluation.facts))


def by_cycle(compiled: Compiled, facts: dict[str, Any]) -> Evaluation:
    return run_cycle(compiled.agenda, compiled.reader.read(facts, AS_OF), facts)


@settings(max_examples=cases(300), deadline=None)
@given(st.integers(0, 2**48), st.booleans())
def test_functions_say_what_the_cycle_says_to_the_last_word(seed: int, typed: bool) -> None:
    schema = schema_from(seed) if typed else None
    rules = [with_dates(rule, schema) for rule in Chain(Maker(random.Random(seed))).rules()]
    compiled = compile_rules(rules, schema, 40)
    if compiled.chains is None:
        return
    ways = {"at once": compiled.chains, "by steps": Chains(compiled.chains.material, few_rules=0)}
    for facts in facts_from(seed, JOBS, typed=typed):
        try:
            judged = by_cycle(compiled, facts)
        except FactsRejected:
            continue
        JUDGED["all"] += 1
        for way, chains in ways.items():
            evaluation = chains.judge(compiled.reader.read(facts, AS_OF), facts)
            if evaluation is not None:
                JUDGED[way] += 1
                assert said(evaluation) == said(judged), (way, rules, facts)
            # As a row of a chunk, of which the columns have said what matches.
            slots = compiled.reader.read(facts, AS_OF)
            evaluation = chains.judge_matched(slots, compiled.agenda.match(slots))
            if evaluation is not None:
                JUDGED[f"{way}, matched"] += 1
                assert repr((evaluation, evaluation.places)) == repr((judged, judged.places)), (way, rules, facts)


def test_most_were_judged() -> None:
    ways = ("at once", "by steps", "at once, matched", "by steps, matched")
    assert min(JUDGED[way] for way in ways) >= JUDGED["all"] / 2, JUDGED


FIELDS = """
subject = "P"
key = "id"
[facts.P.fields]
id = { kind = "text" }
"""


def schema(**fields: str) -> Schema:
    lines = [f"{name} = {{ {field} }}" for name, field in fields.items()]
    return parse_schema("\n".join([FIELDS, *lines]))


def agree(grl: str, facts: dict[str, Any], declared: Schema | None = None) -> Evaluation:
    """What a ruleset says, which has to be what its cycle says."""
    ruleset = read_sources({"a.grl": grl}, declared)
    compiled = compile_rules(ruleset.rules, declared, 100)
    evaluation = compile_ruleset({"a.grl": grl}, declared, max_firings=100).evaluate({"P": facts}, as_of=AS_OF)
    assert compiled.chains is not None
    assert said(evaluation) == said(by_cycle(compiled, {"P": facts}))
    stepped = Chains(compiled.chains.material, few_rules=0)
    stepped_evaluation = stepped.judge(compiled.reader.read({"P": facts}, AS_OF), {"P": facts})
    # Only what ends in an error is left to the cycle.
    assert evaluation.outcome == "error" if stepped_evaluation is None else said(stepped_evaluation) == said(evaluation)
    return evaluation


NUMBER = 'kind = "number", derived = true'


def test_what_a_rule_sets_the_next_one_reads() -> None:
    rules = """
        rule Total salience 2 { when P.n > 1 then P.total = P.n * P.price; }
        rule Tax salience 1 { when P.total > 5 then P.tax = P.total * 0.1; Review("much"); }
    """
    declared = schema(n='kind = "number"', price='kind = "number"', total=NUMBER, tax=NUMBER)
    assert agree(rules, {"id": "a", "n": 3, "price": 2.2}, declared).changes == {"P.total": 6.6, "P.tax": 0.66}
    assert agree(rules, {"id": "a", "n": 3}, declared).changes == {}
    # Beyond four decimals, and beyond what floats hold: to the last digit.
    long = agree(rules, {"id": "a", "n": 3.33333333333333, "price": 2.00001}, declared)
    assert long.changes == {"P.total": 6.66669999999999, "P.tax": 0.666669999999999}
    assert agree(rules, {"id": "a", "n": 1e200, "price": 1e200}, declared).changes == {}


def test_a_refused_assignment_is_told_as_the_cycle_tells_it() -> None:
    rules = """
        rule First salience 2 { when P.n > 0 then P.total = P.n * 10; Review("kept by nobody"); }
        rule Second salience 1 { when P.total > 50 then P.tax = P.total; }
    """
    declared = schema(n='kind = "number"', total=NUMBER, tax='kind = "number", derived = true, max = 99')
    assert agree(rules, {"id": "a", "n": 6}, declared).changes == {"P.total": 60, "P.tax": 60}
    refused = agree(rules, {"id": "a", "n": 10}, declared)
    assert (refused.outcome, refused.changes, refused.fired) == ("error", {}, [])
    assert "rule 'Second': P.tax can't be 100: it is above its maximum 99" in refused.reasons[0].text


def test_a_constant_that_a_field_can_not_have_is_refused_when_its_rule_fires() -> None:
    rules = """
        rule First salience 2 { when P.n > 0 then P.total = 1; }
        rule Second salience 1 { when P.total > 0 && P.n > 5 then P.tax = 100; }
    """
    declared = schema(n='kind = "number"', total=NUMBER, tax='kind = "number", derived = true, max = 100')
    assert agree(rules, {"id": "a", "n": 6}, declared).changes == {"P.total": 1, "P.tax": 100}


def test_a_call_that_is_refused_is_told_as_the_cycle_tells_it() -> None:
    rules = """
        rule First salience 2 { when P.n > 0 then P.total = P.n; }
        rule Second salience 1 { when P.total > 1 then Ping(P.t); }
    """
    declared = parse_schema(
        f"{FIELDS}\nn = {{ kind = 'number' }}\nt = {{ kind = 'text' }}\ntotal = {{ {NUMBER} }}\n"
        "[emit.Ping]\nargs = ['text']"
    )
    assert agree(rules, {"id": "a", "n": 6, "t": "x"}, declared).events[0].arguments == ["x"]
    untyped = "rule A salience 2 { when P.n > 0 then P.m = P.n; } rule B { when P.m > 0 then P.m.x = 3; }"
    assert agree(untyped, {"n": 1}).outcome == "error"


def test_rules_without_an_end_are_named_as_the_cycle_names_them() -> None:
    rules = """
        rule Up { when P.n < 1000 then P.n += 1; }
        rule Down { when P.n > 1 then P.n -= 1; }
    """
    assert agree(rules, {"n": 1}).reasons[0].code == "rules-diverged"
    count = "rule Up { when P.n < 90 then P.n += 1; }"
    assert agree(count, {"n": 1}).changes == {"P.n": 90}


def test_what_ends_as_it_began_is_no_change() -> None:
    rules = """
        rule There salience 2 { when P.n == 1 && P.m == null then P.n = 2; P.m = 1; }
        rule Back salience 1 { when P.n == 2 && P.m == 1 then P.n = 1; P.m = 3; }
    """
    assert list(agree(rules, {"n": 1}).changes.items()) == [("P.m", 3)]


def test_groups_retractions_and_an_end_hold_in_functions_too() -> None:
    rules = """
        rule A salience 9 activation-group "g" { when P.n > 0 then P.m = 1; Retract("C"); }
        rule B salience 8 activation-group "g" { when P.m == 1 then Reject("excluded"); }
        rule C salience 7 { when P.m == 1 then Reject("retracted"); }
        rule D salience 6 { when P.m == 1 then P.k = 1; Complete(); Review("the rest of its actions"); }
        rule E salience 5 { when P.k == 1 then Reject("after the end"); }
    """
    evaluation = agree(rules, {"n": 1})
    assert (evaluation.fired, evaluation.outcome) == (["A", "D"], "review")


def test_a_rule_that_the_index_would_find_by_category_is_in_its_class_alone() -> None:
    rules = "\n".join(
        f'rule R{number}{step} salience {-step} {{ when P.c == "c{number}" && P.{"nmk"[step]} == {number} '
        f"then P.{'mkx'[step]} = {number + (step == 1)}; }}"
        for number in range(20)
        for step in range(3)
    )
    assert agree(rules, {"c": "c3", "n": 3}).fired == ["R30", "R31"]
    assert agree(rules, {"c": "nobody's", "n": 3}).fired == []
    assert agree(rules, {"c": ["c3"], "n": 3}).fired == []
    assert agree(rules, {"c": True, "n": 3}).fired == []
    assert agree(rules, {"n": 3}).fired == []


def test_a_rule_in_force_for_some_days_fires_on_those() -> None:
    rules = """
        rule A { when P.n > 0 then P.m = 1; }
        rule B date-expires "2026-03-01" { when P.m == 1 then Review("still"); }
    """
    program = compile_ruleset({"a.grl": rules})
    fired = [program.evaluate({"P": {"n": 1}}, as_of=datetime(2026, 3, day, tzinfo=UTC)).fired for day in (1, 2)]
    assert fired == [["A", "B"], ["A"]]


@pytest.mark.parametrize(
    "test", ['P.t != "k3"', '!(P.t in ["k3", "k4"])', 'P.t startsWith "k1"', "P.t == null", 'P.t < "k3"', "P.t != null"]
)
def test_a_class_has_those_rules_that_test_its_field_otherwise_and_hold(test: str) -> None:
    rules = [f'rule A{i} {{ when P.t == "k{i}" && P.n > 0 then P.p = {i}; }}' for i in range(14)]
    rules += [f'rule B {{ when {test} && P.n > 0 then Review("b"); }}', 'rule C { when P.p > 3 then Accept("c"); }']
    compiled = compile_rules(read_sources({"a.grl": "\n".join(rules)}, None).rules, None, 1_000)
    assert compiled.chains is not None
    for value in [f"k{i}" for i in range(16)] + [None, 3, True]:
        facts = {"P": {"t": value, "n": 1}}
        evaluation = compiled.chains.judge(compiled.reader.read(facts, AS_OF), facts)
        assert evaluation is not None
        assert said(evaluation) == said(by_cycle(compiled, facts))


@pytest.mark.parametrize(("most", "made"), [(0, 1), (3, 4), (64, 21)])
def test_warmed_up_it_generates_nothing_when_facts_of_a_class_come(most: int, made: int) -> None:
    """Twenty classes, and what is judged where none of them fits."""
    texts = [
        f'rule A{n} {{ when P.kind == "k{n}" && P.price < {n + 2} then P.flag = "low"; }}\n'
        f'rule B{n} {{ when P.kind == "k{n}" && P.flag == "low" then Reject("{n}"); }}\n'
        for n in range(20)
    ]
    ruleset = read_sources({"a.grl": "".join(texts)}, None)
    warm, cold = (compile_rules(ruleset.rules, None, 40) for _ in range(2))
    assert warm.chains is not None
    assert cold.chains is not None
    warm.chains.warm_up(most)
    assert len(warm.chains._judges) == made
    for kind in ("k0", "k2", "other", None, True, 7):
        facts = {"P": {"kind": kind, "price": 1}}
        said_cold, said_warm = (each.chains.judge(each.reader.read(facts, AS_OF), facts) for each in (cold, warm))
        assert said_warm == said_cold
    if most:
        assert len(warm.chains._judges) == made


def test_so_is_a_program_whatever_its_rules_are() -> None:
    plain = compile_ruleset({"a.grl": 'rule R { when P.price < 1 then Reject("cheap"); }'})
    plain.warm_up()
    assert plain.evaluate({"P": {"price": 0.5}}, as_of=AS_OF).outcome == "reject"
