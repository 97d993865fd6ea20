"""Rules that contradict each other, or that fire again because of what they wrote themselves.

Takes rules with their feasible sets, gives a `LintWarning` for each claim. Every claim was tried: rules are compiled
by themselves, in both orders, and judge facts that are made for it. Leaves out rows of one table: its hit policy says
what happens when several match. Does not compile by itself: the caller passes a `CompileRules`."""

import typing
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.evaluation import Evaluation
from engine.language import Assign, Path, Retract, Rule, has_focus, paths, print_expression
from engine.lint.assignments import overlap
from engine.lint.feasibility import FeasibleSets, WitnessFacts
from engine.lint.reachability import LintWarning, not_analysed, pairs
from engine.schema import Schema

#: Pairs of rules that are looked at, and those that are compiled and tried.
MAX_PAIRS, MAX_TRIALS = 100_000, 400
#: Firings of a trial; a rule that fires as often by itself is taken for a loop.
_MAX_FIRINGS = 25


class CompileRules(typing.Protocol):
    """Compiles rules by themselves."""

    def __call__(self, rules: Sequence[Rule], schema: Schema | None, max_firings: int) -> "Evaluate":
        """Compile.

        Args:
            rules: in source order.
            schema: of the facts.
            max_firings: as for `engine.program.compile_ruleset`.
        """


class Evaluate(typing.Protocol):
    """Judges facts with the rules that were compiled."""

    def __call__(self, facts: WitnessFacts) -> Evaluation:
        """Judge."""


def contradictions(
    rules: Sequence[Rule], sets: FeasibleSets, schema: Schema | None, compile_rules: CompileRules
) -> Iterator[LintWarning]:
    """Pairs of rules of equal salience that leave a field with another value when their order is turned.

    Args:
        rules: in source order.
        sets: of these rules.
        schema: of the facts.
        compile_rules: compiles the two rules of a claim.
    """
    pairs_left, trials_left = MAX_PAIRS, MAX_TRIALS
    writers: dict[tuple[Path, int], list[int]] = {}
    for position, rule in enumerate(rules):
        if sets.feasible[position] and has_focus(rule):
            for target in sorted(_targets(rule), key=print_expression):
                writers.setdefault((target, rule.salience), []).append(position)
    for (target, _), bucket in writers.items():
        for earlier, later in pairs(rules, bucket):
            pairs_left -= 1
            if pairs_left < 0 or trials_left <= 0:
                yield not_analysed(rules[later], "all pairs of rules that write the same field")
                return
            one, other = rules[earlier], rules[later]
            if _write_the_same(one, other, target) or _exclude_each_other(one, other):
                continue
            proof, tried = _disagreement(sets, (earlier, later), rules, schema, compile_rules, target)
            trials_left -= tried
            if proof:
                yield LintWarning("rule-conflict", other, proof, "give one of them a higher salience, or narrow it")


def _disagreement(
    sets: FeasibleSets,
    pair: tuple[int, int],
    rules: Sequence[Rule],
    schema: Schema | None,
    compile_rules: CompileRules,
    target: Path,
) -> tuple[str, bool]:
    """The message of a contradiction, empty when none was found; and whether the pair was compiled."""
    orders: list[Evaluate] = []
    one, other = (replace(rules[position], date_effective=None, date_expires=None) for position in pair)
    field = print_expression(target)
    for facts in sets.witness_facts(sets.intersection(*pair), pair):
        orders = orders or [compile_rules((one, other), schema, _MAX_FIRINGS)]
        first = orders[0](facts)
        # Anything but each firing once is another problem than their order, and then the other order tells nothing.
        if not _fired_once(first, one, other):
            continue
        if len(orders) == 1:
            orders.append(compile_rules((other, one), schema, _MAX_FIRINGS))
        second = orders[1](facts)
        left, right = (each.changes.get(field, "unchanged") for each in (first, second))
        if left != right and _fired_once(second, one, other):
            claim = f"rules '{one.name}' and '{other.name}' both write {field} for {facts.text}"
            return f"{claim}: {left!r} in this order, {right!r} in the other", True
    return "", bool(orders)


def _fired_once(evaluation: Evaluation, one: Rule, other: Rule) -> bool:
    return len(evaluation.fired) == 2 and set(evaluation.fired) == {one.name, other.name}


def self_feeding(
    rules: Sequence[Rule], sets: FeasibleSets, schema: Schema | None, compile_rules: CompileRules
) -> Iterator[LintWarning]:
    """Rules that fire again because of what they wrote themselves.

    Args:
        rules: in source order.
        sets: of these rules.
        schema: of the facts.
        compile_rules: compiles the rule of a claim.
    """
    trials_left = MAX_TRIALS
    for position, rule in enumerate(rules):
        read = set(paths(rule.condition))
        fed = sorted(print_expression(path) for path in _targets(rule) if any(overlap(path, other) for other in read))
        retracts = any(action == Retract(rule.name) for action in rule.actions)
        if not fed or rule.no_loop or rule.once or rule.lock_on_active or retracts or trials_left <= 0:
            continue
        if not sets.feasible[position] or not has_focus(rule):
            continue
        trials_left -= 1
        evaluate = compile_rules((replace(rule, date_effective=None, date_expires=None),), schema, _MAX_FIRINGS)
        for facts in sets.witness_facts(iter(sets.feasible[position]), (position,)):
            evaluation = evaluate(facts)
            diverged = any(reason.code == "rules-diverged" for reason in evaluation.reasons)
            if diverged or len(evaluation.fired) > 1:
                times = f"{_MAX_FIRINGS} times or more" if diverged else f"{len(evaluation.fired)} times"
                fields = " and ".join(fed)
                message = f"rule '{rule.name}' feeds itself: it writes {fields}, and fires {times} for {facts.text}"
                yield LintWarning("rule-feeds-itself", rule, message, "give it no-loop, or a condition that ends it")
                break


def _targets(rule: Rule) -> set[Path]:
    return {action.target for action in rule.actions if isinstance(action, Assign)}


def _write_the_same(one: Rule, other: Rule, target: Path) -> bool:
    return _assignments(one, target) == _assignments(other, target)


def _assignments(rule: Rule, target: Path) -> list[Assign]:
    return [action for action in rule.actions if isinstance(action, Assign) and action.target == target]


def _exclude_each_other(one: Rule, other: Rule) -> bool:
    return one.activation_group is not None and one.activation_group == other.activation_group
