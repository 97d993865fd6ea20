"""A producer's objects as plain JSON values, within the limits.  facts -> [normalize] -> wire

What JSON or Postgres can't hold, and what is over a limit, is refused here, by name and place, so that no worker and no
row ever meets it. On the way of every job, at the producer and at the worker: a place becomes text only for an
error."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from rulefarm.errors import JobRejected
from rulefarm.limits import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_FACTS_CHARACTERS,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
)

#: Where a value stands: the place of what holds it, and its name or index there. None: the facts themselves.
_Place: TypeAlias = "tuple[_Place, str | int] | None"

_WHOLE = 10**MAX_DIGITS
#: From here on a float is written with an exponent, which jsonb writes out: nobody sees any more that it was a float.
_WRITTEN_OUT = 10 ** (MAX_DIGITS + 1)
#: No rule has a number of this size.
_BEYOND = 10**300
_ROUNDED = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_EVEN)
#: Names of an object that are remembered together: of no more, so that what is remembered stays small.
_FEW = 64
#: Characters of a value that an error message shows.
_SHOWN = 40


def to_json_values(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as dicts, lists, text, numbers, booleans and None: one form for one meaning.

    Args:
        facts: fact name to object or list of objects.

    Returns:
        The same, with whole numbers as int, other numbers as float, dates as ISO text, names in the order of their
        code points.

    Raises:
        JobRejected: something in it is refused; docs/limits.md lists the codes.
    """
    return _members(facts, None, 1, [MAX_FACTS_CHARACTERS])


