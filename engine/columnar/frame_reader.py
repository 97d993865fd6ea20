"""Read a frame: an array for each field that rules use, and the rows that arrays can't be trusted with.

What `engine.facts` does for the facts of one job, this does for all rows at once. A row that holds anything that is not
plainly right is a fallback row: it breaks the schema, or it may, or it holds a value that has no place in an array.
Fallback rows are for the record evaluation, which is exact; of all others the arrays hold what their slots would hold.

All numbers stand in one matrix, a row for each field, because in a small chunk the number of NumPy calls costs most."""

from collections.abc import Mapping, Set
from datetime import time, timedelta, tzinfo
from typing import Any

import numpy as np
import polars as pl

from engine.columnar.columns import FEW_TEXTS, Column, Columns, Floats, Mask, micros_of
from engine.columnar.frame_shape import FrameShape
from engine.columnar.series_values import (
    ascii_texts,
    clocks_of,
    days_of,
    digits_of,
    moments_of,
    texts_of,
    written_moments_of,
)
from engine.columnar.short_floats import SHORT_FLOATS
from engine.schema import FieldSchema
from engine.values import (
    MAX_WITH_FEW_DECIMALS,
    is_number,
    is_ordinary,
    literal,
    nearest_ten_thousandth,
    normal_name,
    take_number,
)

_FLOATS = (*SHORT_FLOATS, pl.Float64)
_KINDS: dict[Any, str] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64), "number"),
    **dict.fromkeys(_FLOATS, "number"),
    **dict.fromkeys((pl.String, pl.Categorical, pl.Enum), "text"),
    pl.Datetime: "date",
    pl.Date: "day",
    pl.Time: "time",
    pl.Duration: "duration",
    pl.Boolean: "boolean",
    pl.Null: "null",
}


#: Kinds that a column of texts may hold, too.
_CLOCKS = ("time", "duration")


