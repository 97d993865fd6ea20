"""Bodies of the functions over dates.  values -> [dates] -> date_registry

As in `engine.functions.numbers`: takes values of the kinds that the registry says, gives a value; none raises. What
a clock or a calendar shows is that of the zone that a function gets first. A day counts as the moment it starts where a
time is asked for. A time that clocks skip is as much later as they skip, one that they strike twice is the first."""

# ruff: noqa: D103

import calendar
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from engine.values import Day, Value, ValueRefused, dated, day_at, moment, number, parse_moment, start_of

_HOUR = timedelta(hours=1)
_DAY, _TICK = timedelta(days=1), timedelta(microseconds=1)
#: More days or months than that lead out of the calendar from everywhere.
_FARTHEST = 4_000_000


def now(as_of: datetime) -> datetime:
    return as_of


def today(as_of: datetime, zone: tzinfo) -> Day | None:
    return day_at(as_of, zone)


def make_time(
    zone: tzinfo, year: float, month: float, day: float, hour: float = 0.0, minute: float = 0.0, second: float = 0.0
) -> datetime | None:
    parts = (year, month, day, hour, minute, second)
    if not all(part.is_integer() and 0 <= part <= 9999 for part in parts):
        return None
    try:
        return moment(datetime(int(year), int(month), int(day), int(hour), int(minute), int(second)), zone)
    except (ValueError, ValueRefused):
        return None


def to_date(zone: tzinfo, value: Value) -> datetime | Day | None:
    if isinstance(value, datetime | Day):
        return value
    if value.__class__ is not str:
        return None
    try:
        return parse_moment(value, zone)
    except ValueRefused:
        return None


def _clock(value: datetime | Day, zone: tzinfo) -> datetime:
    """What calendar and clock show there, without a zone."""
    if isinstance(value, Day):
        return datetime(value.date.year, value.date.month, value.date.day)
    try:
        return value.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        # The first and the last hours of the calendar, which the zone shifts out of it.
        return value.replace(tzinfo=None)


def _at(clock: datetime, like: datetime | Day, zone: tzinfo) -> datetime | Day | None:
    """What a clock shows, as a day if it was made of one."""
    try:
        return dated(clock.date() if isinstance(like, Day) else clock, zone)
    except ValueRefused:
        return None


def days_between(zone: tzinfo, start: datetime | Day, end: datetime | Day) -> float:
    return _whole(_clock(end, zone) - _clock(start, zone), _DAY)


def hours_between(start: datetime | Day, end: datetime | Day) -> float:
    return _whole(start_of(end) - start_of(start), _HOUR)


def _whole(span: timedelta, unit: timedelta) -> float:
    # Integer division rounds down; towards zero is what "whole days" means for a negative span too.
    return float(span // unit) if span >= timedelta(0) else -float(-span // unit) + 0.0


def duration_between(start: datetime | Day, end: datetime | Day) -> timedelta:
    # The whole calendar is a fortieth of the longest duration.
    return start_of(end) - start_of(start)


def seconds(length: timedelta) -> float | None:
    return number(Decimal(length // _TICK).scaleb(-6))


def time_of(zone: tzinfo, value: datetime | Day) -> time | None:
    """What a clock shows; None for a day, which is all of its times."""
    return None if isinstance(value, Day) else _clock(value, zone).time()


def years_between(zone: tzinfo, start: datetime | Day, end: datetime | Day) -> float:
    first, last = _clock(start, zone), _clock(end, zone)
    sign = 1
    if last < first:
        first, last, sign = last, first, -1
    early = (last.month, last.day, last.time()) < (first.month, first.day, first.time())
    return float(sign * (last.year - first.year - early))


def add_days(zone: tzinfo, start: datetime | Day, days: float) -> datetime | Day | None:
    if abs(days) > _FARTHEST:
        return None
    # Half a day later is a moment.
    like = start if days.is_integer() else start_of(start)
    try:
        return _at(_clock(start, zone) + timedelta(days=days), like, zone)
    except OverflowError:
        return None


def add_months(zone: tzinfo, start: datetime | Day, months: float) -> datetime | Day | None:
    if abs(months) > _FARTHEST or not months.is_integer():
        return None
    clock = _clock(start, zone)
    year, month = divmod(clock.year * 12 + clock.month - 1 + int(months), 12)
    if not date.min.year <= year <= date.max.year:
        return None
    last = calendar.monthrange(year, month + 1)[1]
    return _at(clock.replace(year=year, month=month + 1, day=min(clock.day, last)), start, zone)


def year(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).year)


def month(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).month)


def day(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).day)


def hour(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).hour)


def minute(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).minute)


def second(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).second)


def weekday(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).isoweekday())


def day_of_year(zone: tzinfo, value: datetime | Day) -> float:
    return float(_clock(value, zone).timetuple().tm_yday)
