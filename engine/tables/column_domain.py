"""The values of one column of a decision table, cut where its cells cut them.  unary_tests -> [column_domain]

Gives the set of values that each cell holds for, as a rule's condition would have it; and a `ColumnDomain`, which
numbers the stretches between the bounds of all these sets: numbers, texts and dates by their order, then false, true
and null. A cell is then a set of these numbers, kept as the bits of an integer, so that two cells are compared in one
step; and each bit has a member that proves a claim about it. A cell that reads another field has no set here."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from engine.checks import ValueKind
from engine.language import Literal, Scalar
from engine.schema import FieldSchema, possible_values, values_of_kind
from engine.tables.unary_tests import CellTests, Comparison, Range
from engine.values import (
    ANYTHING,
    MAX_DURATION,
    NOTHING,
    NULL,
    IntervalSet,
    Value,
    ValueSet,
    among,
    any_of,
    between,
    compared,
    decimal,
    duration_between,
    is_number,
    literal,
    moment_between,
    normal_number,
    number_between,
    ordinal,
    settled_date,
    text_between,
    time_between,
)

_TICK = timedelta(microseconds=1)


def reads_only_constants(tests: CellTests | None) -> bool:
    """Whether a cell compares with constants alone, so that what it holds for is known here."""
    return tests is None or all(
        isinstance(each, Literal)
        for test in tests.tests
        for each in ((test.low, test.high) if isinstance(test, Range) else (test.operand,))
    )


def values_of_cell(tests: CellTests, zone: tzinfo = UTC) -> ValueSet:
    """The values that a cell holds for; it has to have constants only.

    Args:
        tests: the cell.
        zone: of dates that have none; default UTC.

    >>> from decimal import Decimal
    >>> from engine.tables.unary_tests import Comparison
    >>> 10.0 in values_of_cell(CellTests((Comparison("<", Literal(Decimal(10))),)))
    False
    """
    plain: list[Value] = []
    sets: list[ValueSet] = []
    for test in tests.tests:
        if isinstance(test, Range) and isinstance(test.low, Literal) and isinstance(test.high, Literal):
            low, high = _value(test.low, zone), _value(test.high, zone)
            sets.append(between(low, high, low_closed=test.low_closed, high_closed=test.high_closed, zone=zone))
        elif isinstance(test, Comparison) and isinstance(test.operand, Literal):
            value = _value(test.operand, zone)
            if test.op == "==":
                plain.append(value)
            else:
                sets.append(compared(test.op, value, zone) or NOTHING)
    if plain:
        sets.append(among(plain, zone) or NOTHING)
    values = any_of(sets)
    return ~values if tests.negated else values


def _value(node: Literal, zone: tzinfo) -> Value:
    return settled_date(node.value, zone) if isinstance(node.value, date) else literal(node.value)


def values_of_column(kind: ValueKind, field: FieldSchema | None) -> ValueSet:
    """The values that a column can have.

    Args:
        kind: of the column.
        field: what the schema says of its field; None when the column is no plain field.

    Returns:
        The set, without lists and objects where the kind is not known: no cell compares with one.
    """
    if field is not None:
        return possible_values(field)
    if kind == "any":
        return ANYTHING & ~values_of_kind("list")
    return NULL if kind == "null" else values_of_kind(kind) | NULL


class ColumnDomain:
    """The values of one column, numbered.

    Args:
        universe: all that the column can have.
        sets: what its cells hold for.
    """

    def __init__(self, universe: ValueSet, sets: Iterable[ValueSet]) -> None:
        each = [universe, *sets]
        self._numbers = _Stretches(_NUMBERS, universe.numbers, (values.numbers for values in each), 0)
        self._texts = _Stretches(_TEXTS, universe.texts, (values.texts for values in each), self._numbers.end)
        self._dates = _Stretches(_DATES, universe.dates, (values.dates for values in each), self._texts.end)
        self._days = _Stretches(_DAYS, universe.days, (values.days for values in each), self._dates.end)
        self._times = _Stretches(_TIMES, universe.times, (values.times for values in each), self._days.end)
        durations = (values.durations for values in each)
        self._durations = _Stretches(_DURATIONS, universe.durations, durations, self._times.end)
        end = self._durations.end
        self._false, self._true, self._null = (1 << end + place for place in range(3))
        #: Bits of a set.
        self.width = end + 3
        #: Every value that the column can have.
        self.universe = -1
        self.universe = self.bits(universe)

    def bits(self, values: ValueSet) -> int:
        """The part of a set that the column can have.

        Args:
            values: one of the sets that the domain was made of.
        """
        bits = self._numbers.bits(values.numbers) | self._texts.bits(values.texts)
        bits |= self._dates.bits(values.dates) | self._days.bits(values.days)
        bits |= self._times.bits(values.times) | self._durations.bits(values.durations)
        if values.false:
            bits |= self._false
        if values.true:
            bits |= self._true
        if values.null:
            bits |= self._null
        return bits & self.universe

    def sample(self, bits: int) -> Scalar:
        """A member of a set: a bound that some cell names if there is one, for it reads better; null if need be."""
        boundless: list[tuple[_Order, Any, Any]] = []
        ordered = (self._numbers, self._texts, self._dates, self._days, self._times, self._durations)
        for stretches in ordered:
            for low, high in stretches.of(bits):
                bound = stretches.order.bound(low, high)
                if bound is not None:
                    return bound
                boundless.append((stretches.order, low, high))
        if bits & self._true:
            return True
        if boundless:
            order, low, high = boundless[0]
            return order.inside(low, high)
        return False if bits & self._false else None


@dataclass(frozen=True, slots=True)
class _Order:
    """What the bounds of sets of one kind mean; any of them may be None, where a stretch is open.

    The bound behind a value is the next value of Python: a float, text or moment that no rule would name."""

    #: Whether a bound is a value that a rule would name.
    is_plain: Callable[[Any], bool]
    #: The value just before a bound.
    before: Callable[[Any], Any]
    #: A value strictly between two plain ones.
    between: Callable[[Any, Any], Scalar]
    #: A value as a rule has it.
    shown: Callable[[Any], Any]
    #: Whether no value of a rule is in a stretch.
    is_blank: Callable[[Any, Any], bool]

    def bound(self, low: Any, high: Any) -> Scalar:
        """The plain value at an end of a stretch that belongs to it: the lower one first; None when neither does."""
        if low is None or not self.is_plain(low):
            if high is None or self.is_plain(high):
                return None
            low = self.before(high)
        value: Scalar = self.shown(low)
        return value

    def inside(self, low: Any, high: Any) -> Scalar:
        """A value in a stretch to which no plain end belongs."""
        below = None if low is None else self.shown(self.before(low))
        return self.between(below, None if high is None else self.shown(high))


def _float_before(bound: float) -> float:
    return math.nextafter(bound, -math.inf)


def _no_number_in(low: float | None, high: float | None) -> bool:
    """Whether the ends are two numbers that follow each other in their 15th digit, and belong to other stretches."""
    if low is None or high is None or high - low > abs(high) * 1e-13 or is_number(low) or not is_number(high):
        return False
    return ordinal(high) - ordinal(_float_before(low)) == 1


_NUMBERS = _Order(is_number, _float_before, number_between, lambda value: normal_number(decimal(value)), _no_number_in)
_TEXTS = _Order(
    lambda bound: not bound.endswith("\0"),
    lambda bound: bound[:-1],
    text_between,
    lambda value: value,
    # No text comes before the empty one.
    lambda low, high: high == "",
)
_DATES = _Order(
    # A bound within a second may be a date of its own; the one before it is in the stretch all the same.
    lambda bound: not bound.microsecond,
    lambda bound: bound - _TICK,
    moment_between,
    lambda value: value,
    lambda low, high: False,
)

_DAYS = _Order(
    lambda bound: True,
    lambda bound: bound - timedelta(days=1),
    # A stretch with a lower end holds that.
    lambda low, high: date(2000, 1, 1) if high is None else high - timedelta(days=1),
    lambda value: value,
    lambda low, high: low is None and high == date.min,
)


_TIMES = _Order(
    # As of moments.
    lambda bound: not bound.microsecond,
    lambda bound: (datetime.combine(date.max, bound) - _TICK).time(),
    time_between,
    lambda value: value,
    lambda low, high: low is None and high == time.min,
)

_DURATIONS = _Order(
    lambda bound: not bound.microseconds,
    lambda bound: bound - _TICK,
    duration_between,
    lambda value: value,
    lambda low, high: low is None and high == -MAX_DURATION,
)


class _Stretches:
    """The stretches between the bounds of sets of one ordered kind, numbered from low to high.

    Args:
        order: of the kind.
        universe: all that the column can have of it; when that is nothing, there are no stretches.
        sets: what cells hold for.
        first: number of the first stretch.
    """

    def __init__(self, order: _Order, universe: IntervalSet, sets: Iterable[IntervalSet], first: int) -> None:
        self.order = order
        self._bounds = [] if universe.empty else sorted({point for values in sets for point in values.points})
        self._first = first
        #: The number after the last one.
        self.end = first if universe.empty else first + len(self._bounds) + 1
        self._all = (1 << self.end) - (1 << first)
        self._places = {bound: first + place for place, bound in enumerate(self._bounds, 1)}
        for place, (low, high) in enumerate(itertools.pairwise([None, *self._bounds, None])):
            if self._bounds and order.is_blank(low, high):
                self._all -= 1 << first + place

    def bits(self, values: IntervalSet) -> int:
        """The stretches of a set."""
        if not self._all:
            return 0
        places = [self._places[point] for point in values.points]
        if values.inside:
            places.insert(0, self._first)
        if len(places) % 2:
            places.append(self.end)
        bits = 0
        for start, end in zip(places[::2], places[1::2], strict=True):
            bits |= ((1 << end - start) - 1) << start
        return bits & self._all

    def of(self, bits: int) -> Iterator[tuple[Any, Any]]:
        """The ends of every stretch in a set of bits: the bound at which it begins, and the one that it ends before."""
        bits &= self._all
        while bits:
            place = (bits & -bits).bit_length() - 1 - self._first
            yield self._bounds[place - 1] if place else None, self._bounds[place] if place < len(self._bounds) else None
            bits &= bits - 1
