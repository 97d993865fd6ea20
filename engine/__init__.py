"""The rule engine: text and facts in, evaluation out. Pure: no I/O, no clock, no other part of the farm.

source -> lexer -> parser, tables -> checks -> ruleset          (front: from text to checked rules)
    -> layout -> expressions, index, actions -> program         (middle: from rules to callables, once)
    -> intake -> cycle -> evaluation                            (back: for each set of facts)
"""

from engine.errors import Diagnostic, EngineError, FactsRejected, RulesetRejected, SchemaRejected
from engine.evaluation import Evaluation, Reason
from engine.formatter import format_rules
from engine.frame_result import FrameResult
from engine.nodes import Rule
from engine.observers import Observer
from engine.oddities import review
from engine.program import Program, compile_ruleset
from engine.schema import Schema
from engine.schema_reader import parse_schema

__all__ = [
    "Diagnostic",
    "EngineError",
    "Evaluation",
    "FactsRejected",
    "FrameResult",
    "Observer",
    "Program",
    "Reason",
    "Rule",
    "RulesetRejected",
    "Schema",
    "SchemaRejected",
    "compile_ruleset",
    "format_rules",
    "parse_schema",
    "review",
]