class FrameReader:
    """Reads the frames of one shape."""

    def __init__(self, shape: FrameShape, zone: tzinfo, tabled: Set[int]) -> None:
        """Prepare.

        Args:
            shape: the columns.
            zone: of dates that have none.
            tabled: the slots whose values are encoded, for tables; the others are read by residual tests alone.
        """
        #: Slot to column name, for the slots that are a column.
        self.slots = {column.slot: column.name for column in shape.columns if column.slot is not None}
        self._fits = shape.fits
        self._zone = zone
        self._fields = {column.name: column.field for column in shape.columns}
        self._used = used = {column.name for column in shape.columns if column.is_used}
        self._texts = {
            name: frozenset(value for value in field.values if isinstance(value, str))
            for name, field in self._fields.items()
            if field is not None and field.kind == "text" and field.values is not None
        }
        last = {self.slots[slot] for slot in self.slots.keys() & tabled}
        names = [name for name, field in self._fields.items() if field is None or field.kind == "number"]
        #: The fields that may hold numbers, in the order of the matrix: those that are tabled come last.
        self.names = sorted(names, key=lambda name: name in last)
        #: How many of them are not tabled.
        self.untabled = sum(name not in last for name in names)
        #: The fields that every frame has to have.
        self._demanded = {name for name, field in self._fields.items() if field is not None and field.required}
        #: The fields that only have to be of their kind; that kind.
        self._unread = {
            name: field.kind
            for name, field in self._fields.items()
            if field is not None
            and not (name in used or field.required or field.values or field.derived)
            and field.kind in ("text", "boolean")
        }
        self._row_of = {name: row for row, name in enumerate(self.names)}
        self._prepare_checks(used)

    def _prepare_checks(self, used: Set[str]) -> None:
        """What numbers are checked by: arrays [fields, 1], which broadcast over the matrix, and rows of it."""
        fields = [self._fields[name] for name in self.names]
        self._ignored = np.array([[name not in used] for name in self.names], np.bool_).reshape(-1, 1)
        self._low = _bounds([None if field is None else field.minimum for field in fields], -np.inf)
        self._high = _bounds([None if field is None else field.maximum for field in fields], np.inf)
        self._is_low, self._is_high = bool(np.isfinite(self._low).any()), bool(np.isfinite(self._high).any())
        described = [(row, field) for row, field in enumerate(fields) if field is not None]
        self._required = np.array([row for row, field in described if field.required], np.intp)
        self._derived = np.array([row for row, field in described if field.derived], np.intp)
        self._listed = [
            (row, [literal(value) for value in field.values]) for row, field in described if field.values is not None
        ]

    def read(self, frame: pl.DataFrame, spare: int, found: Mapping[str, Column]) -> Columns:
        """Read a frame.

        Args:
            frame: one row per fact.
            spare: rows to add to the matrix of numbers.
            found: by name, columns that are arrays already.
        """
        count = len(frame)
        shape = (len(self.names) + spare, count)
        columns = Columns(np.zeros(count, np.bool_), np.full(shape, np.nan), np.zeros(shape, np.bool_), {})
        if not self._fits:
            columns.fallback_rows[:] = True
            return columns
        columns_by_name = {normal_name(series.name): series for series in frame.get_columns()}
        if len(columns_by_name) < len(frame.columns):
            columns.fallback_rows[:] = True
        texts = [
            series
            for name, series in columns_by_name.items()
            if series.dtype == pl.String and name in self._fields and self._unread.get(name) != "text"
        ]
        plain = ascii_texts(texts) if count >= FEW_TEXTS else frozenset()
        integers = []
        missing = 0
        for name, column in found.items():
            row = self._row_of.get(name)
            if row is None:
                columns.others[name] = column
            else:
                columns.numbers[row] = column.values
                missing += (0 if column.nulls is None else int(np.count_nonzero(column.nulls))) - count
        for name, series in columns_by_name.items():
            if name not in self._fields:
                continue
            dtype = series.dtype.base_type()
            kind = _KINDS.get(dtype, "other")
            row = self._row_of.get(name)
            if row is None or kind not in ("number", "null"):
                self._other(columns, series, name, kind, series.name in plain)
            elif kind == "number":
                columns.numbers[row] = series.to_numpy()
                missing += series.null_count() - count
                if dtype not in _FLOATS:
                    integers.append(row)
        if not self._demanded <= columns_by_name.keys():
            columns.fallback_rows[:] = True
        self._check(columns, columns_by_name, missing + count * len(self.names), integers)
        return columns

    def _other(self, columns: Columns, series: pl.Series, name: str, kind: str, is_ascii: bool) -> None:
        """Take a column that is no number; of a text, `is_ascii` says whether it is known to be nothing but ASCII."""
        field = self._fields[name]
        if self._unread.get(name) == kind:
            return
        missing = series.null_count()
        nulls = _nulls(series) if missing else None
        if kind == "number" and field is not None and field.kind == "text" and not field.derived:
            kind, series, is_ascii = "text", digits_of(series), True
            if series.null_count() > missing:
                _mark(columns.fallback_rows, series.is_null().to_numpy(), nulls)
                nulls = _nulls(series)
                missing = series.null_count()
        if field is not None and field.required and nulls is not None:
            columns.fallback_rows[nulls] = True
        if missing == len(series):
            return
        is_written = kind == "text" and field is not None and field.kind == "date" and not field.derived
        if is_written and name not in self._used:
            # Whether it is a date, nobody asks.
            return
        # What is finer than a microsecond has no place in a Python datetime.
        if getattr(series.dtype, "time_unit", None) == "ns":
            kind = "other"
        of_schema = "date" if kind == "day" or is_written else kind
        if kind == "text" and field is not None and field.kind in _CLOCKS:
            kind = of_schema = field.kind
        if kind == "other" or (field is not None and (field.kind != of_schema or field.derived)):
            _mark(columns.fallback_rows, True, nulls)
            return
        is_doubtful: Mask | None = None
        if is_written:
            kind = "date"
            values: Any
            values, is_doubtful = written_moments_of(series, self._zone)
        elif kind == "text":
            values = texts_of(series, is_ascii)
        elif kind == "boolean":
            values = _filled(series.cast(pl.UInt8).to_numpy(), nulls) != 0
        elif kind == "day":
            values, is_doubtful = days_of(series)
        elif kind in _CLOCKS:
            values, is_doubtful = clocks_of(series, kind)
            if field is not None and field.kind in _CLOCKS:
                is_doubtful |= _beyond(values, field)
        else:
            values, is_doubtful = moments_of(series, self._zone)
        if is_doubtful is not None:
            _mark(columns.fallback_rows, is_doubtful, nulls)
        column = columns.others[name] = Column(kind, values, nulls, self._zone)
        if name in self._texts:
            _mark(columns.fallback_rows, ~column.is_among(self._texts[name]), nulls)

    def _check(self, columns: Columns, series: dict[str, pl.Series], missing: int, integers: list[int]) -> None:
        """Mark the rows with numbers that are not plainly right, and put zeros where there are none.

        Args:
            columns: numbers: float64[fields + spare, rows], NaN where there is none; nulls: not yet filled.
            series: the columns of the frame by name.
            missing: how many numbers are missing in all fields together.
            integers: the rows of the matrix that come from columns of integers.
        """
        fields = slice(len(self.names))
        numbers, nulls, fallback = columns.numbers[fields], columns.nulls[fields], columns.fallback_rows
        np.isnan(numbers, out=nulls)
        if np.count_nonzero(nulls) != missing:
            # Not every NaN is a null here; a row of the matrix may also stand for a column of another kind.
            for row, name in enumerate(self.names):
                if name in series and name not in columns.others:
                    fallback |= nulls[row] & ~series[name].is_null().to_numpy()
        np.copyto(numbers, 0.0, where=nulls)
        near: Floats = nearest_ten_thousandth(numbers)
        is_right = near == numbers
        is_right &= np.abs(numbers, out=near) <= MAX_WITH_FEW_DECIMALS
        is_right |= self._ignored
        if not is_right.all():
            self._look_closer(numbers, ~is_right, fallback, integers)
        for is_bounded, test, bounds in ((self._is_low, np.less, self._low), (self._is_high, np.greater, self._high)):
            if is_bounded:
                wrong = test(numbers, bounds)
                wrong &= ~nulls
                fallback |= wrong.any(axis=0)
        if len(self._required):
            fallback |= nulls[self._required].any(axis=0)
        if len(self._derived):
            fallback |= ~nulls[self._derived].all(axis=0)
        for row, values in self._listed:
            fallback |= ~np.isin(numbers[row], values) & ~nulls[row]
        if fallback.any():
            # Nobody asks about them, and an infinity among them would be in the way.
            numbers[:, fallback] = 0.0

    def _look_closer(self, numbers: Floats, doubtful: Mask, fallback: Mask, integers: list[int]) -> None:
        """Look at the numbers that are not plainly of few digits.

        Args:
            numbers: float64[fields, rows].
            doubtful: bool[fields, rows], the numbers to look at.
            fallback: bool[rows], gets the rows with a number that is none of the language, or too large or small.
            integers: the rows of the matrix that come from columns of integers.
        """
        fields, rows = np.nonzero(doubtful)
        values = numbers[fields, rows]
        size = np.abs(values)
        # A count of billionths below 1e15 has at most 15 digits, and so has a whole number of that size.
        is_right = (np.rint(values * 1e9) / 1e9 == values) & (size <= 1e5)
        is_right |= (np.rint(values) == values) & (size < 1e15)
        left = np.flatnonzero(~is_right)
        for field, row, value in zip(fields[left].tolist(), rows[left].tolist(), values[left].tolist(), strict=True):
            # As a float, an integer of more digits could look like one of fewer; it can't look less than 1e15.
            if not is_ordinary(value) or (field in integers and abs(value) >= 1e15):
                fallback[row] = True
            elif not is_number(value):
                numbers[field, row] = take_number(value)


