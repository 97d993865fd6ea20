"""Rules that get in each other's way, or in their own.  extents -> [conflicts] -> oddities

Every claim here was tried: the rules are compiled by themselves, in both orders, and judge facts that are made for it.
Rows of one table are left out: its hit policy says what happens when several hold."""

import typing
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.evaluation import Evaluation
from engine.language import Assign, Path, Retract, Rule, has_focus, paths, print_expression
from engine.lint.feasibility import FeasibleSets, WitnessFacts
from engine.lint.reachability import LintWarning, cut_short, pairs
from engine.schema import Schema

#: Pairs of rules that are looked at, and those that are compiled and tried.
MAX_PAIRS, MAX_TRIALS = 100_000, 400
#: Firings of one rule by itself, from which on they are no longer counted.
_MANY = 25


class CompileRules(typing.Protocol):
    """Compiles rules by themselves and judges facts with them."""

    def __call__(self, rules: Sequence[Rule], schema: Schema | None, max_firings: int) -> "Evaluate":
        """Compile."""


class Evaluate(typing.Protocol):
    """Judges facts."""

    def __call__(self, facts: WitnessFacts) -> Evaluation:
        """Judge."""


def contradictions(
    rules: Sequence[Rule], extents: FeasibleSets, schema: Schema | None, trial: CompileRules
) -> Iterator[LintWarning]:
    """Pairs of rules of equal salience that leave a field with another value when their order is turned.

    Args:
        rules: in source order.
        extents: of these rules.
        schema: of the facts.
        trial: tries a claim.
    """
    room, trials = MAX_PAIRS, MAX_TRIALS
    writers: dict[tuple[Path, int], list[int]] = {}
    for position, rule in enumerate(rules):
        if extents.extents[position] and has_focus(rule):
            for target in sorted(_targets(rule), key=print_expression):
                writers.setdefault((target, rule.salience), []).append(position)
    for (target, _), bucket in writers.items():
        for earlier, later in pairs(rules, bucket):
            room -= 1
            if room < 0 or trials <= 0:
                yield cut_short(rules[later], "all pairs of rules that write the same field")
                return
            one, other = rules[earlier], rules[later]
            if _alike(one, other, target) or _exclusive(one, other):
                continue
            proof, tried = _disagreement(extents, (earlier, later), rules, schema, trial, target)
            trials -= tried
            if proof:
                yield LintWarning("rule-conflict", other, proof, "give one of them a higher salience, or narrow it")


def _disagreement(
    extents: FeasibleSets,
    pair: tuple[int, int],
    rules: Sequence[Rule],
    schema: Schema | None,
    trial: CompileRules,
    target: Path,
) -> tuple[str, bool]:
    """What is wrong with a pair, or nothing; and whether it had to be tried."""
    judges: list[Evaluate] = []
    one, other = (replace(rules[position], date_effective=None, date_expires=None) for position in pair)
    shown = print_expression(target)
    for facts in extents.facts(extents.meet(*pair), pair):
        judges = judges or [trial(order, schema, _MANY) for order in ((one, other), (other, one))]
        ways = [judge(facts) for judge in judges]
        names = {one.name, other.name}
        if any(set(way.fired) != names or len(way.fired) != 2 for way in ways):
            continue
        first, second = (way.changes.get(shown, "unchanged") for way in ways)
        if first != second:
            told = f"rules '{one.name}' and '{other.name}' both write {shown} for {facts.text}"
            return f"{told}: {first!r} in this order, {second!r} in the other", True
    return "", bool(judges)


def self_feeding(
    rules: Sequence[Rule], extents: FeasibleSets, schema: Schema | None, trial: CompileRules
) -> Iterator[LintWarning]:
    """Rules that fire again because of what they wrote themselves.

    Args:
        rules: in source order.
        extents: of these rules.
        schema: of the facts.
        trial: tries a claim.
    """
    trials = MAX_TRIALS
    for position, rule in enumerate(rules):
        read = set(paths(rule.condition))
        targets = _targets(rule)
        fed = sorted(print_expression(path) for path in targets if any(_related(path, other) for other in read))
        retracts = any(action == Retract(rule.name) for action in rule.actions)
        if not fed or rule.no_loop or rule.lock_on_active or retracts or trials <= 0:
            continue
        if not extents.extents[position] or not has_focus(rule):
            continue
        trials -= 1
        judge = trial((replace(rule, date_effective=None, date_expires=None),), schema, _MANY)
        for facts in extents.facts(iter(extents.extents[position]), (position,)):
            evaluation = judge(facts)
            diverged = any(reason.code == "rules-diverged" for reason in evaluation.reasons)
            if diverged or len(evaluation.fired) > 1:
                times = f"{_MANY} times or more" if diverged else f"{len(evaluation.fired)} times"
                fields = " and ".join(fed)
                message = f"rule '{rule.name}' feeds itself: it writes {fields}, and fires {times} for {facts.text}"
                yield LintWarning("rule-feeds-itself", rule, message, "give it no-loop, or a condition that ends it")
                break


def _targets(rule: Rule) -> set[Path]:
    return {action.target for action in rule.actions if isinstance(action, Assign)}


def _related(one: Path, other: Path) -> bool:
    """Whether one of two paths leads to, or into, the other."""
    least = min(len(one.steps), len(other.steps))
    return one.fact == other.fact and one.steps[:least] == other.steps[:least]


def _alike(one: Rule, other: Rule, target: Path) -> bool:
    """Whether two rules write the same to a field."""
    return _writes(one, target) == _writes(other, target)


def _writes(rule: Rule, target: Path) -> list[Assign]:
    return [action for action in rule.actions if isinstance(action, Assign) and action.target == target]


def _exclusive(one: Rule, other: Rule) -> bool:
    return one.activation_group is not None and one.activation_group == other.activation_group
