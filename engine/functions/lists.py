"""Bodies of the functions over lists and nulls: extremes, sums, distinct values.  values -> [lists] -> registry

As in `engine.functions.numbers`: takes values of the kinds that the registry says, gives a value; none raises."""

# ruff: noqa: D103

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import datetime

from engine.values import ORDERED, Day, Value, add, contains, day_equal, divide, few_decimals_sum, less_than, start_of

_DATES = (datetime, Day)
_ONLY_NUMBERS = {float}


def _extreme(args: tuple[Value, ...], better: Callable[[Value, Value], bool]) -> Value:
    items = args[0] if len(args) == 1 and args[0].__class__ is tuple else args
    best = None
    for item in items:
        if item is None:
            continue
        if best is None:
            if item.__class__ not in ORDERED:
                return None
            best = item
        elif item.__class__ is best.__class__:
            best = item if better(item, best) else best
        elif item.__class__ not in _DATES or best.__class__ not in _DATES:
            return None
        elif better(start_of(item), start_of(best)):
            best = item
    return best


def least(*args: Value) -> Value:
    numbers = _numbers(args)
    return min(numbers) if numbers else _extreme(args, less_than)


def greatest(*args: Value) -> Value:
    numbers = _numbers(args)
    return max(numbers) if numbers else _extreme(args, lambda item, best: less_than(best, item))


def _numbers(args: tuple[Value, ...]) -> tuple[float, ...]:
    """The items of a list of numbers, as most lists are; none where anything else is in it."""
    items = args[0] if len(args) == 1 and args[0].__class__ is tuple else ()
    return items if set(map(type, items)) == _ONLY_NUMBERS else ()


def total(items: tuple[Value, ...]) -> float | None:
    """Sum from left to right, each step rounded; None when an item is neither number nor null."""
    sum_ = few_decimals_sum(items)
    return _rounded_total(items) if sum_ is None else sum_


def _rounded_total(items: tuple[Value, ...]) -> float | None:
    result: float | None = 0.0
    for item in items:
        if item is None:
            continue
        if item.__class__ is not float or result is None:
            return None
        result = add(result, item)
    return result


def mean(items: tuple[Value, ...]) -> float | None:
    """`total` over how many are not null; None when none is."""
    sum_, count = total(items), sum(item is not None for item in items)
    return divide(sum_, float(count)) if sum_ is not None and count else None


def length(value: Value) -> float:
    return float(len(value))


def first(items: tuple[Value, ...]) -> Value:
    return items[0] if items else None


def last(items: tuple[Value, ...]) -> Value:
    return items[-1] if items else None


def frozen(value: Value) -> object:
    """A key that is equal for equal values only, to find them in sets: Python holds True == 1.0, rules do not."""
    if value.__class__ is tuple:
        return tuple, tuple(map(frozen, value))
    if value.__class__ is dict:
        return dict, frozenset((name, frozen(item)) for name, item in value.items())
    return value.__class__, value


def has_dates(value: Value) -> bool:
    """Whether a value is or holds a date: a moment equals a day, and yet their keys are not equal."""
    if value.__class__ is tuple:
        return any(map(has_dates, value))
    return any(map(has_dates, value.values())) if value.__class__ is dict else value.__class__ in _DATES


class Items:
    """The items of a list, to look for many values in it."""

    __slots__ = ("_days", "_keys", "_list", "_moments", "_nested")

    def __init__(self, items: tuple[Value, ...]) -> None:
        # Kept, so that as long as this is alive no other list has its identity.
        self._list = items
        self._keys = frozenset(map(frozen, items))
        self._days = sorted(item for item in items if item.__class__ is Day)
        self._moments = sorted(item for item in items if item.__class__ is datetime)
        self._nested = any(has_dates(item) for item in items if item.__class__ is tuple or item.__class__ is dict)

    def __contains__(self, value: Value) -> bool:
        if frozen(value) in self._keys:
            return True
        if value.__class__ is Day:
            at = bisect_left(self._moments, value.start)
            return at < len(self._moments) and day_equal(value, self._moments[at])
        if value.__class__ is datetime:
            at = bisect_right(self._days, value, key=start_of)
            return at > 0 and day_equal(value, self._days[at - 1])
        return self._nested and has_dates(value) and contains(value, self._list)


def distinct(items: tuple[Value, ...]) -> tuple[Value, ...]:
    kept: dict[object, Value] = {}
    for item in items:
        kept.setdefault(frozen(item), item)
    return tuple(kept.values())


def count_distinct(items: tuple[Value, ...]) -> float:
    return float(len({frozen(item) for item in items if item is not None}))


def with_items(items: tuple[Value, ...], *more: Value) -> tuple[Value, ...]:
    return (*items, *more)


def is_null(value: Value) -> bool:
    return value is None


def coalesce(*args: Value) -> Value:
    return next((value for value in args if value is not None), None)
