"""Sets of values that a test on one field lets through.  value -> [value_set] -> schema, tables, matching, lint

A comparison of one field with constants holds on a set of values: some intervals of numbers, texts and dates, and some
of null, true, false and the rest. Such sets have exact unions, intersections and complements, so that any condition on
one field alone becomes one of them. An interval is half open: what follows a bound at once (the next float64, the next
text, the next microsecond, the next day) bounds what includes it. Days have intervals of their own: a moment within a
day is no more than that day to them, while among moments it is a bound of its own."""

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import zip_longest
from typing import Any

from engine.plain_class import dataclass
from engine.values.clocks import MAX_DURATION
from engine.values.days import Day, day_at
from engine.values.interval_set import IntervalSet
from engine.values.value import Value

#: The last code point; a text prefix that ends with it has no next prefix of its length.
_LAST = "\U0010ffff"
_TICK = timedelta(microseconds=1)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


#: Kinds that intervals of one kind describe; of dates there are two.
_ORDERED = (float, str, time, timedelta)
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
    #: Of moments.
    dates: IntervalSet = _NONE
    #: Of whole days: their dates.
    days: IntervalSet = _NONE
    #: Of times of day.
    times: IntervalSet = _NONE
    durations: IntervalSet = _NONE

    def __contains__(self, value: Value) -> bool:
        kind = value.__class__
        if kind is float:
            return value in self.numbers
        if kind is str:
            return value in self.texts
        if kind is datetime:
            return value in self.dates
        if kind is Day:
            return value.date in self.days
        if kind is bool:
            return self.true if value else self.false
        if kind is time:
            return value in self.times
        if kind is timedelta:
            return value in self.durations
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
            self.days & other.days,
            self.times & other.times,
            self.durations & other.durations,
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
            self.days | other.days,
            self.times | other.times,
            self.durations | other.durations,
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
            ~self.days,
            ~self.times,
            ~self.durations,
        )

    @property
    def is_empty(self) -> bool:
        """Whether no value is in it."""
        return not self.is_cut and self == NOTHING

    @property
    def is_full(self) -> bool:
        """Whether every value is in it."""
        return not self.is_cut and self == ANYTHING

    @property
    def is_cut(self) -> bool:
        """Whether it is in and out within one kind: most sets are, and they are neither empty nor full."""
        return bool(
            self.numbers.points
            or self.texts.points
            or self.dates.points
            or self.days.points
            or self.times.points
            or self.durations.points
        )

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
        rest = self.null or self.true or self.false or self.rest or self.days.points or self.days.inside
        clocks = self.times.points or self.times.inside or self.durations.points or self.durations.inside
        return not (rest or clocks or one.points or other.points or one.inside or other.inside)


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
    if value.__class__ is time:
        return (datetime.combine(date.min, value) + _TICK).time() if value < time.max else None
    return value + _TICK if value < (MAX_DURATION if value.__class__ is timedelta else _LAST_MOMENT) else None


def _of_kind(value: Value, cuts: IntervalSet) -> ValueSet:
    """A set of values of the kind of `value`, which is no date."""
    match value:
        case float():
            return ValueSet(numbers=cuts)
        case str():
            return ValueSet(texts=cuts)
        case time():
            return ValueSet(times=cuts)
    return ValueSet(durations=cuts)


def _dates(op: str, value: Day | datetime, zone: tzinfo) -> ValueSet:
    """The dates `x` for which `x op value` holds; not for `!=`."""
    day = value if isinstance(value, Day) else day_at(value, zone)
    if isinstance(value, Day):
        first, after = value.start, value.end if value.date < date.max else None
    else:
        first, after = value, _after(value)
    if day is not None:
        days = _stretch(op, day.date, day.date + timedelta(days=1) if day.date < date.max else None)
    else:
        # Before or behind all days of the zone.
        days = IntervalSet(inside=op in ((">", ">=") if first.year == date.min.year else ("<", "<=")))
    return ValueSet(dates=_stretch(op, first, after), days=days)


def _stretch(op: str, first: Any, after: Any) -> IntervalSet:
    """What compares so with a stretch that starts with `first` and ends before `after`."""
    if op == "==":
        # A day that a zone skips holds no moment.
        return _NONE if first == after else _cuts(False, first, after)
    return _cuts(op in ("<", "<="), first if op in ("<", ">=") else after)


def _cuts(inside: bool, *points: Any) -> IntervalSet:
    # Only the greatest value has none after it.
    return IntervalSet(inside, points if None not in points else tuple(point for point in points if point is not None))


def equal_to(value: Value, zone: tzinfo = UTC) -> ValueSet | None:
    """The values that equal a constant; None when it is a list or an object.

    Args:
        value: the constant.
        zone: of the days that facts hold; default UTC.
    """
    if value is None:
        return NULL
    if value.__class__ is bool:
        return ValueSet(true=value, false=not value)
    if value.__class__ in (tuple, dict):
        return None
    if value.__class__ is datetime or value.__class__ is Day:
        return _dates("==", value, zone)
    return _of_kind(value, _cuts(False, value, _after(value)))


def among(values: Iterable[Value], zone: tzinfo = UTC) -> ValueSet | None:
    """The values that equal one of some constants; None when a list or an object is among these.

    Args:
        values: the constants.
        zone: of the days that facts hold; default UTC.

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
        if kind not in _ORDERED:
            union = union | any_of([equal_to(value, zone) or NOTHING for value in several])
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


def any_of(sets: list[ValueSet]) -> ValueSet:
    """All of some sets in one, in pairs: one after the other would cost the square of their number."""
    while len(sets) > 1:
        sets = [one | other for one, other in zip_longest(sets[::2], sets[1::2], fillvalue=NOTHING)]
    return sets[0]


def compared(op: str, value: Value, zone: tzinfo = UTC) -> ValueSet | None:
    """The values `x` for which `x op value` holds.

    Args:
        op: one of `== != < <= > >=`.
        value: a constant.
        zone: of the days that facts hold; default UTC.

    Returns:
        The set; None when it is no such set.

    >>> 5.0 in compared("<=", 5.0), "5" in compared("<=", 5.0), None in compared("!=", 5.0)
    (True, False, True)
    """
    if op in ("==", "!="):
        same = equal_to(value, zone)
        return ~same if same is not None and op == "!=" else same
    if value.__class__ is datetime or value.__class__ is Day:
        return _dates(op, value, zone)
    if value.__class__ not in _ORDERED:
        return NOTHING
    bound = value if op in ("<", ">=") else _after(value)
    if bound in (time.min, -MAX_DURATION):  # Nothing is less.
        return _of_kind(value, _ALL if op == ">=" else _NONE)
    return _of_kind(value, _cuts(op in ("<", "<="), bound))


def between(low: Value, high: Value, *, low_closed: bool, high_closed: bool, zone: tzinfo = UTC) -> ValueSet:
    """The values between two constants of one ordered kind.

    Args:
        low: the lower end.
        high: the upper end.
        low_closed: whether the lower end is in.
        high_closed: whether the upper end is in.
        zone: of the days that facts hold; default UTC.

    >>> 10.0 in between(5.0, 10.0, low_closed=True, high_closed=False)
    False
    """
    if low.__class__ is datetime or low.__class__ is Day:
        return _dates(">=" if low_closed else ">", low, zone) & _dates("<=" if high_closed else "<", high, zone)
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
