"""Columns of every kind out of text: for tests of what is read from columns."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

#: Kind of column: its dtype, and what makes a value of a text.
KINDS: Mapping[str, tuple[Any, Callable[[str], Any]]] = {
    "Float64": (pl.Float64, float),
    "Float32": (pl.Float32, float),
    "Int8": (pl.Int8, int),
    "Int64": (pl.Int64, int),
    "UInt64": (pl.UInt64, int),
    "String": (pl.String, str),
    "Boolean": (pl.Boolean, "true".__eq__),
    "Date": (pl.Date, date.fromisoformat),
    "Datetime": (pl.Datetime("us"), datetime.fromisoformat),
    "Zoned": (pl.Datetime("us", "Europe/Berlin"), lambda text: datetime.fromisoformat(text).astimezone(UTC)),
    "Duration": (pl.Duration("us"), lambda text: timedelta(microseconds=int(text))),
    "Decimal": (pl.Decimal(20, 4), Decimal),
    "Null": (pl.Null, str),
}


def column(name: str, kind: str, texts: Sequence[str | None]) -> pl.Series:
    """A column.

    Args:
        name: of the column.
        kind: one of KINDS.
        texts: of its values; None: null.
    """
    dtype, value = KINDS[kind]
    return pl.Series(name, [None if text is None else value(text) for text in texts], dtype)
