"""What a rule can call: the registry of functions, and their bodies over numbers, lists, texts and dates."""

from engine.functions import lists
from engine.functions.function import Function, invoke
from engine.functions.grule import ALIASES
from engine.functions.lists import frozen
from engine.functions.regex import MAX_ALL_PATTERN_STEPS, PatternRefused, compile_pattern, matches, pattern_steps
from engine.functions.registry import FUNCTIONS

__all__ = [
    "ALIASES",
    "FUNCTIONS",
    "MAX_ALL_PATTERN_STEPS",
    "Function",
    "PatternRefused",
    "compile_pattern",
    "frozen",
    "invoke",
    "lists",
    "matches",
    "pattern_steps",
]