def _bounds(values: list[Any], default: float) -> Floats:
    """A column of bounds, to compare a matrix with."""
    return np.array([[default if value is None else literal(value)] for value in values], np.float64).reshape(-1, 1)


def _beyond(micros: Any, field: FieldSchema) -> Mask:
    """Which times or durations, in microseconds, break the bounds or are none of the values of their field."""
    beyond: Mask = np.zeros(len(micros), np.bool_)
    if isinstance(field.minimum, time | timedelta):
        beyond |= micros < micros_of(field.minimum)
    if isinstance(field.maximum, time | timedelta):
        beyond |= micros > micros_of(field.maximum)
    if field.values is not None:
        listed = [micros_of(value) for value in field.values if isinstance(value, time | timedelta)]
        beyond |= ~np.isin(micros, listed)
    return beyond


def _mark(fallback: Mask, rows: Mask | bool, nulls: Mask | None) -> None:
    """Mark rows, except those that hold nothing.

    Args:
        fallback: bool[rows], the marks.
        rows: bool[rows], what to mark; True: all of them.
        nulls: bool[rows], those that hold nothing; None: there are none.
    """
    fallback |= rows if nulls is None else ~nulls & rows


def _filled(values: Any, nulls: Mask | None) -> Any:
    """Zero where there is no value."""
    return values if nulls is None else np.where(nulls, 0, values)


def _nulls(series: pl.Series) -> Mask:
    """The rows without a value."""
    if len(series) < FEW_TEXTS:
        return np.fromiter((value is None for value in series.to_list()), np.bool_, len(series))
    nulls: Mask = series.is_null().to_numpy()
    return nulls
