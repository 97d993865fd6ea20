"""Dictionary encoding of one column: values that no rule tells apart get the same code.

Takes the value sets that conjunctions allow a field, and columns of a frame; gives a code for each row. An encoding is
made once for a field and a kind of column. The codes of an ordered kind rise with the values, so that a set of values
is described by the codes at which it begins and ends. Numbers, and ratios of two, are encoded by
`engine.columnar.interval_search`: a matrix at once, not one column at a time."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.columnar.columns import EPOCH, FEW_TEXTS, Column, micros_of
from engine.values import IntervalSet, Value, ValueSet

#: intp[rows] or intp[fields, rows]: an index into the table of a field for each row.
Codes = npt.NDArray[np.intp]
#: A set in codes: whether the first code is in it, and the rising codes from which on it is the other way round.
Flips = tuple[bool, list[int]]

#: Of one field that rules order as a text, the codes of so many texts are kept.
_MAX_CACHED_TEXTS = 4_096
_MICROSECOND = timedelta(microseconds=1)


class Encoding:
    """The codes of one field, for columns of one kind."""

    def __init__(self, first_codes: Mapping[Any, int], null: int) -> None:
        """Keep what all encodings have.

        Args:
            first_codes: constant to the code that begins with it.
            null: the code of null, the last one.
        """
        self._first_codes = first_codes
        self.null = null

    def code_of(self, constant: Value) -> int | None:
        """The code of a constant that some rule demands; None: no column of this kind holds it."""
        return self._first_codes.get(constant)

    def flips(self, values: ValueSet) -> Flips:
        """A set of values, in codes.

        >>> from engine.values import among
        >>> TextEncoding(["blue", "red"]).flips(among(["red"]))
        (False, [2, 3])
        """
        inside, codes = self._flips(values)
        if values.null != (inside ^ (len(codes) % 2 == 1)):
            codes.append(self.null)
        return inside, codes

    def encode(self, column: Column) -> Codes:
        """intp[rows]: the code of each row of a column of that kind."""
        codes = self._codes(column)
        if column.nulls is not None:
            codes[column.nulls] = self.null
        return codes

    def _flips(self, values: ValueSet) -> Flips:
        """As `flips`, for a null that is in the set if the code before it is."""
        raise NotImplementedError

    def _codes(self, column: Column) -> Codes:
        raise NotImplementedError


class IntervalEncoding(Encoding):
    """Codes of an ordered kind: one for each interval between cuts."""

    def __init__(self, sets: Sequence[ValueSet], part_of: Callable[[ValueSet], IntervalSet]) -> None:
        """Build it.

        Args:
            sets: all that conjunctions allow the field.
            part_of: gives the part of a set that is of that kind.
        """
        #: Where intervals begin, except the first one; rising.
        self.cuts = sorted({cut for values in sets for cut in part_of(values).points})
        self._part_of = part_of
        super().__init__({cut: code for code, cut in enumerate(self.cuts, 1)}, len(self.cuts) + 1)

    def _flips(self, values: ValueSet) -> Flips:
        part = self._part_of(values)
        return part.inside, [self._first_codes[cut] for cut in part.points]


class NumberEncoding(IntervalEncoding):
    """Codes of numbers."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.numbers)


class DateEncoding(IntervalEncoding):
    """Codes of dates."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.dates)
        self._micros = np.array([(cut - EPOCH) // _MICROSECOND for cut in self.cuts], np.int64)

    def code_of_moment(self, moment: datetime) -> int:
        """The code of a single moment, in UTC."""
        return bisect_right(self.cuts, moment)

    def _codes(self, column: Column) -> Codes:
        codes: Codes = np.searchsorted(self._micros, column.values, side="right")
        return codes


class DayEncoding(IntervalEncoding):
    """Codes of whole days."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.days)
        self._days = np.array([(cut - date(1970, 1, 1)).days for cut in self.cuts], np.int64)

    def _codes(self, column: Column) -> Codes:
        codes: Codes = np.searchsorted(self._days, column.values, side="right")
        return codes


