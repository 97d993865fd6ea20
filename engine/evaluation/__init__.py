"""Slots to agenda to actions to an `Evaluation`: the meaning of a rule. Knows no index."""

from engine.evaluation.actions import ActionRefused, Actions, FiringState
from engine.evaluation.cycle import Agenda, CompiledRule, run_cycle
from engine.evaluation.event_joins import Join, Search
from engine.evaluation.event_matcher import Candidates, Choice
from engine.evaluation.expressions import Expressions
from engine.evaluation.float_filter import FAR, FloatFilter, LinearComparison, linear_comparison, results_when_clear
from engine.evaluation.instant import judged_at
from engine.evaluation.joined_text import text_of
from engine.evaluation.observer import Observer
from engine.evaluation.operators import Compute, Test, all_hold, operation
from engine.evaluation.reasons import OUTCOMES, Outcome, Reason, ReasonTable, RuleEvent, json_value, worst
from engine.evaluation.result import Evaluation, error_evaluation

__all__ = [
    "FAR",
    "OUTCOMES",
    "ActionRefused",
    "Actions",
    "Agenda",
    "Candidates",
    "Choice",
    "CompiledRule",
    "Compute",
    "Evaluation",
    "Expressions",
    "FiringState",
    "FloatFilter",
    "Join",
    "LinearComparison",
    "Observer",
    "Outcome",
    "Reason",
    "ReasonTable",
    "RuleEvent",
    "Search",
    "Test",
    "all_hold",
    "error_evaluation",
    "json_value",
    "judged_at",
    "linear_comparison",
    "operation",
    "results_when_clear",
    "run_cycle",
    "text_of",
    "worst",
]
