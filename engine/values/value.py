"""What a value is while rules run, and the way in and out.  arithmetic -> [value] -> facts, evaluation, matching

Inside the engine a value is None, bool, float, str, an aware UTC datetime, a `Day` (a date without a time), a time of
day, a duration (a timedelta), a tuple or a dict, and nothing else. Text is in Unicode normal form C. A number is always
the float64 of a decimal of at most 15 significant digits: each of those has its own float64, so comparing numbers
compares floats, and only arithmetic goes through decimals. `from_python` refuses what is no such value; nothing else
here raises. Says nothing about schemas (`engine.facts.reader`)."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from engine.values.arithmetic import (
    CONTEXT,
    DIGITS,
    GREATEST_EXPONENT,
    LEAST_EXPONENT,
    add,
    decimal,
    is_ordinary,
    number,
)
from engine.values.clocks import clock_arithmetic, clock_text, clock_value
from engine.values.days import Day, ValueRefused, dated
from engine.values.spelling import normal_name, normal_text

#: None, bool, float, str, aware datetime, Day, time, timedelta, tuple of values, dict of values.
Value = Any

#: Longest text, in code points, that a rule can build; a longer one is null, so that joining in a loop stays bounded.
MAX_TEXT = 100_000
#: Deepest nesting of lists and objects in a field that a rule reads or writes.
MAX_NESTING = 32
#: Most parts of a list or object that a rule can assign; without a bound, `P.x = [P.x, P.x]` doubles it each time.
MAX_PARTS = 10_000


def join(left: Value, right: Value) -> str | None:
    """`left + right` where one of them is text.

    Args:
        left: of any kind.
        right: of any kind.

    Returns:
        The text forms of both, one after the other; None when one is null or the text gets too long.
    """
    if left is None or right is None:
        return None
    joined = text(left) + text(right)
    return normal_text(joined) if len(joined) <= MAX_TEXT else None


def plus(left: Value, right: Value) -> Value:
    """What `+` means.

    Args:
        left: of any kind.
        right: of any kind.

    Returns:
        A sum of numbers or of durations; a join when one side is text; else None.
    """
    if left.__class__ is float and right.__class__ is float:
        return add(left, right)
    if left.__class__ is str or right.__class__ is str:
        return join(left, right)
    return clock_arithmetic("+", left, right)


def text(value: Value) -> str:
    """The text form of a value, as reasons, logs and `+` show it; null is empty.

    >>> text(9.8), text(10.0), text(True), text(("a", 1.0))
    ('9.8', '10', 'true', '[a, 1]')
    """
    kind = value.__class__
    if kind is str:
        return str(value)
    if kind is float:
        return repr(to_python(value))
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is datetime or kind is Day:
        return str(value.isoformat())
    if kind is time or kind is timedelta:
        return clock_text(value)
    if kind is tuple:
        return "[" + ", ".join(map(text, value)) + "]"
    return "{" + ", ".join(f"{name}: {text(item)}" for name, item in value.items()) + "}"


def to_python(value: Value) -> Any:
    """A value as the caller gets it: an integral number below 1e15 as an int, lists and objects as new ones.

    >>> to_python(7.0), to_python(7.5), to_python(("a", None))
    (7, 7.5, ['a', None])
    """
    kind = value.__class__
    if kind is float:
        return int(value) if -1e15 < value < 1e15 and value.is_integer() else value
    if kind is tuple:
        return [to_python(item) for item in value]
    if kind is dict:
        return {name: to_python(item) for name, item in value.items()}
    return value.date if kind is Day else value


def literal(value: bool | str | Decimal | date | Day | time | timedelta | None) -> Value:
    """The value of a literal node; a date whose zone nobody has settled means UTC."""
    if isinstance(value, Decimal):
        return number(value)
    return dated(value) if isinstance(value, date) else value


def take_number(raw: Any) -> float:
    """Take an int, float or decimal.

    A float means the decimal that it prints as, rounded to 15 digits: whoever adds 0.1 and 0.2 in floats sends
    0.30000000000000004. An int or a decimal is exact, so that more digits would be lost without a word.

    Raises:
        ValueRefused: NaN, infinite or out of range; an int or decimal of more than 15 significant digits.

    >>> take_number(0.1 + 0.2)
    0.3
    """
    if isinstance(raw, int) and -1_000_000_000_000_000 < raw < 1_000_000_000_000_000:
        return float(raw)
    if isinstance(raw, int):
        # Turning a huge int into a decimal costs the square of its length: look at its size first.
        if raw.bit_length() > 1_000:
            raise ValueRefused("is out of range")
        exact = Decimal(raw)
    else:
        exact = raw if isinstance(raw, Decimal) else CONTEXT.plus(decimal(float(raw)))
    if not exact.is_finite():
        raise ValueRefused("is not a finite number")
    if not exact:
        return 0.0
    if not LEAST_EXPONENT <= exact.adjusted() <= GREATEST_EXPONENT:
        raise ValueRefused("is out of range")
    digits = exact.as_tuple().digits
    if len(digits) > DIGITS and any(digits[DIGITS:]):
        raise ValueRefused(f"has more than {DIGITS} significant digits")
    return float(exact)


def whole_digits(raw: Any) -> str | None:
    """The digits of a whole number, for a field of text: an identifier that somebody's database holds as a number.

    Args:
        raw: anything.

    Returns:
        The digits; None for what is no whole number, or a float of which digits may be lost.

    >>> whole_digits(4711), whole_digits(4711.0), whole_digits(1e15), whole_digits(0.5), whole_digits(True)
    ('4711', '4711', '1000000000000000', None, None)
    """
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return str(int(raw)) if raw.bit_length() <= 1_000 else None
    if isinstance(raw, float):
        if not raw.is_integer():
            return None
        exact = decimal(float(raw))
        return f"{int(exact)}" if CONTEXT.plus(exact) == exact else None
    if isinstance(raw, Decimal) and raw.is_finite() and raw.adjusted() <= GREATEST_EXPONENT:
        return str(int(raw)) if raw == raw.to_integral_value() else None
    return None


def from_python(raw: Any, nesting: int = 0, zone: tzinfo = UTC) -> Value:
    """Take any plain value that a caller may send.

    Args:
        raw: None, bool, int, float, Decimal, str, datetime, date, time, timedelta, list, tuple or mapping.
        nesting: how deep it stands in lists and objects.
        zone: of dates that have none; default UTC.

    Returns:
        The value.

    Raises:
        ValueRefused: it is no value of the language.
    """
    kind = raw.__class__
    if kind is str:
        return raw if raw.isascii() else normal_text(raw)
    if raw is None or kind is bool:
        return raw
    if isinstance(raw, int | float | Decimal):
        return take_number(raw)
    if isinstance(raw, date):
        return dated(raw, zone)
    if nesting >= MAX_NESTING:
        raise ValueRefused(f"is nested more than {MAX_NESTING} deep")
    if isinstance(raw, list | tuple):
        return tuple([from_python(item, nesting + 1, zone) for item in raw])
    if isinstance(raw, Mapping):
        # A null member is no member: null and missing are the same value.
        members = {str(name): from_python(item, nesting + 1, zone) for name, item in raw.items() if item is not None}
        return members if all(map(str.isascii, members)) else _with_normal_names(members)
    if isinstance(raw, str):
        return normal_text(str(raw))
    if isinstance(raw, time | timedelta):
        return clock_value(raw)
    raise ValueRefused(f"is of a kind that rules do not know ({kind.__name__})")


def _with_normal_names(members: dict[str, Value]) -> dict[str, Value]:
    """An object whose names are normal; of several that become one, the one that was normal wins, else the first."""
    named: dict[str, Value] = {}
    for name, item in members.items():
        normal = normal_name(name)
        if normal == name or normal not in named:
            named[normal] = item
    return named


def bounded(value: Value, nesting: int = 0) -> Value:
    """A value that a rule assigns; None for a list or object that is too large or nested too deep.

    Args:
        value: what the rule computed.
        nesting: how deep the field stands.
    """
    if value.__class__ is not tuple and value.__class__ is not dict:
        return value
    return value if _parts(value, MAX_NESTING - nesting, MAX_PARTS) >= 0 else None


def _parts(value: Value, levels: int, room: int) -> int:
    """The room that is left after counting the parts of a value; negative when there is too little."""
    room -= 1
    if not isinstance(value, (tuple, dict)):
        return room
    if levels == 0:
        return -1
    for part in value if isinstance(value, tuple) else value.values():
        if room < 0:
            break
        room = _parts(part, levels - 1, room)
    return room


def kind_of(value: Value) -> str:
    """The name of a value's kind, as a schema writes it; `null` for null."""
    return _KINDS[value.__class__]


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    float: "number",
    str: "text",
    datetime: "date",
    Day: "date",
    time: "time",
    timedelta: "duration",
    tuple: "list",
    dict: "object",
}


def ordinary(value: Value) -> bool:
    """Whether every number in a value is zero or between 1e-30 and 1e30 in size."""
    if value.__class__ is float:
        return is_ordinary(value)
    if value.__class__ is tuple:
        return all(map(ordinary, value))
    return all(map(ordinary, value.values())) if value.__class__ is dict else True
