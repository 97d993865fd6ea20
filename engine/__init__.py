"""The rule engine: text and facts in, evaluation out. Pure: no I/O, no clock, no other part of the farm.

    language, tables -> checks -> ruleset                            from text to checked rules
    ruleset -> facts, evaluation, matching -> compiler -> program    from rules to callables, once
    facts -> matching -> evaluation; columnar for a whole frame      for each set of facts
    explanation, lint                                                about evaluations, about rulesets

What stands here is what the rest of the farm may use; nothing outside imports a module of the engine."""

from engine.collector import forget_blocks
from engine.columnar import FrameResult, exact_floats
from engine.diagnostics import Diagnostic
from engine.errors import EngineError, FactsRejected, RulesetRejected, SchemaRejected
from engine.evaluation import Choice, Evaluation, Join, Reason, RuleEvent, Search, error_evaluation, json_value
from engine.explanation import (
    Change,
    ConditionTrace,
    Counterfactual,
    Counterfactuals,
    Explanation,
    RuleTrace,
    explain,
    find_counterfactuals,
    masked_explanation,
    told_counterfactuals,
)
from engine.language import MIRRORED, Pattern, Piece, PieceKind, Rule, format_rules, highlighted, print_rule
from engine.lint import review
from engine.program import Program, compile_ruleset, fields_read
from engine.ruleset import read_sources
from engine.schema import HIDDEN, FactSchema, FieldSchema, PrivateFields, Schema, Stream, json_schema, parse_schema
from engine.suggestions import did_you_mean
from engine.table_view import TableCells, table_cells
from engine.values import ValueRefused, normal_text, parse_moment, start_of

__all__ = [
    "HIDDEN",
    "MIRRORED",
    "Change",
    "Choice",
    "ConditionTrace",
    "Counterfactual",
    "Counterfactuals",
    "Diagnostic",
    "EngineError",
    "Evaluation",
    "Explanation",
    "FactSchema",
    "FactsRejected",
    "FieldSchema",
    "FrameResult",
    "Join",
    "Pattern",
    "Piece",
    "PieceKind",
    "PrivateFields",
    "Program",
    "Reason",
    "Rule",
    "RuleEvent",
    "RuleTrace",
    "RulesetRejected",
    "Schema",
    "SchemaRejected",
    "Search",
    "Stream",
    "TableCells",
    "ValueRefused",
    "compile_ruleset",
    "did_you_mean",
    "error_evaluation",
    "exact_floats",
    "explain",
    "fields_read",
    "find_counterfactuals",
    "forget_blocks",
    "format_rules",
    "highlighted",
    "json_schema",
    "json_value",
    "masked_explanation",
    "normal_text",
    "parse_moment",
    "parse_schema",
    "print_rule",
    "read_sources",
    "review",
    "start_of",
    "table_cells",
    "told_counterfactuals",
]
