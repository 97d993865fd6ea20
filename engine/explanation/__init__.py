"""Why an evaluation came out as it did, and the smallest change that gives another outcome."""

from engine.explanation.condition_trace import ConditionTrace
from engine.explanation.counterfactual import Counterfactual, Counterfactuals
from engine.explanation.counterfactual_search import find_counterfactuals
from engine.explanation.explain import Change, Explanation, RuleTrace, explain
from engine.explanation.masked import masked_explanation, told_counterfactuals

__all__ = [
    "Change",
    "ConditionTrace",
    "Counterfactual",
    "Counterfactuals",
    "Explanation",
    "RuleTrace",
    "explain",
    "find_counterfactuals",
    "masked_explanation",
    "told_counterfactuals",
]
