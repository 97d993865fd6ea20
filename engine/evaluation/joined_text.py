"""Compile the text of a reason or a log to a callable.

A reason or a log is read by people: a missing value that `+` joins to it leaves the rest of the text as it is, while
everywhere else a text joined with null is null. Never raises; a text is cut at its limit."""

from collections.abc import Callable

from engine.evaluation.expressions import Expressions
from engine.evaluation.operators import Compute, call
from engine.facts import Slots
from engine.functions import FUNCTIONS
from engine.language import Arithmetic, Call, Expression
from engine.values import MAX_TEXT, Value, normal_text, plus, text


def text_of(node: Expression, expressions: Expressions) -> Callable[[Slots], str]:
    """A callable that gives the text of an expression.

    Args:
        node: the expression.
        expressions: compiles what joins no texts.
    """
    compute = value_in_text(node, expressions)
    return lambda slots: text(compute(slots))[:MAX_TEXT]


def value_in_text(node: Expression, expressions: Expressions) -> Compute:
    """A callable that computes an expression, null being empty where it is joined to a text.

    Args:
        node: the expression.
        expressions: compiles what joins no texts.
    """
    match node:
        case Arithmetic("+", left, right):
            return _joined(value_in_text(left, expressions), value_in_text(right, expressions))
        case Call(name, args) if FUNCTIONS[name].result == "text":
            return call(FUNCTIONS[name], [value_in_text(arg, expressions) for arg in args], expressions.zone)
    return expressions.value_of(node)


def _joined(left: Compute, right: Compute) -> Compute:
    def joined(slots: Slots) -> Value:
        before, after = left(slots), right(slots)
        if before.__class__ is str or after.__class__ is str:
            return normal_text((text(before) + text(after))[:MAX_TEXT])
        return plus(before, after)

    return joined
