"""Functions that Grule documents and nothing else here says: bodies and names.  values -> [grule] -> registry

As in `engine.functions.numbers`: takes values of the kinds that the registry says, gives a value; none raises. Names
of Grule's that mean what another function means are no functions of their own, but read as that one: `ALIASES`. What
changes its argument, or can't be computed to 15 digits, is not here (`engine.checks.foreign_functions` says so)."""

# ruff: noqa: D103

import contextlib
import re
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal

from engine.values import MAX_TEXT, Day, Value, decimal, normal_text, number, start_of, subtract

#: Grule's name for a function of another name.
ALIASES = {
    "IsNil": "IsNull",
    "GetTimeYear": "Year",
    "GetTimeMonth": "Month",
    "GetTimeDay": "Day",
    "GetTimeHour": "Hour",
    "GetTimeMinute": "Minute",
    "GetTimeSecond": "Second",
    "MathLog": "Ln",
}

#: Digits enough for every step before the last one, which rounds to 15.
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, traps=[])
#: A quotient of two numbers in full: up to 1e300 over 1e-290.
_WIDEST = Context(prec=700, Emin=-999_999, Emax=999_999, traps=[])
#: Below that, `exp(x) - 1` and `ln(1 + x)` are x to 15 digits.
_TINY = 1e-16


def is_zero(value: Value) -> bool:
    return value is None or value == "" or (value.__class__ is float and value == 0.0)


def compare(left: str, right: str) -> float:
    return float((left > right) - (left < right))


def count(value: str, part: str) -> float:
    return float(value.count(part))


def cbrt(value: float) -> float | None:
    root = _WIDE.power(abs(decimal(value)), _WIDE.divide(Decimal(1), Decimal(3))) if value else Decimal(0)
    return number(-root if value < 0 else root)


def exp2(value: float) -> float | None:
    return number(_WIDE.power(Decimal(2), decimal(value)))


def pow10(value: float) -> float | None:
    return number(_WIDE.power(Decimal(10), decimal(value)))


def log2(value: float) -> float | None:
    return number(_WIDE.divide(_WIDE.ln(decimal(value)), _WIDE.ln(Decimal(2))))


def log1p(value: float) -> float | None:
    return value if abs(value) < _TINY else number(_WIDE.ln(_WIDE.add(decimal(value), Decimal(1))))


def expm1(value: float) -> float | None:
    return value if abs(value) < _TINY else number(_WIDE.subtract(_WIDE.exp(decimal(value)), Decimal(1)))


def hypot(one: float, other: float) -> float | None:
    squares = [_WIDE.multiply(decimal(side), decimal(side)) for side in (one, other)]
    return number(_WIDE.sqrt(_WIDE.add(*squares)))


def dim(left: float, right: float) -> float | None:
    return max(subtract(left, right) or 0.0, 0.0)


def remainder_near(left: float, right: float) -> float | None:
    return number(_WIDEST.remainder_near(decimal(left), decimal(right)))


def copysign(size: float, sign: float) -> float:
    return -abs(size) if sign < 0 and size else abs(size)


def signbit(value: float) -> bool:
    return value < 0


#: The parts of the moment that a layout is written about, 2006-01-02 15:04:05.000 -0700; the longer ones first.
_PARTS = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|002|01|02|03|04|05|06|15|PM|pm|_2|[.,](?:0+|9+)(?![0-9])"
    r"|Z07:00|Z0700|-07:00|-0700|-07|[12345]"
)
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def time_format(zone: tzinfo, value: datetime | Day, layout: str) -> str | None:
    if len(layout) > MAX_TEXT:
        return None
    moment = start_of(value)
    # The zone shifts the first and the last hours of the calendar out of it.
    with contextlib.suppress(OverflowError):
        moment = moment.astimezone(zone)
    month, day, hour = _MONTHS[moment.month - 1], _DAYS[moment.weekday()], moment.hour % 12 or 12
    offset = moment.strftime("%z")[:5] or "+0000"
    known = {
        "January": month,
        "Jan": month[:3],
        "Monday": day,
        "Mon": day[:3],
        "MST": moment.tzname() or "UTC",
        "2006": f"{moment.year:04}",
        "06": f"{moment.year % 100:02}",
        "01": f"{moment.month:02}",
        "1": f"{moment.month}",
        "002": f"{moment.timetuple().tm_yday:03}",
        "02": f"{moment.day:02}",
        "_2": f"{moment.day:2}",
        "2": f"{moment.day}",
        "15": f"{moment.hour:02}",
        "03": f"{hour:02}",
        "3": f"{hour}",
        "04": f"{moment.minute:02}",
        "4": f"{moment.minute}",
        "05": f"{moment.second:02}",
        "5": f"{moment.second}",
        "PM": "AM" if moment.hour < 12 else "PM",
        "pm": "am" if moment.hour < 12 else "pm",
        "-07": offset[:3],
        "-0700": offset,
        "-07:00": f"{offset[:3]}:{offset[3:]}",
        "Z0700": "Z" if offset == "+0000" else offset,
        "Z07:00": "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}",
    }
    fraction = f"{moment.microsecond:06}000"

    def part(match: re.Match[str]) -> str:
        written = match[0]
        if written[0] not in ".,":
            return known[written]
        digits = fraction[: len(written) - 1].ljust(len(written) - 1, "0")
        if written[1] == "9":
            digits = digits.rstrip("0")
            return f"{written[0]}{digits}" if digits else ""
        return written[0] + digits

    text = _PARTS.sub(part, layout)
    return normal_text(text) if len(text) <= MAX_TEXT else None
