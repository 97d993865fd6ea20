"""What has to hold between two events of a pattern, in whole numbers.  correlation -> [joins] -> whoever joins faster

`b.amount > a.amount * 3` compares what comes of one event with what comes of another. Each side is computed by the
engine, exactly, and stands as a rank among its kind: so whoever joins compares small whole numbers, and meets no
decimal, no text and no null. A pair of events that meets the comparison meets that of the ranks; now and then another
one does, too, so what is found is a candidate and no more. Conditions that are no such comparison are left out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.functions import frozen
from engine.language import And, Bound, Compare, CompareOp, Expression, Pattern, walk
from engine.values import Value

#: The values of one side, for the events at some places of the window.
Values = Callable[[Sequence[int]], list[Value]]
_ORDERED = (float, str, datetime)


@dataclass(frozen=True, slots=True)
class Join:
    """A comparison of what two events come to."""

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
    #: For each binding that is no absence the places of the events that are what it has to be by itself.
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
        if join.op in ("==", "!="):
            known: dict[Any, int] = {}
            return [_number(known, value) for value in lefts], [_number(known, value) for value in rights]
        places = _places([*lefts, *rights])
        # What has no order is out of reach of every other: above all on the side that has to be less, or below.
        less = join.op in ("<", "<=")
        ends = (len(places), -1) if less else (-1, len(places))
        return _ordered(places, lefts, ends[0]), _ordered(places, rights, ends[1])


def joins_of(pattern: Pattern) -> Iterator[Join]:
    """The comparisons of two events that a pattern needs to hold.

    Args:
        pattern: whose.
    """
    there = [binding.name for binding in pattern.bindings if not binding.absent]
    place = {name: number for number, name in enumerate(there)}
    for operand in _conjoined(pattern.operands):
        if isinstance(operand, Compare):
            sides = [
                {node.name for node in walk(side) if isinstance(node, Bound)} for side in (operand.left, operand.right)
            ]
            if all(len(names) == 1 and names <= place.keys() for names in sides) and sides[0] != sides[1]:
                left, right = (place[next(iter(names))] for names in sides)
                yield Join(operand.op, left, right, operand.left, operand.right)


def _conjoined(operands: Sequence[Expression]) -> Iterator[Expression]:
    for operand in operands:
        if isinstance(operand, And):
            yield from _conjoined(operand.operands)
        else:
            yield operand


def _number(known: dict[Any, int], value: Value) -> int:
    return known.setdefault(frozen(value), len(known))


def _places(values: Sequence[Value]) -> dict[Any, int]:
    """Each value that has an order, with its place in it; kind by kind."""
    found = {(_ORDERED.index(value.__class__), value) for value in values if value.__class__ in _ORDERED}
    return {(_ORDERED[kind], value): place for place, (kind, value) in enumerate(sorted(found))}


def _ordered(places: dict[Any, int], values: Sequence[Value], otherwise: int) -> list[int]:
    return [places.get(frozen(value), otherwise) for value in values]
