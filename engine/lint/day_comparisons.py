"""Comparisons with a day that once compared with its midnight.  [day_comparisons] -> review

Takes rules whose dates are settled. A date without a time used to be the moment at which that day starts; now it is the
whole day. Says of each comparison for which that makes a difference what it meant and what it means. `<` and `>=` ask
for the start of the day, then as now; what the facts hold is not known here."""

from collections.abc import Iterator, Sequence

from engine.language import (
    MIRRORED,
    Compare,
    Expression,
    ListLiteral,
    Literal,
    Membership,
    Rule,
    TextTest,
    print_expression,
    rule_expressions,
    walk,
)
from engine.lint.reachability import LintWarning
from engine.values import Day

#: Operator, with the day at its right: what it means now, and what it meant.
_MEANINGS = {
    "==": ("holds all that day", "held at the moment it starts alone"),
    "!=": ("fails all that day", "failed at the moment it starts alone"),
    "<=": ("holds until that day ends", "held until it starts"),
    ">": ("holds once that day is over", "held once it has started"),
}
_HINT = "right, if the day is meant; its first moment is written with a time: {day}T00:00:00"


def changed_days(rules: Sequence[Rule]) -> Iterator[LintWarning]:
    """Comparisons with days that mean something else than they did.

    Args:
        rules: in source order.
    """
    for rule in rules:
        if isinstance(rule.date_expires, Day):
            day = rule.date_expires.isoformat()
            message = f"rule '{rule.name}' is in force until {day} ends; it was until that day starts"
            yield LintWarning("day-whole", rule, message, _HINT.format(day=day))
        for expression in rule_expressions(rule):
            for node in walk(expression):
                yield from _compared(node)


def _compared(node: Expression) -> Iterator[LintWarning]:
    match node:
        case Compare(op, left, right):
            yield from _day(right, op, node)
            yield from _day(left, MIRRORED[op], node)
        case Membership(_, ListLiteral(items)):
            for item in items:
                yield from _day(item, "==", node)
        case TextTest("contains", _, item):
            yield from _day(item, "==", node)


def _day(operand: Expression, op: str, node: Expression) -> Iterator[LintWarning]:
    """A warning, if an operand is a day.

    Args:
        operand: what something is compared with.
        op: how.
        node: the comparison.
    """
    if op in _MEANINGS and isinstance(operand, Literal) and isinstance(operand.value, Day):
        now, before = _MEANINGS[op]
        day = operand.value.isoformat()
        shown = print_expression(node)
        # A cell of many days is long.
        shown = shown if len(shown) <= 100 else f"{shown[:99]}…"
        message = f"{shown} {now} ({day}); it {before}"
        yield LintWarning("day-whole", operand if operand.span is not None else node, message, _HINT.format(day=day))
