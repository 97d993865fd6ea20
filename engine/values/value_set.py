"""Sets of values that a test on one field lets through.  value -> [value_set] -> schema, tables, matching, lint

A comparison of one field with constants holds on a set of values: some intervals of numbers, texts and dates, and some
of null, true, false and the rest. Such sets have exact unions, intersections and complements, so that any condition on
one field alone becomes one of them. An interval is half open: what follows a bound at once (the next float64, the next
text, the next microsecond) bounds what includes it."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.values.value import Value

#: The last code point; a text prefix that ends with it has no next prefix of its length.
_LAST = "\U0010ffff"
_TICK = timedelta(microseconds=1)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """A set of values of one ordered kind: it changes between in and out at each cut."""

    #: Whether the least values are in.
    inside: bool = False
    #: Rising; a value at a cut is behind it.
    points: tuple[Any, ...] = ()

    def __contains__(self, value: Any) -> bool:
        return self.inside ^ (bisect_right(self.points, value) & 1 == 1)

    def __invert__(self) -> "IntervalSet":
        return IntervalSet(not self.inside, self.points)

    def __and__(self, other: "IntervalSet") -> "IntervalSet":
        if not self.points:
            return other if self.inside else self
        if not other.points:
            return self if other.inside else other
        return self._merged(other, lambda left, right: left and right)

    def __or__(self, other: "IntervalSet") -> "IntervalSet":
        if not self.points:
            return self if self.inside else other
        if not other.points:
            return other if other.inside else self
        return self._merged(other, lambda left, right: left or right)

    def _merged(self, other: "IntervalSet", decide: Any) -> "IntervalSet":
        left, right = self.inside, other.inside
        lefts, rights = set(self.points), set(other.points)
        state = inside = decide(left, right)
        points = []
        for point in sorted(lefts | rights):
            left ^= point in lefts
            right ^= point in rights
            if decide(left, right) != state:
                state = not state
                points.append(point)
        return IntervalSet(inside, tuple(points))

    @property
    def empty(self) -> bool:
        """Whether no value is in it."""
        return not self.inside and not self.points

    @property
    def texts(self) -> tuple[str, ...] | None:
        """The texts at which a set of texts differs from the rest of it; None when they can't be listed."""
        if len(self.points) % 2:
            return None
        singles = self.points[::2]
        return singles if all(a + "\0" == b for a, b in zip(singles, self.points[1::2], strict=True)) else None

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The same for a set of numbers."""
        if len(self.points) % 2:
            return None
        singles, follow = self.points[::2], self.points[1::2]
        return singles if all(math.nextafter(a, math.inf) == b for a, b in zip(singles, follow, strict=True)) else None


_NONE, _ALL = IntervalSet(), IntervalSet(inside=True)


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A set of values of any kind."""

    null: bool = False
    true: bool = False
    false: bool = False
    #: Every list and every object.
    rest: bool = False
    numbers: IntervalSet = _NONE
    texts: IntervalSet = _NONE
    dates: IntervalSet = _NONE

    def __contains__(self, value: Value) -> bool:
        kind = value.__class__
        if kind is float:
            return value in self.numbers
        if kind is str:
            return value in self.texts
        if kind is datetime:
            return value in self.dates
        if kind is bool:
            return self.true if value else self.false
        return self.null if value is None else self.rest

    def __and__(self, other: "ValueSet") -> "ValueSet":
        return ValueSet(
            self.null and other.null,
            self.true and other.true,
            self.false and other.false,
            self.rest and other.rest,
            self.numbers & other.numbers,
            self.texts & other.texts,
            self.dates & other.dates,
        )

    def __or__(self, other: "ValueSet") -> "ValueSet":
        return ValueSet(
            self.null or other.null,
            self.true or other.true,
            self.false or other.false,
            self.rest or other.rest,
            self.numbers | other.numbers,
            self.texts | other.texts,
            self.dates | other.dates,
        )

    def __invert__(self) -> "ValueSet":
        return ValueSet(
            not self.null,
            not self.true,
            not self.false,
            not self.rest,
            ~self.numbers,
            ~self.texts,
            ~self.dates,
        )

    @property
    def is_empty(self) -> bool:
        """Whether no value is in it."""
        return not self._cut and self == NOTHING

    @property
    def is_full(self) -> bool:
        """Whether every value is in it."""
        return not self._cut and self == ANYTHING

    @property
    def _cut(self) -> bool:
        """Whether it is in and out within one kind: most sets are, and they are neither empty nor full."""
        return bool(self.numbers.points or self.texts.points or self.dates.points)

    @property
    def only_texts(self) -> tuple[str, ...] | None:
        """The texts it holds, when it holds nothing else and they can be listed."""
        return self.texts.texts if not self.texts.inside and self._only(self.numbers, self.dates) else None

    @property
    def only_numbers(self) -> tuple[float, ...] | None:
        """The numbers it holds, when it holds nothing else and they can be listed."""
        return self.numbers.numbers if not self.numbers.inside and self._only(self.texts, self.dates) else None

    def _only(self, one: IntervalSet, other: IntervalSet) -> bool:
        """Whether two of the ordered kinds are empty, and all that has no order is out."""
        rest = self.null or self.true or self.false or self.rest
        return not (rest or one.points or other.points or one.inside or other.inside)


