"""On generated rulesets and facts: an explanation tells what the evaluator did, and a change does what it says."""

import random
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation import OUTCOMES
from engine.explanation import Counterfactual, explain, find_counterfactuals
from engine.language import Decide, Literal, Rule, nodes
from engine.values import first_that, number_at, ordinal, to_python
from tests.engine.effort import cases
from tests.engine.generated_facts import facts_from
from tests.engine.generated_rulesets import rules_from
from tests.engine.pools import AS_OF
from tests.engine.test_agreement import differ, in_words, program_of

seeds = st.integers(0, 2**48)


class Alone:
    """Each rule by itself, deciding."""

    def __init__(self, rules: list[Rule]) -> None:
        decide = (Decide("reject", Literal("")),)
        self._programs = {rule.name: program_of([Rule("Alone", rule.condition, decide)]) for rule in rules}

    def holds(self, rule: Rule, facts: dict[str, Any]) -> bool:
        """Whether a condition holds, by the engine."""
        return self._programs[rule.name].evaluate(facts, as_of=AS_OF).outcome == "reject"


@settings(max_examples=cases(150), deadline=None)
@given(seeds)
def test_an_explanation_tells_what_the_evaluator_did(seed: int) -> None:
    program = program_of(rules_from(seed))
    for facts in facts_from(seed, 4):
        evaluation = program.evaluate(facts, as_of=AS_OF)
        explanation = explain(program, facts, as_of=AS_OF, every=True)
        assert not differ(in_words(explanation.evaluation), in_words(evaluation))
        fired = [one.rule.name for one in explanation.rules if one.firing is not None]
        if evaluation.outcome == "error":
            continue
        assert fired == evaluation.fired
        after = {one.field: one.after for one in explanation.changes}
        assert {name: repr(after[name]) for name in evaluation.changes} == {
            name: repr(value) for name, value in evaluation.changes.items()
        }


@settings(max_examples=cases(150), deadline=None)
@given(seeds)
def test_leaves_and_structure_give_the_truth_of_the_engine(seed: int) -> None:
    rules = rules_from(seed)
    program, alone = program_of(rules), Alone(rules)
    for facts in facts_from(seed, 4):
        explanation = explain(program, facts, as_of=AS_OF, every=True)
        if explanation.evaluation.outcome == "error":
            continue
        for one in explanation.rules:
            if one.firing is not None:
                assert one.condition.holds
            else:
                assert one.condition.holds is alone.holds(one.rule, explanation.evaluation.facts)
                assert one.note or not one.condition.holds
            if one.firing == 1:
                assert alone.holds(one.rule, facts)


def changed(facts: dict[str, Any], field: str, value: float) -> dict[str, Any]:
    """The facts with a number in a field: `P.n`, `L[0].n`, `P.x.y`, `P.tags[0]`."""
    steps: list[str | int] = []
    for part in field.replace("[", ".[").split("."):
        steps.append(int(part[1:-1]) if part.startswith("[") else part)

    def replaced(raw: Any, rest: list[str | int]) -> Any:
        if not rest:
            return to_python(value)
        copy = dict(raw) if isinstance(raw, dict) else list(raw)
        step: Any = rest[0]
        if isinstance(raw, dict) and step not in raw:
            # Facts may write its name as letters and marks.
            step = next(name for name in raw if normalize("NFC", name) == step)
        copy[step] = replaced(copy[step], rest[1:])
        return copy

    result: dict[str, Any] = replaced(facts, steps)
    return result


@settings(max_examples=cases(150), deadline=None)
@given(seeds)
def test_a_named_change_gives_what_it_says_and_the_number_just_short_of_it_does_not(seed: int) -> None:
    program = program_of(rules_from(seed))
    for facts in facts_from(seed, 3):
        before = program.evaluate(facts, as_of=AS_OF).outcome

        def outcome(one: Counterfactual, place: int, facts: dict[str, Any] = facts) -> int:
            judged = program.evaluate(changed(facts, one.field, number_at(place)), as_of=AS_OF)
            return OUTCOMES.index(judged.outcome)

        for one in find_counterfactuals(program, facts, as_of=AS_OF).changes:
            at, start = ordinal(float(one.nearest)), ordinal(float(one.value))
            rank = OUTCOMES.index(one.outcome)
            assert outcome(one, at) == rank < OUTCOMES.index(before)
            assert outcome(one, at + (1 if start > at else -1)) > rank
            if one.farthest is not None:
                assert outcome(one, ordinal(float(one.farthest))) <= rank
            assert str(one)


def monotone(random_: random.Random) -> nodes.Expression:
    """A bound on a number, or on a multiple of it against another."""
    op = random_.choice(["<", "<=", ">", ">="])
    field, other = random_.sample(["n", "m", "k"], 2)
    number = nodes.Literal(Decimal(random_.randrange(1, 100)).scaleb(-1))
    left: nodes.Expression = nodes.Path("P", (field,))
    if random_.randrange(2):
        return nodes.Compare(op, left, number)  # type: ignore[arg-type]
    return nodes.Compare(op, left, nodes.Arithmetic("*", nodes.Path("P", (other,)), number))  # type: ignore[arg-type]


@settings(max_examples=cases(200), deadline=None)
@given(seeds)
def test_no_smaller_change_does_it(seed: int) -> None:
    random_ = random.Random(seed)
    rules = [
        Rule(f"R{n}", nodes.And((monotone(random_), monotone(random_))), (Decide("reject", Literal("")),))
        for n in range(random_.randrange(1, 5))
    ]
    program = program_of(rules)
    facts = {"P": {name: random_.randrange(1, 200) / 10 for name in ("n", "m", "k")}}
    if program.evaluate(facts, as_of=AS_OF).outcome == "accept":
        return
    found = find_counterfactuals(program, facts, as_of=AS_OF).changes
    size = min((abs(one.nearest - one.value) / abs(one.value) for one in found), default=3.0)
    for name, value in facts["P"].items():
        for step in range(-300, 301):
            share = step / 100
            if abs(share) < size * (1 - 1e-9):
                tried = {"P": {**facts["P"], name: to_python(round(value * (1 + share), 9))}}
                assert program.evaluate(tried, as_of=AS_OF).outcome == "reject", (name, tried, found)


numbers = st.integers(-(10**15) + 1, 10**15 - 1).flatmap(
    lambda digits: st.integers(-200, 200).map(lambda power: float(f"{digits}e{power}"))
)


@given(numbers, numbers)
def test_ordinals_keep_the_order_and_come_back(left: float, right: float) -> None:
    assert number_at(ordinal(left)) == left
    assert (ordinal(left) < ordinal(right)) is (left < right)
    assert number_at(ordinal(left) + 1) > left


@given(st.integers(-(10**20), 10**20), st.integers(-(10**20), 10**20), st.integers(-(10**20), 10**20))
def test_halving_ends_at_the_edge(inner: int, outer: int, edge: int) -> None:
    low, high = sorted((inner, outer))
    if low < edge <= high and inner < outer:
        assert first_that(lambda place: place >= edge, inner, outer) == edge
