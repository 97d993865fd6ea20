"""Rows of Python values as columns of one kind each.  query_source, workbook_source -> [cells] -> chunk_codec

A database without column kinds, or a sheet, may hold text in one row and a number in the next. Each value keeps its own
kind and all its digits, whatever its neighbours are: what does not fit the column that most of its neighbours make
stands apart, in its row. So where a portion begins or ends changes nothing. Refuses no row."""

import math
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from rulefarm.batch.chunk_codec import Apart, Unreadable
from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_DIGITS
from rulefarm.normalize import abbreviate, iso_duration, to_json_values

_MOMENT = pl.Datetime("us", "UTC")
_LOCAL = pl.Datetime("us")
_DTYPES: dict[str, Any] = {
    "text": pl.String,
    "number": pl.Float64,
    "whole": pl.Int64,
    "long": pl.Int64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "moment": _MOMENT,
    "local": _LOCAL,
}


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[list[pl.Series], dict[int, Apart]]:
    """Columns out of rows.

    Args:
        names: of the columns, each once.
        rows: one value a column, of whatever kinds a driver gives.

    Returns:
        A column a name, and what stands apart by the number of its row; there the column has no value.
    """
    columns: list[pl.Series] = []
    apart: dict[int, Apart] = {}
    for name, values in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True):
        column, odd = _column(name, values)
        columns.append(column)
        for row, value in odd.items():
            apart.setdefault(row, Apart()).cells[name] = value
    return columns, apart


def subject_text(value: Any) -> str | None:
    """A value as the name of its row.

    >>> subject_text(4711), subject_text(Decimal("7.00")), subject_text("a"), subject_text(None)
    ('4711', '7', 'a', None)
    """
    if value is None or isinstance(value, (Unreadable, list, dict)):
        return None
    if isinstance(value, (float, Decimal)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _column(name: str, values: Sequence[Any]) -> tuple[pl.Series, dict[int, Any]]:
    """The column that most values make, and the others by their row."""
    classes = set(map(type, values))
    classes.discard(type(None))
    if classes <= {str} and all(map(_is_storable, values)):
        return pl.Series(name, values, pl.String if classes else pl.Null), {}
    if classes == {bool}:
        return pl.Series(name, values, pl.Boolean), {}
    kinds = [_kind(value) for value in values]
    counts = Counter(kind for kind in kinds if kind)
    counts.pop("apart", None)
    # A whole number that a float holds is the same number there.
    kin = {"number": ("whole",)} if counts["number"] else {"whole": ("long",)}
    for kind, others in kin.items():
        counts[kind] += sum(counts.pop(other, 0) for other in others)
    main = max(counts, key=lambda kind: counts[kind], default="")
    taken = {main, *kin.get(main, ())}
    take = _TAKEN.get(main)
    kept: list[Any] = [None] * len(values)
    odd: dict[int, Any] = {}
    for row, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        if kind in taken:
            kept[row] = take(value) if take else value
        elif kind:
            odd[row] = _plain(value)
    return pl.Series(name, kept, _DTYPES[main] if counts[main] else pl.Null), odd


def _is_storable(value: str | None) -> bool:
    return value is None or (value.isascii() and "\x00" not in value) or _kind(value) == "text"


def _kind(value: Any) -> str:
    """The kind of column that holds a value exactly; `apart` if none does, empty for null."""
    if value is None:
        return ""
    kind = type(value)
    judge = _KINDS.get(kind)
    if judge is not None:
        return judge(value)
    return next((judge(value) for known, judge in _KINDS.items() if isinstance(value, known)), "apart")


def _of_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        return "apart"
    return "apart" if "\x00" in value else "text"


def _of_int(value: int) -> str:
    return "whole" if abs(value) < 10**MAX_DIGITS else "long" if abs(value) < 2**63 else "apart"


def _of_decimal(value: Decimal) -> str:
    if not value.is_finite() or any(value.as_tuple().digits[MAX_DIGITS:]) or abs(value.adjusted()) > 290:
        return "apart"
    return "number"


def _of_moment(value: datetime) -> str:
    if value.utcoffset() is None:
        return "local"
    try:
        value.astimezone(UTC)
    except (OverflowError, ValueError):
        return "apart"
    return "moment"


#: In this order: a bool is an int, and a datetime is a date.
_KINDS: dict[type, Callable[[Any], str]] = {
    str: _of_text,
    bool: lambda _: "boolean",
    int: _of_int,
    float: lambda _: "number",
    Decimal: _of_decimal,
    datetime: _of_moment,
    date: lambda _: "date",
    uuid.UUID: lambda _: "text",
    time: lambda _: "text",
    timedelta: lambda _: "text",
}

#: What a value is in its column, where it is not itself.
_TAKEN: dict[str, Callable[[Any], Any]] = {
    "text": lambda value: (
        value.isoformat()
        if isinstance(value, time)
        else iso_duration(value)
        if isinstance(value, timedelta)
        else str(value)
    ),
    "number": float,
    "moment": lambda value: value.astimezone(UTC),
}


def _plain(value: Any) -> Any:
    """A value that stands apart, as it can be written down."""
    if isinstance(value, (uuid.UUID, time, timedelta)):
        return _TAKEN["text"](value)
    if isinstance(value, Decimal) and _kind(value) == "number":
        return float(value)
    if isinstance(value, (bool, int, float, Decimal, date, Unreadable)):
        return value
    if isinstance(value, list) and (odd := next((one for one in value if isinstance(one, Unreadable)), None)):
        return Unreadable(f"has an item that {odd.flaw}")
    if isinstance(value, str | Mapping | Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        try:
            return to_json_values({"value": value})["value"]
        except JobRejected as error:
            return Unreadable(f"can't be read: {error.message.removeprefix('value: ')}")
    return Unreadable(f"is {abbreviate(value)}, for which rules have no kind")
