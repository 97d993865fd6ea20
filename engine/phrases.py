"""The words of messages about rules.  nodes, kinds -> [phrases] -> checks

Says what a thing is called, how many it takes, and what may have been meant; decides nothing."""

import difflib
from collections.abc import Iterable
from itertools import islice

from engine.functions import Function
from engine.kinds import ValueKind
from engine.nodes import Expression
from engine.printer import print_expression

#: Characters of an expression in a message.
MAX_SHOWN = 60
#: Names that one that is not known is compared with, and their characters: comparing costs the square of them.
MAX_COMPARED, MAX_COMPARED_CHARACTERS = 500, 60


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name; empty when none is near.

    >>> nearest("pric", ["price", "cost"])
    "did you mean 'price'?"
    """
    if len(name) > MAX_COMPARED_CHARACTERS:
        return ""
    alike = (each for each in known if abs(len(each) - len(name)) <= 3)
    by_case = {each.lower(): each for each in islice(alike, MAX_COMPARED)}
    near = difflib.get_close_matches(name.lower(), by_case, 1)
    return f"did you mean '{by_case[near[0]]}'?" if near else ""


def abridged(node: Expression) -> str:
    """An expression, cut when it is long."""
    text = print_expression(node)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def a_kind(kind: str) -> str:
    """The kind with its article, for a sentence."""
    articles = {"object": "an object", "null": "null", "any": "of any kind"}
    return " or ".join(articles.get(one, f"a {one}") for one in kind.split(" or "))


def date_hint(left: ValueKind, right: ValueKind) -> str:
    """A hint for a text that was meant as a date; empty when none was."""
    return 'a date is written "2026-01-31" or "2026-01-31T09:30:00+00:00"' if {left, right} == {"date", "text"} else ""


def arity(function: Function) -> str:
    """How many arguments a function takes."""
    least, most = function.least, function.most
    if most is None:
        return f"at least {least} argument{'s' * (least != 1)}"
    return f"{least} argument{'s' * (least != 1)}" if least == most else f"{least} to {most} arguments"
