"""Values of the naive evaluator: null, bool, Decimal, str, dates, times, lists, dicts, what operators make of them."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any
from unicodedata import normalize

from engine.schema import FieldSchema
from engine.values import Day

MAX_TEXT = 100_000


class Refused(Exception):
    pass


LONGEST = timedelta(days=100_000_000)
SMALLEST, BEYOND = Decimal("1e-290"), Decimal("1e300")
DIGITS_15 = Context(prec=15, rounding=ROUND_HALF_EVEN)
ORDERED = ("number", "text", "date", "time", "duration")


def printed(raw: float) -> Decimal:
    """The decimal that a float prints as, to 15 digits."""
    return DIGITS_15.create_decimal(repr(raw))


def take(raw: Any, zone: tzinfo = UTC) -> Any:
    if isinstance(raw, str):
        return normalize("NFC", raw)
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float | Decimal):
        number = printed(raw) if isinstance(raw, float) else Decimal(raw)
        if not number.is_finite():
            raise Refused("facts-rejected")
        if number and not (SMALLEST <= abs(number) < BEYOND):
            raise Refused("facts-rejected")
        if not isinstance(raw, float) and len("".join(map(str, number.as_tuple().digits)).strip("0")) > 15:
            raise Refused("facts-rejected")
        return number
    if isinstance(raw, datetime):
        return (raw if raw.tzinfo else raw.replace(tzinfo=zone)).astimezone(UTC)
    if isinstance(raw, date):
        midnights = [datetime(one.year, one.month, one.day, tzinfo=zone) for one in (raw, raw + timedelta(days=1))]
        return Day(raw, *(midnight.astimezone(UTC) for midnight in midnights))
    if isinstance(raw, time) and raw.tzinfo is None:
        return raw
    if isinstance(raw, timedelta) and abs(raw) <= LONGEST:
        return raw
    if isinstance(raw, list | tuple):
        return [take(item, zone) for item in raw]
    if isinstance(raw, dict):
        return {name: take(item, zone) for name, item in with_normal_names(raw).items()}
    raise Refused("facts-rejected")


def clock(raw: Any, kind: str) -> Any:
    """What a text says that is to be a time or a duration; anything else as it is."""
    if not isinstance(raw, str):
        return raw
    if kind == "time" and re.fullmatch(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?", raw, re.ASCII):
        try:
            hours, minutes, seconds = [*raw.split(":"), "0"][:3]
            return time(int(hours), int(minutes), int(seconds.split(".")[0]), int(Decimal(seconds) % 1 * 10**6))
        except ValueError:
            return raw
    number = r"(?:([\d.]+)%s)?"
    parts = re.fullmatch(
        r"(-?)P" + number % "W" + number % "D" + "(?:T" + "".join(number % u for u in "HMS") + ")?", raw
    )
    if kind != "duration" or parts is None or raw[-1] in "PT":
        return raw
    sizes = (604_800, 86_400, 3_600, 60, 1)
    micros = sum(int(Decimal(part or 0) * size * 10**6) for part, size in zip(parts.groups()[1:], sizes, strict=True))
    return timedelta(microseconds=-micros if parts[1] else micros)


def iso(length: timedelta) -> str:
    micros = abs(length) // timedelta(microseconds=1)
    seconds, rest = divmod(micros, 10**6)
    days, hours, minutes, seconds = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
    second = f"{seconds}.{rest:06}S" if rest else f"{seconds}S" if seconds else ""
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + second
    written = (f"{days}D" if days else "") + ("T" + clock if clock else "")
    return f"{'-' if length < timedelta(0) else ''}P{written or 'T0S'}"


@cache
def normal(name: str) -> str:
    return normalize("NFC", name)


def with_normal_names(raw: dict[str, Any]) -> dict[str, Any]:
    """An object without nulls, all names normal: of several for one, that which was normal wins, else the first."""
    names = sorted((name for name in raw if raw[name] is not None), key=lambda name: normal(name) != name)
    found: dict[str, Any] = {}
    for name in names:
        found.setdefault(normal(name), raw[name])
    return found


def named(raw: dict[str, Any], name: str) -> Any:
    """What `with_normal_names` has under a name."""
    if (found := raw.get(name)) is not None:
        return found if normal(name) == name else None
    return next((value for one, value in raw.items() if value is not None and normal(one) == name), None)


def rounded(number: Decimal) -> Decimal | None:
    if not number.is_finite():
        return None
    number = DIGITS_15.create_decimal(number)
    if abs(number) < SMALLEST:
        return Decimal(0)
    return number if abs(number) < BEYOND else None


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value.date if isinstance(value, Day) else value


def text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return str(plain(value))
    if isinstance(value, datetime | Day | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return iso(value)
    if isinstance(value, list):
        return f"[{', '.join(text(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {text(item)}' for name, item in value.items())}}}"
    return str(value)


def kind(value: Any) -> str:
    return KINDS[type(value)]


KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    Decimal: "number",
    str: "text",
    datetime: "date",
    Day: "date",
    time: "time",
    timedelta: "duration",
    list: "list",
    dict: "object",
}


def equal(a: Any, b: Any) -> bool:
    if kind(a) != kind(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return set(a) == set(b) and all(equal(a[name], b[name]) for name in a)
    if isinstance(a, Day) and isinstance(b, Day):
        # One that the zone skips has no moments to compare.
        return a.date == b.date
    if kind(a) == "date":
        return ends(a)[0] <= ends(b)[1] and ends(b)[0] <= ends(a)[1]
    return a == b


def ends(value: datetime | Day) -> tuple[datetime, datetime]:
    """The first and the last microsecond of a date."""
    return (value.start, value.end - timedelta(microseconds=1)) if isinstance(value, Day) else (value, value)


def less(a: Any, b: Any) -> bool:
    if isinstance(a, Day) and isinstance(b, Day):
        return a.date < b.date
    if kind(a) == kind(b) == "date":
        return ends(a)[1] < ends(b)[0]
    return kind(a) == kind(b) and kind(a) in ORDERED and bool(a < b)


def compare(op: str, a: Any, b: Any) -> bool:
    match op:
        case "==":
            return equal(a, b)
        case "!=":
            return not equal(a, b)
        case "<":
            return less(a, b)
        case ">":
            return less(b, a)
    ordered = kind(a) == kind(b) and kind(a) in ORDERED
    return ordered and (equal(a, b) or (less(a, b) if op == "<=" else less(b, a)))


def arithmetic(op: str, a: Any, b: Any) -> Any:
    if a is None or b is None:
        return None
    if op == "+" and (isinstance(a, str) or isinstance(b, str)):
        joined = normalize("NFC", text(a) + text(b))
        return joined if len(joined) <= MAX_TEXT else None
    if isinstance(a, timedelta) or isinstance(b, timedelta):
        return length(op, a, b)
    if kind(a) != "number" or kind(b) != "number":
        return None
    with localcontext(Context(prec=2_000)):
        match op:
            case "+":
                return rounded(a + b)
            case "-":
                return rounded(a - b)
            case "*":
                return rounded(a * b)
            case "%":
                return rounded(a % b) if b else None
        return rounded(a / b) if b else None


def length(op: str, a: Any, b: Any) -> timedelta | None:
    """A duration that comes of others and of numbers."""
    micros: Fraction | None = None
    one, other = (Fraction(x // timedelta(microseconds=1)) if isinstance(x, timedelta) else x for x in (a, b))
    kinds = [kind(a), kind(b)]
    if kinds == ["duration", "duration"] and op in "+-":
        micros = one + other if op == "+" else one - other
    elif "number" in kinds and op == "*":
        micros = Fraction(one) * Fraction(other)
    elif kinds == ["duration", "number"] and op == "/" and other:
        micros = one / Fraction(other)
    if micros is None or abs(micros) > LONGEST // timedelta(microseconds=1):
        return None
    return timedelta(microseconds=round(micros))


def parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []


def fresh(value: Any) -> Any:
    """A copy that shares nothing that could be changed."""
    if isinstance(value, list):
        return [fresh(item) for item in value]
    return {name: fresh(item) for name, item in value.items()} if isinstance(value, dict) else value


def nesting(value: Any) -> int:
    return 1 + max(map(nesting, parts(value)), default=0) if isinstance(value, list | dict) else 0


def size(value: Any) -> int:
    return 1 + sum(map(size, parts(value)))


def to_engine(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return tuple(to_engine(item) for item in value)
    return {name: to_engine(item) for name, item in value.items()} if isinstance(value, dict) else value


def from_engine(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, tuple):
        return [from_engine(item) for item in value]
    return {name: from_engine(item) for name, item in value.items()} if isinstance(value, dict) else value


def follow(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if isinstance(step, str):
            value = named(value, step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def elements(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def takes(field: FieldSchema, value: Any, whole: bool = True) -> bool:
    """Whether a field can have a value; not `whole`: but for its kind."""
    if value is None:
        return not field.required
    if whole and kind(value) != field.kind:
        return False
    if not isinstance(value, Decimal | str | time | timedelta) or (
        isinstance(value, Decimal) and not value.is_finite()
    ):
        return True
    return (
        (field.minimum is None or value >= field.minimum)
        and (field.maximum is None or value <= field.maximum)
        and (field.values is None or value in field.values)
    )
