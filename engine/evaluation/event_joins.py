"""What has to hold between two events of a pattern, as comparisons of whole numbers, for whoever joins them faster.

`b.amount > a.amount * 3` compares what comes of one event with what comes of another. Each side is computed by the
engine, exactly, and stands as a rank among its kind: so a join compares small whole numbers, and meets no decimal, no
text and no null. A pair of events that meets the comparison meets that of the ranks; now and then another one does,
too, so what a join finds is a candidate and no more. Conditions that are no such comparison are left out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from engine.functions import frozen
from engine.language import And, Bound, Compare, CompareOp, Expression, Pattern, walk
from engine.values import Day, Value

#: The values of one side, for the events at some places of the window.
Values = Callable[[Sequence[int]], list[Value]]
_ORDERED = (float, str, datetime, time, timedelta)


@dataclass(frozen=True, slots=True)
class Join:
    """A comparison between two events."""

    op: CompareOp
    #: Which binding each side is about, counted among those that are no absence.
    left: int
    right: int
    left_side: Expression
    right_side: Expression


@dataclass(frozen=True, slots=True)
class Search:
    """A pattern to look for in one window."""

    pattern: Pattern
    #: For each binding that is no absence the places of the events that meet the conditions on it alone.
    fit: tuple[tuple[int, ...], ...]
    joins: tuple[Join, ...]
    #: For each join the values of its sides, in the order of `fit`.
    sides: tuple[tuple[Values, Values], ...]

    def ranks(self, number: int) -> tuple[list[int], list[int]]:
        """The sides of a join as numbers that compare as they do, at least where the comparison holds.

        Args:
            number: of the join.

        Returns:
            Numbers for the left and for the right side, in the order of `fit`.
        """
        join, (left, right) = self.joins[number], self.sides[number]
        lefts, rights = left(self.fit[join.left]), right(self.fit[join.right])
        if join.op == "==":
            # A moment equals the day that it is in: beside days, no date is told apart from another.
            if any(value.__class__ is Day for value in (*lefts, *rights)):
                lefts, rights = ([_any_date(value) for value in side] for side in (lefts, rights))
        elif join.op != "!=":
            is_less = join.op in ("<", "<=")
            lefts, rights = [_edge(one, is_less) for one in lefts], [_edge(one, not is_less) for one in rights]
        if join.op in ("==", "!="):
            numbers: dict[Any, int] = {}
            return [_number(numbers, value) for value in lefts], [_number(numbers, value) for value in rights]
        ranks = _ranks([*lefts, *rights])
        # What has no order meets no comparison: on the side that has to be less it is above all, on the other below.
        is_less = join.op in ("<", "<=")
        left_end, right_end = (len(ranks), -1) if is_less else (-1, len(ranks))
        return _ranked(ranks, lefts, left_end), _ranked(ranks, rights, right_end)


def joins_of(pattern: Pattern) -> Iterator[Join]:
    """The comparisons of two events that a pattern needs to hold."""
    names = [binding.name for binding in pattern.bindings if not binding.absent]
    order = {name: number for number, name in enumerate(names)}
    for operand in _conjoined(pattern.operands):
        if isinstance(operand, Compare):
            sides = [
                {node.name for node in walk(side) if isinstance(node, Bound)} for side in (operand.left, operand.right)
            ]
            if all(len(side) == 1 and side <= order.keys() for side in sides) and sides[0] != sides[1]:
                left, right = (order[next(iter(side))] for side in sides)
                yield Join(operand.op, left, right, operand.left, operand.right)


def _conjoined(operands: Sequence[Expression]) -> Iterator[Expression]:
    for operand in operands:
        if isinstance(operand, And):
            yield from _conjoined(operand.operands)
        else:
            yield operand


def _any_date(value: Value) -> Value:
    return True if value.__class__ is datetime or value.__class__ is Day else value


def _edge(value: Value, first: bool) -> Value:
    """A day as its first or as the first moment after it: what compares with the day compares with that too."""
    if value.__class__ is not Day:
        return value
    return value.start if first else value.end


def _number(numbers: dict[Any, int], value: Value) -> int:
    """The number of a value: equal values get the same."""
    return numbers.setdefault(frozen(value), len(numbers))


def _ranks(values: Sequence[Value]) -> dict[Any, int]:
    """Each value that has an order, with its rank; kind by kind."""
    ordered = {(_ORDERED.index(value.__class__), value) for value in values if value.__class__ in _ORDERED}
    return {(_ORDERED[kind], value): rank for rank, (kind, value) in enumerate(sorted(ordered))}


def _ranked(ranks: dict[Any, int], values: Sequence[Value], otherwise: int) -> list[int]:
    return [ranks.get(frozen(value), otherwise) for value in values]