def check_storable(value: str, place: str) -> str:
    """The text, if Postgres can store it.

    Args:
        value: any text.
        place: what to call it in an error.

    Raises:
        JobRejected: `bad-text`: NUL, or half a surrogate pair.
    """
    if "\x00" in value:
        raise JobRejected("bad-text", f"{place}: text with a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise JobRejected("bad-text", f"{place}: text with half a surrogate pair") from None
    return value


def abbreviate(value: Any) -> str:
    """A value as an error message names it: never long, whatever it is.

    >>> abbreviate("x" * 50), abbreviate(7), abbreviate([7])
    ("'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'", '7', 'a list')
    """
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
    # str() of an integer of more than 4,300 digits raises, and one of a thousand is no help.
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return f"an integer of {value.bit_length()} bits"
    return str(value)[:_SHOWN] if isinstance(value, (int, float, Decimal)) else f"a {type(value).__name__}"


def iso_duration(length: timedelta) -> str:
    """A duration as ISO 8601 text, of days and what is shorter.

    >>> iso_duration(timedelta(days=1, hours=1.5)), iso_duration(timedelta(seconds=-0.5)), iso_duration(timedelta(0))
    ('P1DT1H30M', '-PT0.500000S', 'PT0S')
    """
    sign, length = ("-", -length) if length < timedelta(0) else ("", length)
    minutes, seconds = divmod(length.seconds, 60)
    second = f"{seconds}.{length.microseconds:06}" if length.microseconds else str(seconds)
    parts = ((str(minutes // 60), "H"), (str(minutes % 60), "M"), (second, "S"))
    clock = "".join(count + unit for count, unit in parts if count != "0")
    day = f"{length.days}D" if length.days else ""
    return f"{sign}P{day}{'T' + clock if clock else ''}" if day or clock else "PT0S"


def too_large(how: str) -> JobRejected:
    """The error of facts over MAX_FACTS_CHARACTERS."""
    return JobRejected("facts-too-large", f"facts {how}, over {MAX_FACTS_CHARACTERS}")


def json_value(value: Any, place: _Place = None, depth: int = 1, left: list[int] | None = None) -> Any:
    """One value of facts, as `to_json_values` gives it.

    Args:
        value: any.
        place: where it stands. Default: nobody says.
        depth: objects and lists that it would be within, itself counted if it is one; default: none.
        left: how many values the facts may still have, which is counted down. Default: as many as facts.

    Raises:
        JobRejected: as `to_json_values`.
    """
    left = [MAX_FACTS_CHARACTERS] if left is None else left
    # Most items of lists are one of these; whether something is a Mapping takes ten times as long to find out.
    kind = type(value)
    if kind is str:
        return (
            value
            if value.isascii() and len(value) <= MAX_TEXT_CHARACTERS and "\x00" not in value
            else _text(value, place)
        )
    if kind is int or kind is float:
        return _number(value, place)
    if kind is dict or (kind is not list and isinstance(value, Mapping)):
        return _members(value, place, depth, left)
    if isinstance(value, (list, tuple)):
        if len(value) > MAX_ITEMS:
            raise JobRejected("list-too-long", f"{path_text(place)}: {len(value)} items, over {MAX_ITEMS}")
        _check_size(len(value), place, depth, left)
        return [json_value(item, (place, index), depth + 1, left) for index, item in enumerate(value)]
    if isinstance(value, str):
        # Of a class of its own it may be written otherwise than it reads.
        return _text(str.__str__(value), place)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _number(value, place)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return iso_duration(value)
    raise JobRejected("bad-facts", f"{path_text(place)}: {abbreviate(value)} has no JSON form")


def _members(value: Mapping[str, Any], place: _Place, depth: int, left: list[int]) -> dict[str, Any]:
    if len(value) > MAX_FIELDS:
        raise JobRejected("too-many-fields", f"{path_text(place)}: {len(value)} fields, over {MAX_FIELDS}")
    _check_size(len(value), place, depth, left)
    members = {}
    for name in _names(value, place):
        item = value[name]
        # Most values are one of these, and nothing is to be done about them: without a call that is soon seen.
        kind = type(item)
        if kind is str:
            if not item.isascii() or len(item) > MAX_TEXT_CHARACTERS or "\x00" in item:
                item = _text(item, (place, name))
        elif kind is float:
            # NaN is not within.
            if not -_WHOLE < item < _WHOLE:
                item = _number(item, (place, name))
            elif item.is_integer():
                item = int(item)
        elif kind is int:
            if not -_WHOLE < item < _WHOLE:
                item = _number(item, (place, name))
        elif kind is not bool and item is not None:
            item = json_value(item, (place, name), depth + 1, left)
        members[name] = item
    return members


def _check_size(values: int, place: _Place, depth: int, left: list[int]) -> None:
    if depth > MAX_DEPTH:
        # The whole place would say as little as it is long.
        while place is not None and place[0] is not None:
            place = place[0]
        raise JobRejected("too-deep", f"{path_text(place)}: nested deeper than {MAX_DEPTH}")
    # A list that holds one list in a thousand places, and so on, is small in memory and endless as text.
    left[0] -= values
    if left[0] < 0:
        raise too_large(f"hold more than {MAX_FACTS_CHARACTERS} values")


def _number(value: int | float | Decimal, place: _Place) -> int | float:
    # One text for one number, also after a round through jsonb, which writes 1e16 as 10000000000000000: whole numbers
    # below 1e15 as int, larger ones as float if 15 digits say the same. An int of more digits stays one, to be refused
    # or to be an identifier; so a float that jsonb would make such an int of is rounded, as whoever judges it does.
    if isinstance(value, int) and abs(value) < _WHOLE:
        return int(value)
    if isinstance(value, Decimal) and not value.is_finite():
        raise _bad_number(value, place, "is not a finite number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _bad_number(value, place, "is not a finite number, or larger than a float64")
    if isinstance(value, int):
        exact = Decimal(repr(number)) if abs(value) >= _BEYOND else _ROUNDED.plus(value)
        return number if exact == value else int(value)
    if isinstance(value, Decimal):
        if len(value.normalize().as_tuple().digits) > MAX_DIGITS:
            raise _bad_number(value, place, f"has more than {MAX_DIGITS} significant digits")
        if Decimal(repr(number)) != value:
            raise _bad_number(value, place, "is too small for a float64")
    if number.is_integer() and abs(number) < _WHOLE:
        return int(number)
    is_short = abs(number) < _WRITTEN_OUT or abs(number) >= _BEYOND
    return number if is_short else float(_ROUNDED.plus(Decimal(repr(number))))


def _names(value: Mapping[str, Any], place: _Place) -> Sequence[str]:
    """The names of the members, in the order of their code points."""
    known = _plain_names(tuple(value)) if len(value) <= _FEW else None
    if known is not None:
        return known
    for name in value:
        _check_name(name, place)
    return sorted(value)


# Facts of one kind have the same names, job after job.
@lru_cache(maxsize=256)
def _plain_names(names: tuple[Any, ...]) -> tuple[str, ...] | None:
    """Names in order; None where one is to be looked at."""
    if not all(type(name) is str and len(name) <= MAX_NAME_CHARACTERS for name in names):
        return None
    together = "".join(names)
    return tuple(sorted(names)) if together.isascii() and "\x00" not in together else None


def _check_name(name: Any, place: _Place) -> None:
    if not isinstance(name, str):
        raise JobRejected("bad-name", f"{path_text(place)}: the name {abbreviate(name)} is not text")
    if len(name) > MAX_NAME_CHARACTERS:
        raise JobRejected(
            "bad-name",
            f"{path_text(place)}: the name {abbreviate(name)} has more than {MAX_NAME_CHARACTERS} characters",
        )
    check_storable(name, f"a name in {path_text(place)}")


def _text(value: str, place: _Place) -> str:
    if len(value) > MAX_TEXT_CHARACTERS:
        raise JobRejected("text-too-long", f"{path_text(place)}: {len(value)} characters, over {MAX_TEXT_CHARACTERS}")
    try:
        value.encode()
        if "\x00" not in value:
            return value
    except UnicodeEncodeError:
        pass
    return check_storable(value, path_text(place))


def _bad_number(value: int | float | Decimal, place: _Place, flaw: str) -> JobRejected:
    return JobRejected("bad-number", f"{path_text(place)}: {abbreviate(value)} {flaw}")


def path_text(place: _Place) -> str:
    """`Line[3].quantity`."""
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(reversed(steps)).lstrip(".") or "facts"
