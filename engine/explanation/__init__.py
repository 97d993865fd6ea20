"""Why an evaluation came out as it did, and the smallest change that gives another outcome."""

from engine.explanation.condition_trace import ConditionTrace
from engine.explanation.counterfactual import Counterfactuals, find_counterfactuals
from engine.explanation.explain import Change, Explanation, RuleFinding, explain

__all__ = [
    "Change",
    "Explanation",
    "ConditionTrace",
    "Counterfactuals",
    "RuleFinding",
    "explain",
    "find_counterfactuals",
]
