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
    """A hint for a text that was meant as a date, a time or a duration; empty when none was.

    Args:
        left: kind of an operand.
        right: kind of the other.
    """
    if "text" not in (left, right):
        return ""
    return _FORMS.get(right if left == "text" else left, "")


_FORMS: dict[str, str] = {
    "date": 'a date is written "2026-01-31" or "2026-01-31T09:30:00+00:00"',
    "time": 'a time is written "10:30" or "10:30:15.5": Time("10:30")',
    "duration": 'a duration is written "PT1H30M" or "P2D", without years and months: Duration("PT1H30M")',
}


def arity(function: Function) -> str:
    """How many arguments a function takes."""
    least, most = function.least, function.most
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    return f"{least} argument{'s' * (least != 1)}" if least == most else f"{least} to {most} arguments"
