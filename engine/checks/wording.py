"""The words of messages about rules.  language, functions -> [wording] -> path_checks, rule_checks

Says what a thing is called, how many arguments it takes, and what may have been meant; decides nothing."""

from engine.checks.kinds import ValueKind
from engine.functions import Function
from engine.language import Expression, print_expression

#: Characters of an expression in a message.
MAX_SHOWN = 60


def abridged(node: Expression) -> str:
    """An expression, cut when it is long."""
    text = print_expression(node)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def a_kind(kind: str) -> str:
    """The kind with its article, for a sentence."""
    articles = {"object": "an object", "null": "null", "any": "of any kind"}
    return " or ".join(articles.get(name, f"a {name}") for name in kind.split(" or "))


def date_hint(left: ValueKind, right: ValueKind) -> str:
    """A hint for a text that was meant as a date; empty when none was.

    Args:
        left: kind of an operand.
        right: kind of the other.
    """
    return 'a date is written "2026-01-31" or "2026-01-31T09:30:00+00:00"' if {left, right} == {"date", "text"} else ""


def arity(function: Function) -> str:
    """How many arguments a function takes."""
    least, most = function.least, function.most
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    return f"{least} argument{'s' * (least != 1)}" if least == most else f"{least} to {most} arguments"
