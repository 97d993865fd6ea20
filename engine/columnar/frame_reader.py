"""Take a frame: an array for each field that rules read, and the rows that need a closer look.  [columns] -> passes

What `engine.facts.reader` does for the facts of one job, for all rows at once. A row is odd when it holds anything that
is not plainly right: it breaks the schema, or it may, or it holds a value that has no place in an array. Odd rows are
for the record evaluator, which is exact; of all others the arrays say what their slots would hold.

All numbers stand in one matrix, a row for each field, because what costs in a small chunk is the number of steps."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.facts import FieldUse, SlotLayout
from engine.schema import FieldSchema
from engine.values import MAX_WITH_FEW_DECIMALS, Value, is_ordinary, is_short, literal, nearest_ten_thousandth

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: For fewer rows than that, a loop over texts is faster than a query.
FEW_TEXTS = 1_000
#: Microseconds in a unit of time.
_MICROS = {"us": 1, "ms": 1_000, "day": 86_400_000_000}
_FLOATS = (pl.Float32, pl.Float64)
_KINDS: dict[Any, str] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64), "number"),
    **dict.fromkeys(_FLOATS, "number"),
    **dict.fromkeys((pl.String, pl.Categorical, pl.Enum), "text"),
    **dict.fromkeys((pl.Date, pl.Datetime), "date"),
    pl.Boolean: "boolean",
    pl.Null: "null",
}


@dataclass(frozen=True)
class Column:
    """A field of all rows that is no number."""

    #: `text`, `boolean` or `date`.
    kind: str
    #: bool, or microseconds since 1970 as int64; for a text the series itself. Zero where there is no value.
    values: Any
    #: The rows without a value; None: there are none.
    nulls: Mask | None

    @cached_property
    def texts(self) -> list[str | None]:
        """The values of a text column."""
        texts: list[str | None] = self.values.to_list()
        return texts

    def is_among(self, known: frozenset[str]) -> Mask:
        """Which rows of a text column hold one of some texts; those without a value may be among them."""
        if len(self.values) < FEW_TEXTS:
            return np.array([text in known for text in self.texts], np.bool_)
        found: Mask = self.values.cast(pl.Enum(sorted(known)), strict=False).is_not_null().to_numpy()
        return found

    def at(self, rows: npt.NDArray[np.intp]) -> list[Value]:
        """The values of some rows, as slots hold them."""
        if self.kind == "text":
            texts = self.texts
            return [texts[row] for row in rows.tolist()]
        values: list[Value] = self.values[rows].tolist()
        if self.kind == "date":
            values = [EPOCH + timedelta(microseconds=value) for value in values]
        if self.nulls is not None:
            for place in np.flatnonzero(self.nulls[rows]).tolist():
                values[place] = None
        return values


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of one frame."""

    #: The rows that only the record evaluator may judge.
    odd: Mask
    #: A row for each field that may hold numbers, in the order of the reader; zero where there is none. More rows may
    #: follow, for whoever reads the frame.
    numbers: Floats
    #: Where there is none.
    nulls: Mask
    #: Field name to column, for those that are no numbers; what is missing in both is null.
    others: dict[str, Column]


