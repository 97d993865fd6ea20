"""Take a frame: an array for each field that rules read, and the rows that need a closer look.  [columns] -> chunks

What `engine.intake` does for the facts of one job, for all rows at once. A row is odd when it holds anything that is
not plainly right: it breaks the schema, or it may, or it holds a value that has no place in an array. Odd rows are for
the record evaluator, which is exact; of all others the arrays say what their slots would hold.

All numbers stand in one matrix, a row for each field, because what costs in a small chunk is the number of steps."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.intake import Intake
from engine.layout import Layout
from engine.schema import FieldSchema
from engine.values import Value, literal

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Adding and taking away 1.5 * 2**52 rounds a float64 to a whole number.
_ROUNDER = 6755399441055744.0
_KINDS: dict[Any, str] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64), "number"),
    **dict.fromkeys((pl.Float32, pl.Float64), "number"),
    **dict.fromkeys((pl.String, pl.Categorical, pl.Enum), "text"),
    **dict.fromkeys((pl.Date, pl.Datetime), "date"),
    pl.Boolean: "boolean",
    pl.Null: "null",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A field of all rows that is no number."""

    #: `text`, `boolean` or `date`.
    kind: str
    #: bool, or microseconds since 1970 as int64; for a text the series itself. Zero where there is no value.
    values: Any
    #: The rows without a value; None: there are none.
    nulls: Mask | None

    def listed(self) -> list[Value]:
        """The values as slots hold them."""
        values: list[Value] = self.values.to_list() if self.kind == "text" else self.values.tolist()
        if self.kind == "date":
            values = [EPOCH + timedelta(microseconds=value) for value in values]
        if self.nulls is not None:
            for row in np.flatnonzero(self.nulls).tolist():
                values[row] = None
        return values


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of one frame."""

    #: The rows that only the record evaluator may judge.
    odd: Mask
    #: A row for each field that may hold numbers, in the order of the reader; zero where there is none.
    numbers: Floats
    #: Where there is none.
    nulls: Mask
    #: Field name to column, for those that are no numbers; what is missing in both is null.
    others: dict[str, Column]


class Reader:
    """Reads the frames of one fact."""

    def __init__(self, layout: Layout, intake: Intake, fact: str) -> None:
        """Prepare.

        Args:
            layout: the slots of the program.
            intake: knows what rules read.
            fact: whose fields the columns are.
        """
        self._fact = fact
        self._fits = _fits(layout, intake, fact)
        #: Slot to field name, for the slots that are a column.
        self.slots: dict[int, str] = {}
        for (owner, steps), slot in layout.places.items():
            if owner == fact and len(steps) == 1 and isinstance(steps[0], str):
                self.slots[slot] = steps[0]
            elif owner == fact:
                # The whole fact, or a part of a field: nothing that an array could hold.
                self._fits = False
        self._fields: dict[str, FieldSchema | None] = dict.fromkeys(sorted(self.slots.values()))
        if layout.schema is not None and fact in layout.schema.facts:
            self._fields = dict(layout.schema.facts[fact].fields)
        self._is_typed = layout.schema is not None
        #: The fields that may hold numbers, in the order of the matrix.
        self.names = [name for name, field in self._fields.items() if field is None or field.kind == "number"]
        rows = [self._fields[name] for name in self.names]
        self._is_read = np.array([[intake.is_read(fact, name)] for name in self.names], np.bool_).reshape(-1, 1)
        self._low = _bounds([None if row is None else row.minimum for row in rows], -np.inf)
        self._high = _bounds([None if row is None else row.maximum for row in rows], np.inf)
        self._is_bounded = bool(np.isfinite(self._low).any() or np.isfinite(self._high).any())

    def read(self, frame: pl.DataFrame) -> Columns:
        """Read a frame."""
        count = len(frame)
        columns = Columns(
            np.zeros(count, np.bool_), np.full((len(self.names), count), np.nan), np.empty(0, np.bool_), {}
        )
        if not self._fits:
            columns.odd[:] = True
            return columns
        present = set(frame.columns)
        null_counts = np.full(len(self.names), count)
        whole = []
        for row, name in enumerate(self.names):
            if name not in present:
                continue
            series = frame.get_column(name)
            kind = _KINDS.get(series.dtype.base_type(), "other")
            if kind == "number":
                columns.numbers[row] = series.to_numpy()
                null_counts[row] = series.null_count()
                if series.dtype.is_integer():
                    whole.append(row)
            elif kind != "null":
                self._other(columns, series, name, kind)
        for name, field in self._fields.items():
            if field is not None and field.kind != "number":
                if name in present:
                    series = frame.get_column(name)
                    self._other(columns, series, name, _KINDS.get(series.dtype.base_type(), "other"))
                elif field.required:
                    columns.odd[:] = True
        return self._checked(columns, frame, null_counts, whole)

    def _other(self, columns: Columns, series: pl.Series, name: str, kind: str) -> None:
        """Take a column that is no number."""
        field = self._fields[name]
        missing = series.null_count()
        nulls = series.is_null().to_numpy() if missing else None
        if field is not None and field.required and nulls is not None:
            columns.odd[nulls] = True
        if missing == len(series):
            return
        # What is finer than a microsecond has no place in a Python datetime.
        if getattr(series.dtype, "time_unit", None) == "ns":
            kind = "other"
        if kind == "other" or (field is not None and (field.kind != kind or field.derived)):
            _mark(columns.odd, True, nulls)
            return
        if kind == "text":
            values: Any = series if series.dtype == pl.String else series.cast(pl.String)
        elif kind == "boolean":
            values = _filled(series.cast(pl.UInt8).to_numpy(), nulls) != 0
        else:
            values = _micros(series)
        columns.others[name] = Column(kind, values, nulls)
        if field is not None and field.values is not None and kind == "text":
            known = pl.Enum([value for value in field.values if isinstance(value, str)])
            _mark(columns.odd, values.cast(known, strict=False).is_null().to_numpy(), nulls)

    def _checked(self, columns: Columns, frame: pl.DataFrame, null_counts: Any, whole: list[int]) -> Columns:
        """The columns with all that is wrong with the numbers marked."""
        numbers = columns.numbers
        nulls = np.isnan(numbers)
        bad = np.zeros(numbers.shape, np.bool_)
        for row in np.flatnonzero(np.count_nonzero(nulls, axis=1) != null_counts).tolist():
            # Not every NaN is a null here; a row of the matrix may also stand for a column of another kind.
            if self.names[row] not in columns.others:
                own = frame.get_column(self.names[row]).is_null().to_numpy()
                bad[row] = nulls[row] & ~own
        np.copyto(numbers, 0.0, where=nulls)
        with np.errstate(invalid="ignore", over="ignore"):
            right = (numbers * 1e4 + _ROUNDER - _ROUNDER) / 1e4 == numbers
            right &= np.abs(numbers) <= 1e11
        right |= ~self._is_read
        if not right.all():
            for row, place in zip(*(found.tolist() for found in np.nonzero(~right)), strict=True):
                value = float(numbers[row, place])
                # As a float, an integer of more digits could look like one of fewer; it can't look less than 1e15.
                bad[row, place] = not _is_number(value) or (row in whole and abs(value) >= 1e15)
        if self._is_bounded:
            bad |= ((numbers < self._low) | (numbers > self._high)) & ~nulls
        for row, name in enumerate(self.names):
            field = self._fields[name]
            if field is None:
                continue
            if field.required:
                bad[row] |= nulls[row]
            if field.derived:
                bad[row] |= ~nulls[row]
            if field.values is not None:
                bad[row] |= ~np.isin(numbers[row], [literal(value) for value in field.values]) & ~nulls[row]
        columns.odd[bad.any(axis=0)] = True
        np.copyto(numbers, 0.0, where=bad)
        # Checked, and of no more use; infinities among them would only be in the way.
        numbers[~self._is_read[:, 0]] = 0.0
        return Columns(columns.odd, numbers, nulls, columns.others)


def _is_number(value: float) -> bool:
    """Whether a float is a number of the language, and of ordinary size."""
    return value == 0.0 or (1e-30 <= abs(value) <= 1e30 and float(f"{value:.15g}") == value)


def _bounds(values: list[Any], default: float) -> Floats:
    """A column of bounds, to compare a matrix with."""
    return np.array([[default if value is None else literal(value)] for value in values], np.float64).reshape(-1, 1)


def _mark(odd: Mask, rows: Mask | bool, nulls: Mask | None) -> None:
    """Mark rows as odd, but those that hold nothing."""
    odd |= rows if nulls is None else ~nulls & rows


def _fits(layout: Layout, intake: Intake, fact: str) -> bool:
    """Whether a job that holds one object alone can be taken at all."""
    schema = layout.schema
    if schema is None:
        return (fact, True) not in intake.written
    if fact != schema.subject:
        return False
    others = [other for other in schema.facts.values() if other.name != fact and not other.is_list]
    return not any(field.required for other in others for field in other.fields.values())


def _filled(values: Any, nulls: Mask | None) -> Any:
    """Zero where there is no value."""
    return values if nulls is None else np.where(nulls, 0, values)


def _micros(series: pl.Series) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 in UTC; a date is its midnight, and what has no zone means UTC."""
    if series.dtype == pl.Date:
        series = series.cast(pl.Datetime("us"))
    elif getattr(series.dtype, "time_zone", None) is not None:
        series = series.dt.convert_time_zone("UTC")
    return np.asarray(series.dt.cast_time_unit("us").to_physical().fill_null(0).to_numpy(), np.int64)
