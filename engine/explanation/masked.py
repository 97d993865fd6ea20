"""An explanation without private values.  explain, counterfactual -> [masked] -> cli.explain, rulesets.flip_examples

What a condition is, and whether it holds, is told; what it saw of private fields is not. The smallest change for a
better outcome is found by comparing fields with each other, so where rules read private fields it may tell one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.evaluation import Evaluation
from engine.explanation.condition_trace import ConditionTrace
from engine.explanation.counterfactual import Counterfactuals
from engine.explanation.explain import Change, Explanation
from engine.language import Rule, print_rule
from engine.schema import HIDDEN, PrivateFields


def masked_explanation(explanation: Explanation, private: PrivateFields) -> Explanation:
    """An explanation without private values.

    Args:
        explanation: as `explain` gives it.
        private: the private fields of its domain.
    """
    if not private:
        return explanation
    judged = explanation.evaluation
    changes = private.masked_paths(judged.changes)
    given = private.masked(judged.given) if isinstance(judged.given, Mapping) else judged.given
    outcome, fired, reasons, logs = judged.outcome, judged.fired, judged.reasons, judged.logs
    return replace(
        explanation,
        evaluation=Evaluation(outcome, fired, reasons, changes, logs, given, judged.places, judged.events),
        rules=tuple(replace(rule, condition=_condition(rule.condition, private)) for rule in explanation.rules),
        changes=tuple(_change(change, private) for change in explanation.changes),
    )


def told_counterfactuals(found: Counterfactuals, rules: Sequence[Rule], private: PrivateFields) -> Counterfactuals:
    """The smallest changes for a better outcome, unless they could tell what a private field holds.

    Args:
        found: as `find_counterfactuals` gives them.
        rules: all of the ruleset.
        private: the private fields of its domain.
    """
    if not private or not any(private.are_in(print_rule(rule)) for rule in rules):
        return found
    return Counterfactuals((), "not told: it could tell what private fields hold")


def _condition(trace: ConditionTrace, private: PrivateFields) -> ConditionTrace:
    parts = tuple(_condition(part, private) for part in trace.parts)
    return replace(trace, seen=private.masked_paths(trace.seen), parts=parts)


def _change(change: Change, private: PrivateFields) -> Change:
    if not private.are_in(change.field):
        return change
    before, after = (None if value is None else HIDDEN for value in (change.before, change.after))
    return replace(change, before=before, after=after, counted_as=None)
