"""The words of the language.  nodes -> [keywords] -> token_stream, operand_parser, expression_parser

Operators and literals that are words, the other spellings of operators, and the words of other rule languages with what
to say to those who write them. All of them are read in any case."""

from engine.language.nodes import AggregateKind, CompareOp, QuantifierKind, TextOp

#: Infix words, and the methods and calls that mean the same.
TEXT_TESTS: dict[str, TextOp] = {
    "contains": "contains",
    "stringcontains": "contains",
    "hasprefix": "startsWith",
    "startswith": "startsWith",
    "hassuffix": "endsWith",
    "endswith": "endsWith",
    "matchstring": "matches",
    "matches": "matches",
}
#: Calls that mean a comparison.
COMPARISONS: dict[str, CompareOp] = {"istimebefore": "<", "istimeafter": ">"}
QUANTIFIERS: dict[str, QuantifierKind] = {"exists": "exists", "forall": "forall"}
AGGREGATES: dict[str, AggregateKind] = {
    "count": "Count",
    "countdistinct": "CountDistinct",
    "sum": "Sum",
    "min": "Min",
    "max": "Max",
    "avg": "Avg",
}
CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "nil": None}
#: Words that are the name of a fact only before a member or a place of it.
RESERVED = frozenset(("in", *QUANTIFIERS, *CONSTANTS, "rule", "when", "then"))
#: Words that people write for an operator, and the operator.
FOR_OPERATORS = {"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "==", "mod": "%", "like": "matches"}
#: Words that are no words before a dot, where each of them is the name of a fact.
FACTS_TOO = RESERVED | FOR_OPERATORS.keys() | TEXT_TESTS.keys()
#: How an event is bound.
BINDING = 'a: Payment from stream("payments") over window(10 min, sliding)'
#: Words of other rule languages, and what to say to them.
NOT_YET = {
    "within": "'within' is not in the language; a window is written over window(10 min, sliding)",
    "accumulate": "'accumulate' is not in the language; write Count, CountDistinct, Sum, Min, Max or Avg",
    "test": "'test' is not in the language; write the expression alone",
    "eval": "'eval' is not in the language; write the expression alone",
}
