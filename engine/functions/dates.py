"""Bodies of the functions over dates.  values -> [dates] -> registry

As in `engine.functions.numbers`: takes values of the kinds that the registry says, gives a value; none raises."""

# ruff: noqa: D103

from datetime import UTC, datetime, timedelta

from engine.values import Value, ValueRefused, parse_moment

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


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
        return parse_moment(value)
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