NOTHING = ValueSet()
ANYTHING = ~NOTHING
NULL = ValueSet(null=True)
TRUE = ValueSet(true=True)


def _after(value: Any) -> Any:
    """The value that follows at once; None when none does."""
    if value.__class__ is float:
        return math.nextafter(value, math.inf)
    if value.__class__ is str:
        return value + "\0"
    return value + _TICK if value < _LAST_MOMENT else None


def _of_kind(value: Value, cuts: IntervalSet) -> ValueSet:
    """A set of values of the kind of `value`."""
    if value.__class__ is float:
        return ValueSet(numbers=cuts)
    return ValueSet(texts=cuts) if value.__class__ is str else ValueSet(dates=cuts)


def _cuts(inside: bool, *points: Any) -> IntervalSet:
    # Only the greatest value has none after it.
    return IntervalSet(inside, points if None not in points else tuple(point for point in points if point is not None))


def equal_to(value: Value) -> ValueSet | None:
    """The values that equal a constant; None when it is a list or an object."""
    if value is None:
        return NULL
    if value.__class__ is bool:
        return ValueSet(true=value, false=not value)
    if value.__class__ in (tuple, dict):
        return None
    return _of_kind(value, _cuts(False, value, _after(value)))


def among(values: Iterable[Value]) -> ValueSet | None:
    """The values that equal one of some constants; None when a list or an object is among these.

    >>> "a" in among(["a", "b"]), "c" in among(["a", "b"]), None in among([None])
    (True, False, True)
    """
    union = NOTHING
    by_kind: dict[type, set[Value]] = {}
    for value in values:
        if value.__class__ in (tuple, dict):
            return None
        by_kind.setdefault(value.__class__, set()).add(value)
    for kind, several in by_kind.items():
        if kind is bool or kind is type(None):
            for value in several:
                union = union | (equal_to(value) or NOTHING)
            continue
        points: list[Any] = []
        for value in sorted(several):
            if points and points[-1] == value:
                points.pop()
            else:
                points.append(value)
            points.append(_after(value))
        union = union | _of_kind(value, _cuts(False, *points))
    return union


def compared(op: str, value: Value) -> ValueSet | None:
    """The values `x` for which `x op value` holds.

    Args:
        op: one of `== != < <= > >=`.
        value: a constant.

    Returns:
        The set; None when it is no such set.

    >>> 5.0 in compared("<=", 5.0), "5" in compared("<=", 5.0), None in compared("!=", 5.0)
    (True, False, True)
    """
    if op in ("==", "!="):
        same = equal_to(value)
        return ~same if same is not None and op == "!=" else same
    if value.__class__ not in (float, str, datetime):
        return NOTHING
    bound = value if op in ("<", ">=") else _after(value)
    return _of_kind(value, _cuts(op in ("<", "<="), bound))


def between(low: Value, high: Value, *, low_closed: bool, high_closed: bool) -> ValueSet:
    """The values between two constants of one ordered kind.

    Args:
        low: the lower end.
        high: the upper end.
        low_closed: whether the lower end is in.
        high_closed: whether the upper end is in.

    >>> 10.0 in between(5.0, 10.0, low_closed=True, high_closed=False)
    False
    """
    first, end = low if low_closed else _after(low), _after(high) if high_closed else high
    # Only the greatest value has none after it.
    if first is None or (end is not None and first >= end):
        return NOTHING
    return _of_kind(low, _cuts(False, first, end))


def starting_with(prefix: str) -> ValueSet:
    """The texts that start with a prefix.

    >>> "abc" in starting_with("ab"), "ac" in starting_with("ab")
    (True, False)
    """
    stem = prefix.rstrip(_LAST)
    end = stem[:-1] + chr(ord(stem[-1]) + 1) if stem else None
    return ValueSet(texts=_cuts(False, prefix, end) if prefix else _ALL)