class FrameReader:
    """Reads the frames of one fact."""

    def __init__(self, layout: SlotLayout, use: FieldUse, fact: str, tabled: Set[int]) -> None:
        """Prepare.

        Args:
            layout: the slots of the program.
            use: the fields that rules use.
            fact: whose fields the columns are.
            tabled: the slots that some table is looked up by.
        """
        #: Slot to field name, for the slots that are a column.
        self.slots: dict[int, str] = {}
        self._fits = _fits(layout, use, fact)
        for (owner, steps), slot in layout.places.items():
            if owner == fact and len(steps) == 1 and isinstance(steps[0], str):
                self.slots[slot] = steps[0]
            elif owner == fact:
                # The whole fact, or a part of a field: nothing that an array could hold.
                self._fits = False
        self._fields: dict[str, FieldSchema | None] = dict.fromkeys(sorted(self.slots.values()))
        if layout.schema is not None and fact in layout.schema.facts:
            self._fields = dict(layout.schema.facts[fact].fields)
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
            and not (use.is_used(fact, name) or field.required or field.values or field.derived)
            and field.kind in ("text", "boolean")
        }
        self._row_of = {name: row for row, name in enumerate(self.names)}
        self._prepare_checks(use, fact)

    def _prepare_checks(self, use: FieldUse, fact: str) -> None:
        """What the numbers are checked by."""
        fields = [self._fields[name] for name in self.names]
        self._ignored = np.array([[not use.is_used(fact, name)] for name in self.names], np.bool_).reshape(-1, 1)
        self._low = _bounds([None if field is None else field.minimum for field in fields], -np.inf)
        self._high = _bounds([None if field is None else field.maximum for field in fields], np.inf)
        self._is_low, self._is_high = bool(np.isfinite(self._low).any()), bool(np.isfinite(self._high).any())
        known = list(enumerate(fields))
        self._required = np.array([row for row, field in known if field is not None and field.required], np.intp)
        self._derived = np.array([row for row, field in known if field is not None and field.derived], np.intp)
        self._listed = [
            (row, [literal(value) for value in field.values])
            for row, field in known
            if field is not None and field.values is not None
        ]

    def read(self, frame: pl.DataFrame, spare: int) -> Columns:
        """Read a frame.

        Args:
            frame: one row per fact.
            spare: rows to add to the matrix of numbers.
        """
        count = len(frame)
        shape = (len(self.names) + spare, count)
        columns = Columns(np.zeros(count, np.bool_), np.full(shape, np.nan), np.zeros(shape, np.bool_), {})
        if not self._fits:
            columns.odd[:] = True
            return columns
        found = dict(zip(frame.columns, frame.get_columns(), strict=True))
        whole = []
        missing = 0
        for name, series in found.items():
            if name not in self._fields:
                continue
            dtype = series.dtype.base_type()
            kind = _KINDS.get(dtype, "other")
            row = self._row_of.get(name)
            if row is None or kind not in ("number", "null"):
                self._other(columns, series, name, kind)
            elif kind == "number":
                columns.numbers[row] = series.to_numpy()
                missing += series.null_count() - count
                if dtype not in _FLOATS:
                    whole.append(row)
        if not self._demanded <= found.keys():
            columns.odd[:] = True
        self._check(columns, found, missing + count * len(self.names), whole)
        return columns

    def _other(self, columns: Columns, series: pl.Series, name: str, kind: str) -> None:
        """Take a column that is no number."""
        field = self._fields[name]
        if self._unread.get(name) == kind:
            return
        missing = series.null_count()
        nulls = _nulls(series) if missing else None
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
            values = _micros(series, nulls)
        column = columns.others[name] = Column(kind, values, nulls)
        if name in self._texts:
            _mark(columns.odd, ~column.is_among(self._texts[name]), nulls)

    def _check(self, columns: Columns, found: dict[str, pl.Series], missing: int, whole: list[int]) -> None:
        """Mark all that is wrong with the numbers, and put zeros where there are none."""
        fields = slice(len(self.names))
        numbers, nulls, odd = columns.numbers[fields], columns.nulls[fields], columns.odd
        np.isnan(numbers, out=nulls)
        if np.count_nonzero(nulls) != missing:
            # Not every NaN is a null here; a row of the matrix may also stand for a column of another kind.
            for row, name in enumerate(self.names):
                if name in found and name not in columns.others:
                    odd |= nulls[row] & ~found[name].is_null().to_numpy()
        np.copyto(numbers, 0.0, where=nulls)
        near: Floats = nearest_ten_thousandth(numbers)
        right = near == numbers
        right &= np.abs(numbers, out=near) <= MAX_WITH_FEW_DECIMALS
        right |= self._ignored
        if not right.all():
            self._look_closer(numbers, ~right, odd, whole)
        for is_bounded, test, bounds in ((self._is_low, np.less, self._low), (self._is_high, np.greater, self._high)):
            if is_bounded:
                wrong = test(numbers, bounds)
                wrong &= ~nulls
                odd |= wrong.any(axis=0)
        if len(self._required):
            odd |= nulls[self._required].any(axis=0)
        if len(self._derived):
            odd |= ~nulls[self._derived].all(axis=0)
        for row, values in self._listed:
            odd |= ~np.isin(numbers[row], values) & ~nulls[row]
        if odd.any():
            # Nobody asks about them, and an infinity among them would be in the way.
            numbers[:, odd] = 0.0

    def _look_closer(self, numbers: Floats, doubt: Mask, odd: Mask, whole: list[int]) -> None:
        """Look at the numbers that are not plainly of few digits."""
        fields, rows = np.nonzero(doubt)
        values = numbers[fields, rows]
        size = np.abs(values)
        # A count of billionths below 1e15 has at most 15 digits, and so has a whole number of that size.
        right = (np.rint(values * 1e9) / 1e9 == values) & (size <= 1e5)
        right |= (np.rint(values) == values) & (size < 1e15)
        left = np.flatnonzero(~right)
        for field, row, value in zip(fields[left].tolist(), rows[left].tolist(), values[left].tolist(), strict=True):
            # As a float, an integer of more digits could look like one of fewer; it can't look less than 1e15.
            odd[row] |= not (is_ordinary(value) and is_short(value)) or (field in whole and abs(value) >= 1e15)


def _bounds(values: list[Any], default: float) -> Floats:
    """A column of bounds, to compare a matrix with."""
    return np.array([[default if value is None else literal(value)] for value in values], np.float64).reshape(-1, 1)


def _mark(odd: Mask, rows: Mask | bool, nulls: Mask | None) -> None:
    """Mark rows as odd, but those that hold nothing."""
    odd |= rows if nulls is None else ~nulls & rows


def _fits(layout: SlotLayout, use: FieldUse, fact: str) -> bool:
    """Whether a job that holds one object alone can be taken at all."""
    schema = layout.schema
    if schema is None:
        return (fact, True) not in use.written
    if fact != schema.subject:
        return False
    others = [other for other in schema.facts.values() if other.name != fact and not other.is_list]
    return not any(field.required for other in others for field in other.fields.values())


def _filled(values: Any, nulls: Mask | None) -> Any:
    """Zero where there is no value."""
    return values if nulls is None else np.where(nulls, 0, values)


def _nulls(series: pl.Series) -> Mask:
    """The rows without a value."""
    if len(series) < FEW_TEXTS:
        return np.fromiter((value is None for value in series.to_list()), np.bool_, len(series))
    nulls: Mask = series.is_null().to_numpy()
    return nulls


def _micros(series: pl.Series, nulls: Mask | None) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 in UTC; a date is its midnight, and what has no zone means UTC."""
    unit = _MICROS[getattr(series.dtype, "time_unit", "day")]
    # What a zone changes is how a moment is shown.
    counts = series.to_physical() if nulls is None else series.to_physical().fill_null(0)
    return counts.to_numpy().astype(np.int64) * unit
