"""What comparing two values means.  value -> [comparison] -> functions, evaluation

Takes values of any kind, gives a boolean: across kinds nothing is equal and nothing has an order. Raises nothing, and
never takes a text for a number or a date. A moment equals the day that it is in."""

from datetime import datetime, time, timedelta

from engine.values.days import Day, day_equal, day_less
from engine.values.value import Value


def equal(left: Value, right: Value) -> bool:
    """What `==` means: same kind and same value; across kinds false.

    Args:
        left: of any kind.
        right: of any kind.

    >>> equal(7.0, 7.0), equal(True, 1.0), equal(None, None)
    (True, False, True)
    """
    kind = left.__class__
    if kind is not right.__class__:
        return kind in _DATES and right.__class__ in _DATES and day_equal(left, right)
    if kind is tuple:
        return len(left) == len(right) and all(map(equal, left, right))
    if kind is dict:
        return left.keys() == right.keys() and all(equal(item, right[name]) for name, item in left.items())
    return bool(left == right)


#: Kinds that `<` and its kin order; two values of the same one.
ORDERED = (float, str, datetime, Day, time, timedelta)
_DATES = (datetime, Day)


def less_than(left: Value, right: Value) -> bool:
    """What `<` means: numbers and durations by size, texts by code point, dates and times by time; anything else false.

    Args:
        left: of any kind.
        right: of any kind.
    """
    if left.__class__ is right.__class__:
        return left.__class__ in ORDERED and bool(left < right)
    return left.__class__ in _DATES and right.__class__ in _DATES and day_less(left, right)


def at_most(left: Value, right: Value) -> bool:
    """What `<=` means: as `less_than`, or equal values of an ordered kind.

    Args:
        left: of any kind.
        right: of any kind.
    """
    if left.__class__ is right.__class__:
        return left.__class__ in ORDERED and bool(left <= right)
    return left.__class__ in _DATES and right.__class__ in _DATES and not day_less(right, left)


def contains(item: Value, container: Value) -> bool:
    """What `item in container` means: the container is a list that has an equal item.

    Args:
        item: of any kind.
        container: of any kind; in what is no list there is nothing.
    """
    return container.__class__ is tuple and any(equal(item, other) for other in container)
