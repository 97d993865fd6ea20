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
#: Infix words of other languages, and what is written instead.
FOREIGN_INFIX = {
    "div": "write Trunc(a / b)",
    "between": "write a <= x && x <= b",
    "xor": "write a != b",
    "isnt": "write a != b",
    "starts": 'write text startsWith "…"',
    "begins": 'write text startsWith "…"',
    "beginswith": 'write text startsWith "…"',
    "ends": 'write text endsWith "…"',
    "has": "write list contains item",
    "includes": "write list contains item",
    "include": "write list contains item",
    "excludes": "write !(list contains item)",
    "notin": "write !(x in […])",
    "memberof": "write x in list",
    "soundslike": 'write text matches "pattern"',
    "ilike": 'write text matches "(?i)pattern"',
    "rlike": 'write text matches "pattern"',
    "regexp": 'write text matches "pattern"',
    "gt": "write a > b",
    "lt": "write a < b",
    "gte": "write a >= b",
    "lte": "write a <= b",
    "ge": "write a >= b",
    "le": "write a <= b",
    "eq": "write a == b",
    "ne": "write a != b",
    "neq": "write a != b",
    "if": "conditions are joined with && and ||",
    "else": "a rule has no 'else'; write a second rule",
    "do": "actions follow the word 'then'",
    "where": "conditions are joined with && and ||",
    "unless": "write && !( … )",
    "as": "a value has no other name",
    "nin": "write !(x in […])",
    "isnull": "write x == null",
    "greater": "write a > b",
    "less": "write a < b",
    "does": "write !(x contains …)",
    "instanceof": "kinds of fields are declared in domain.toml",
}
#: Words that stand before an operand elsewhere, and what is written instead.
FOREIGN_PREFIX = {
    "exists": "write exists(Line.qty > 1)",
    "forall": "write forall(Line.qty > 0)",
    "some": "write exists(Line.qty > 1)",
    "every": "write forall(Line.qty > 0)",
    "for": "there are no loops: write exists, forall, Count, Sum of a list",
    "if": "the word 'when' says it; a rule has one condition",
    "case": "a rule has one condition; write a rule for each case",
    "unless": "write !( … )",
    "new": "write Now(), or a date in quotes",
    "typeof": "kinds of fields are declared in domain.toml",
}
#: What follows `is` elsewhere, and what is written instead.
FOREIGN_IS = {
    "one": "write x in [a, b]",
    "any": "write x in [a, b]",
    "in": "write x in [a, b]",
    "greater": "write a > b",
    "more": "write a > b",
    "less": "write a < b",
    "at": "write a >= b, or a <= b",
    "equal": "write a == b",
    "between": "write a <= x && x <= b",
    "empty": 'write x == null || x == ""',
    "blank": 'write x == null || x == ""',
}
#: Words that begin a block elsewhere, and what to say of them among actions.
BLOCKS = {
    **dict.fromkeys(("if", "unless", "switch", "case"), "a rule has one condition; write a rule for each case"),
    **dict.fromkeys(
        ("else", "elif", "elseif", "elsif", "otherwise"), "write a second rule, with the opposite condition"
    ),
    **dict.fromkeys(("for", "foreach", "while"), "there are no loops: write exists, forall, Count, Sum of a list"),
    **dict.fromkeys(("var", "let", "const", "int", "double", "string"), "write to a field: Fact.field = value;"),
    "return": "an outcome is asked for with Accept, Review or Reject",
    "end": "a rule ends with '}'",
}
#: How an event is bound.
BINDING = 'a: Payment from stream("payments") over window(10 min, sliding)'
#: Words of other rule languages, and what to say to them.
NOT_YET = {
    "within": "'within' is not in the language; a window is written over window(10 min, sliding)",
    "accumulate": "'accumulate' is not in the language; write Count, CountDistinct, Sum, Min, Max or Avg",
    "test": "'test' is not in the language; write the expression alone",
    "eval": "'eval' is not in the language; write the expression alone",
}
