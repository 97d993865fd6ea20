"""What the functions of the language do.  functions -> [function_bodies] -> values

Each takes values of the kinds that `engine.functions` says for it, never null unless it says `any`, and gives a value.
None raises, whatever the values are: what has no answer is None. Each one's summary stands in `engine.functions`."""

# ruff: noqa: D103

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from engine.values import (
    CONTEXT,
    MAX_TEXT,
    ORDERED,
    Value,
    ValueRefused,
    add,
    before,
    decimal,
    divide,
    moment_of,
    number,
    remainder,
    take_number,
    text,
)

#: A power is computed with these digits, so that rounding it to 15 is the last word on it.
_POWER = Context(prec=30, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, traps=[])
#: Digits before and after the point of any number, with room to spare.
_ALL_DIGITS = Context(prec=700, Emin=-999_999, Emax=999_999, traps=[])
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
#: A longer text is not looked at as a number.
_MAX_NUMERAL = 400
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


def _shift(value: float, places: float, rounding: str) -> float | None:
    if not places.is_integer() or abs(places) > 400:
        return None
    exact = decimal(value)
    unit = Decimal((0, (1,), -int(places)))
    # A number has no digits that far to the right: rounding there changes nothing.
    if int(exact.as_tuple().exponent) >= -int(places):
        return value
    return number(exact.quantize(unit, rounding=rounding, context=_ALL_DIGITS))


def ceil(value: float) -> float | None:
    return _shift(value, 0.0, ROUND_CEILING)


def floor(value: float) -> float | None:
    return _shift(value, 0.0, ROUND_FLOOR)


def trunc(value: float) -> float | None:
    return _shift(value, 0.0, ROUND_DOWN)


def round_half_up(value: float, places: float = 0.0) -> float | None:
    return _shift(value, places, ROUND_HALF_UP)


def round_half_even(value: float, places: float = 0.0) -> float | None:
    return _shift(value, places, ROUND_HALF_EVEN)


def sign(value: float) -> float:
    return float((value > 0) - (value < 0))


def sqrt(value: float) -> float | None:
    return number(CONTEXT.sqrt(decimal(value)))


def power(base: float, exponent: float) -> float | None:
    if base == 0.0 and exponent == 0.0:
        return 1.0
    return number(_POWER.power(decimal(base), decimal(exponent)))


def exp(value: float) -> float | None:
    return number(CONTEXT.exp(decimal(value)))


def ln(value: float) -> float | None:
    return number(CONTEXT.ln(decimal(value)))


def log10(value: float) -> float | None:
    return number(CONTEXT.log10(decimal(value)))


def modulo(left: float, right: float) -> float | None:
    return remainder(left, right)


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
        elif item.__class__ is not best.__class__:
            return None
        elif better(item, best):
            best = item
    return best


def least(*args: Value) -> Value:
    return _extreme(args, before)


def greatest(*args: Value) -> Value:
    return _extreme(args, lambda item, best: before(best, item))


def total(items: tuple[Value, ...]) -> float | None:
    """Sum from left to right, each step rounded; None when an item is neither number nor null."""
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


def to_number(value: Value) -> float | None:
    if value.__class__ is float:
        return float(value)
    if value.__class__ is not str or len(value) > _MAX_NUMERAL or not _NUMBER.fullmatch(value):
        return None
    try:
        return take_number(Decimal(value.strip()))
    except ValueRefused:
        return None


def length(value: Value) -> float:
    return float(len(value))


def upper(value: str) -> str:
    return value.upper()


def lower(value: str) -> str:
    return value.lower()


def _position(value: float) -> int:
    """A number as a position: at least 0, and small enough to slice with."""
    return int(min(max(value, 0.0), 1e9))


def substring(value: str, start: float, count: float | None = None) -> str | None:
    if not start.is_integer() or (count is not None and not count.is_integer()):
        return None
    first = _position(start)
    return value[first:] if count is None else value[first : first + _position(count)]


def left(value: str, count: float) -> str | None:
    return substring(value, 0.0, count)


def right(value: str, count: float) -> str | None:
    return value[max(0, len(value) - _position(count)) :] if count.is_integer() else None


def replace(value: str, old: str, new: str) -> str | None:
    if not old:
        return value
    # Counted first, so that a short text can't be made to build a huge one.
    grown = len(value) + value.count(old) * (len(new) - len(old))
    return value.replace(old, new) if grown <= max(MAX_TEXT, len(value)) else None


def index(value: str, part: str) -> float:
    return float(value.find(part))


def last_index(value: str, part: str) -> float:
    return float(value.rfind(part))


def repeat(value: str, count: float) -> str | None:
    if not count.is_integer() or count < 0 or len(value) * count > MAX_TEXT:
        return None
    return value * int(count) if value else ""


def split(value: str, separator: str) -> tuple[str, ...]:
    return tuple(value.split(separator)) if separator else (value,)


def joined(items: tuple[Value, ...], separator: str) -> str | None:
    parts = [text(item) for item in items]
    size = sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1)
    return separator.join(parts) if size <= MAX_TEXT else None


def concat(*args: Value) -> str | None:
    return joined(args, "")


def to_text(value: Value) -> str:
    return text(value)


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


def distinct(items: tuple[Value, ...]) -> tuple[Value, ...]:
    kept: dict[object, Value] = {}
    for item in items:
        kept.setdefault(frozen(item), item)
    return tuple(kept.values())


def now(as_of: datetime) -> datetime:
    return as_of


def make_time(
    year: float, month: float, day: float, hour: float = 0.0, minute: float = 0.0, second: float = 0.0
) -> datetime | None:
    parts = (year, month, day, hour, minute, second)
    if not all(part.is_integer() and 0 <= part <= 9999 for part in parts):
        return None
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None


def to_date(value: Value) -> datetime | None:
    if value.__class__ is datetime:
        return value if isinstance(value, datetime) else None
    if value.__class__ is not str:
        return None
    try:
        return moment_of(value)
    except ValueRefused:
        return None


def days_between(start: datetime, end: datetime) -> float:
    return _whole(end - start, _DAY)


def hours_between(start: datetime, end: datetime) -> float:
    return _whole(end - start, _HOUR)


def _whole(span: timedelta, unit: timedelta) -> float:
    # Integer division rounds down; towards zero is what "whole days" means for a negative span too.
    return float(span // unit) if span >= timedelta(0) else -float(-span // unit) + 0.0


def add_days(start: datetime, days: float) -> datetime | None:
    if abs(days) > 4_000_000:
        return None
    try:
        return start + timedelta(days=days)
    except OverflowError:
        return None


def year(value: datetime) -> float:
    return float(value.year)


def month(value: datetime) -> float:
    return float(value.month)


def day(value: datetime) -> float:
    return float(value.day)


def hour(value: datetime) -> float:
    return float(value.hour)


def minute(value: datetime) -> float:
    return float(value.minute)


def second(value: datetime) -> float:
    return float(value.second)


def weekday(value: datetime) -> float:
    return float(value.isoweekday())


def day_of_year(value: datetime) -> float:
    return float(value.timetuple().tm_yday)


def is_null(value: Value) -> bool:
    return value is None


def coalesce(*args: Value) -> Value:
    return next((value for value in args if value is not None), None)
