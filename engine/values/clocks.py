"""What times of day and durations are: Python's own, exact to the microsecond.  [clocks] -> value, value_set, functions

A time of day has no date and no zone: what a clock shows. A duration is a length of time, of days and what is shorter:
a month or a year has no length of its own. Reads ISO 8601, refuses with `ValueRefused` what is none or cannot be
certain; arithmetic that has no result gives None. Knows no schema and no date."""

import re
from datetime import time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from engine.values.arithmetic import decimal
from engine.values.days import ValueRefused

TICK = timedelta(microseconds=1)
#: The longest duration, forwards or backwards: its microseconds are an int64.
MAX_DURATION = timedelta(days=100_000_000)

_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?\Z")
_DURATION = re.compile(
    r"(-)?P(?=[0-9T])(?:([0-9]{1,9})W|(?:([0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,15})(?:\.([0-9]{1,6}))?S)?)?)\Z"
)
#: A duration of the calendar, as ISO 8601 has it.
_CALENDAR = re.compile(r"-?P[0-9]+[YM]")
#: Wide enough for every digit of a duration times or by a number that matters.
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[])


def parse_time(written: str) -> time:
    """Read a time of day: `10:30`, `10:30:15.5`.

    Raises:
        ValueRefused: it is none.

    >>> parse_time("10:30"), parse_time("10:30:15.5")
    (datetime.time(10, 30), datetime.time(10, 30, 15, 500000))
    """
    found = _TIME.match(written)
    if not found:
        raise ValueRefused("is no time of day (10:30 or 10:30:15.5 expected, without a zone)")
    hour, minute, second, rest = (found[1], found[2], found[3] or "0", (found[4] or "").ljust(6, "0"))
    try:
        return time(int(hour), int(minute), int(second), int(rest))
    except ValueError as error:
        raise ValueRefused("is no time of day (00:00 to 23:59:59.999999 expected)") from error


def parse_duration(written: str) -> timedelta:
    """Read a duration of days and what is shorter, or of weeks: `P1DT2H`, `PT90M`, `-PT0.5S`.

    Raises:
        ValueRefused: it is none, is longer than durations are, or counts in years or months.

    >>> parse_duration("PT90M"), parse_duration("P1DT0.5S")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=1, microseconds=500000))
    """
    found = _DURATION.match(written)
    if not found:
        if _CALENDAR.match(written):
            raise ValueRefused("counts in years or months, which have no length of their own (days do: P30D)")
        raise ValueRefused("is no duration (ISO 8601 expected: PT1H30M, P2D)")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:6])
    micros = int((found[7] or "").ljust(6, "0"))
    try:
        length = timedelta(days, seconds, micros, 0, minutes, hours, weeks)
    except OverflowError as error:
        raise ValueRefused("is a duration out of range") from error
    read: timedelta = clock_value(-length if found[1] else length)
    return read


def clock_value(raw: Any) -> Any:
    """A time of day or a duration of Python as the language has it.

    Raises:
        ValueRefused: the time has a zone; the duration is longer than durations are.
    """
    if isinstance(raw, time):
        if raw.tzinfo is not None:
            raise ValueRefused("is a time of day with a zone, and a time of day has none")
        return time(raw.hour, raw.minute, raw.second, raw.microsecond)
    length = timedelta(raw.days, raw.seconds, raw.microseconds)
    if not -MAX_DURATION <= length <= MAX_DURATION:
        raise ValueRefused("is a duration out of range")
    return length


def clock_text(value: time | timedelta) -> str:
    """A time of day or a duration in ISO 8601: `10:30:00`, `PT1H30M`.

    >>> clock_text(time(10, 30)), clock_text(timedelta(days=-1, seconds=-1.5)), clock_text(timedelta(0))
    ('10:30:00', '-P1DT1.500000S', 'PT0S')
    """
    if isinstance(value, time):
        return value.isoformat()
    sign, length = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, second = divmod(length.seconds, 60)
    rest = f".{length.microseconds:06}" if length.microseconds else ""
    day = f"{length.days}D" if length.days else ""
    parts = ((minutes // 60, "H"), (minutes % 60, "M"))
    clock = "".join(f"{count}{unit}" for count, unit in parts if count) + (f"{second}{rest}S" if second or rest else "")
    return f"{sign}P{day}T{clock}" if clock else f"{sign}P{day}" if day else "PT0S"


def clock_arithmetic(op: str, left: Any, right: Any) -> timedelta | None:
    """What arithmetic with durations means, rounded half to even at the microsecond.

    Args:
        op: `+` and `-` take two durations; `*` a duration and a number; `/` a duration, by a number.
        left: of any kind.
        right: of any kind.

    Returns:
        A duration; None where there is none.

    >>> clock_arithmetic("*", 1.5, timedelta(hours=1)), clock_arithmetic("-", timedelta(1), time(1))
    (datetime.timedelta(seconds=5400), None)
    """
    if left.__class__ is float and op == "*":
        left, right = right, left
    if left.__class__ is not timedelta:
        return None
    if right.__class__ is timedelta and op in ("+", "-"):
        length = left + right if op == "+" else left - right
    elif right.__class__ is float and op in ("*", "/"):
        micros, factor = Decimal(left // TICK), decimal(right)
        if op == "/" and not factor:
            return None
        exact = _WIDE.multiply(micros, factor) if op == "*" else _WIDE.divide(micros, factor)
        if not exact.is_finite() or abs(exact) > MAX_DURATION // TICK:
            return None
        length = int(exact.to_integral_value(ROUND_HALF_EVEN)) * TICK
    else:
        return None
    return length if -MAX_DURATION <= length <= MAX_DURATION else None