class ClockEncoding(IntervalEncoding):
    """Codes of times of day, or of durations."""

    def __init__(self, sets: Sequence[ValueSet], kind: str) -> None:
        super().__init__(sets, lambda values: values.times if kind == "time" else values.durations)
        self._micros = np.array([micros_of(cut) for cut in self.cuts], np.int64)

    def _codes(self, column: Column) -> Codes:
        codes: Codes = np.searchsorted(self._micros, column.values, side="right")
        return codes


class _CachedSearch(dict[Any, int]):
    """Text to its code, searched once for each text."""

    def __init__(self, cuts: list[str]) -> None:
        # The code of null is put in later, by `Encoding.encode`.
        super().__init__({None: 0})
        self._cuts = cuts

    def __missing__(self, text: str) -> int:
        code = bisect_right(self._cuts, text)
        if len(self) < _MAX_CACHED_TEXTS:
            self[text] = code
        return code


class OrderedTextEncoding(IntervalEncoding):
    """Codes of texts that rules order."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.texts)
        self._code_of_text = _CachedSearch(self.cuts)

    def _codes(self, column: Column) -> Codes:
        return np.fromiter(map(self._code_of_text.__getitem__, column.texts), np.intp, len(column.values))


class _CodesOrZero(dict[Any, int]):
    """Text to its code; 0 for all others."""

    def __missing__(self, text: Any) -> int:
        return 0


class TextEncoding(Encoding):
    """Codes of texts of which rules only name some; the first code is that of all others."""

    def __init__(self, named: Sequence[str]) -> None:
        """Build it.

        Args:
            named: the texts, sorted.
        """
        super().__init__({text: code for code, text in enumerate(named, 1)}, len(named) + 1)
        self._code_of_text = _CodesOrZero(self._first_codes)
        # A text that can't be written as UTF-8 can't be in a frame either.
        possible = [text for text in named if _is_unicode(text)]
        self._enum = pl.Enum(possible)
        # The last one, at -1, is that of a text that nobody names.
        self._code_of_category = np.array([*(self._first_codes[text] for text in possible), 0], np.intp)

    def _flips(self, values: ValueSet) -> Flips:
        texts = values.texts
        return texts.inside, [self._first_codes[text] + after for text in texts.texts or () for after in (0, 1)]

    def _codes(self, column: Column) -> Codes:
        if len(column.values) < FEW_TEXTS:
            return np.fromiter(map(self._code_of_text.__getitem__, column.texts), np.intp, len(column.values))
        categories = column.values.cast(self._enum, strict=False).to_physical().to_numpy()
        # A text that nobody names came out as null, and with nulls NumPy gets floats, where a null is NaN.
        if categories.dtype.kind == "f":
            categories = np.where(np.isnan(categories), -1, categories)
        codes: Codes = self._code_of_category[categories.astype(np.intp)]
        return codes


class BooleanEncoding(Encoding):
    """Codes of booleans."""

    def __init__(self) -> None:
        super().__init__({}, 2)

    def _flips(self, values: ValueSet) -> Flips:
        return values.false, [1] if values.true != values.false else []

    def _codes(self, column: Column) -> Codes:
        codes: Codes = column.values.astype(np.intp)
        return codes


def encoding_of(kind: str, sets: Sequence[ValueSet]) -> Encoding:
    """The encoding of a field that is no number.

    Args:
        kind: as of a `Column`.
        sets: the values that conjunctions allow it.
    """
    if kind == "date":
        return DateEncoding(sets)
    if kind == "day":
        return DayEncoding(sets)
    if kind in ("time", "duration"):
        return ClockEncoding(sets, kind)
    if kind == "boolean":
        return BooleanEncoding()
    listed = [values.texts.texts for values in sets]
    if all(texts is not None for texts in listed):
        return TextEncoding(sorted({text for texts in listed for text in texts or ()}))
    return OrderedTextEncoding(sets)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
