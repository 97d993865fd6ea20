"""Codes for the values of a column: values that no rule tells apart get the same code.  columns -> [codings] -> blocks

A coding is made once for a field, from all constants that rules compare it with. Each code has a representative, so
that a table can be asked about the code by asking about that value; the last code is that of null."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.allowed import Allowed
from engine.columns import EPOCH, Column, Floats, Mask
from engine.values import Value

Codes = npt.NDArray[np.int32]

_MICROSECOND = timedelta(microseconds=1)
#: With more cuts than that in one cell of a grid, a binary search is faster.
_MOST_IN_A_CELL = 6
#: Stands for every text that no rule names.
OTHER = object()


class Coding:
    """The codes of one field, for columns of one kind."""

    def __init__(self, representatives: Sequence[Value]) -> None:
        #: A value for each code.
        self.representatives = (*representatives, None)

    def encode(self, column: Column) -> Codes:
        """The code of each row of a column of that kind."""
        codes = self._codes(column)
        if column.nulls is not None:
            codes[column.nulls] = len(self.representatives) - 1
        return codes

    def _codes(self, column: Column) -> Codes:
        raise NotImplementedError


class Intervals(Coding):
    """Codes of numbers: one for each interval between cuts. `Grid` finds them."""

    def __init__(self, cuts: Iterable[float]) -> None:
        self.cuts = sorted(set(cuts))
        super().__init__((float("-inf"), *self.cuts))


class Grid:
    """Finds the intervals of several fields at once: a cell of equal width first, then the cuts within that cell."""

    def __init__(self, fields: Sequence[Intervals]) -> None:
        """Build it.

        Args:
            fields: the intervals of each row of the matrices to come.
        """
        low, scale, last, first_cell, first_cut = [], [], [], [], []
        before: list[npt.NDArray[np.int32]] = []
        cuts: list[float] = []
        cells = 0
        self._passes = 0
        self._dense: list[tuple[int, Floats]] = []
        for row, field in enumerate(fields):
            points = np.array(field.cuts, np.float64)
            count = 1 << (4 * len(points) + 1).bit_length()
            start = points[0] if len(points) else 0.0
            with np.errstate(over="ignore", divide="ignore"):
                factor = count / (points[-1] - start) if len(points) > 1 else 0.0
            factor = factor if np.isfinite(factor) else 0.0
            in_cell = np.bincount(_cells(points, start, factor, count), minlength=count + 1)
            if in_cell.max() > _MOST_IN_A_CELL:
                # Some of them far apart and others close together: no grid is fine enough for all.
                self._dense.append((row, points))
                factor, in_cell = 0.0, np.zeros(count + 1, np.int64)
            self._passes = max(self._passes, int(in_cell.max()))
            low.append([start])
            scale.append([factor])
            last.append([count])
            first_cell.append([cells])
            first_cut.append([len(cuts)])
            # A cut is put into the cell that a value equal to it falls into. Whatever rounding does to the cell of a
            # value, a value in a later cell is greater than the cut, and one in an earlier cell is less.
            before.append((np.cumsum(in_cell) - in_cell + len(cuts)).astype(np.int32))
            cuts += [*field.cuts, np.inf]
            cells += count + 1
        self._low, self._scale = np.array(low), np.array(scale)
        self._last, self._first_cell = np.array(last, np.float64), np.array(first_cell, np.int64)
        self._first_cut = np.array(first_cut, np.int32)
        self._before = np.concatenate([*before, np.zeros(0, np.int32)])
        self._cuts = np.array(cuts)
        self._null = np.array([[len(field.cuts) + 1] for field in fields], np.int32)

    def find(self, numbers: Floats, nulls: Mask) -> Codes:
        """The codes of a matrix, with a row for each field; no number in it is NaN."""
        if not len(numbers):
            return np.empty(numbers.shape, np.int32)
        codes: Codes = self._before[_cells(numbers, self._low, self._scale, self._last) + self._first_cell]
        for _ in range(self._passes):
            codes += numbers >= self._cuts[codes]
        codes -= self._first_cut
        for row, points in self._dense:
            codes[row] = np.searchsorted(points, numbers[row], side="right")
        return np.where(nulls, self._null, codes)


def _cells(numbers: Floats, low: Any, scale: Any, last: Any) -> npt.NDArray[np.int64]:
    with np.errstate(over="ignore"):
        place = (numbers - low) * scale
    cells: npt.NDArray[np.int64] = np.clip(place, 0, last, out=place).astype(np.int64)
    return cells


class Dates(Coding):
    """Codes of dates: one for each interval between the cuts."""

    def __init__(self, cuts: Iterable[datetime]) -> None:
        points = sorted(set(cuts))
        super().__init__((datetime.min.replace(tzinfo=UTC), *points))
        self._cuts = np.array([(point - EPOCH) // _MICROSECOND for point in points], np.int64)

    def _codes(self, column: Column) -> Codes:
        codes: Codes = np.searchsorted(self._cuts, column.values, side="right").astype(np.int32)
        return codes


class Booleans(Coding):
    """Codes of booleans."""

    def __init__(self) -> None:
        super().__init__((False, True))

    def _codes(self, column: Column) -> Codes:
        codes: Codes = column.values.astype(np.int32)
        return codes


class Texts(Coding):
    """Codes of texts of which rules name some."""

    def __init__(self, texts: Iterable[str]) -> None:
        named = sorted(set(texts))
        super().__init__((*named, OTHER))
        # A text that can't be encoded can't be in a frame either.
        places = [place for place, text in enumerate(named) if _is_unicode(text)]
        self._named = pl.Enum([named[place] for place in places])
        self._places = np.array([*places, len(named)], np.int32)

    def _codes(self, column: Column) -> Codes:
        found = column.values.cast(self._named, strict=False).to_physical().to_numpy()
        # A text that nobody names came out as null, and a null as NaN.
        if found.dtype.kind == "f":
            found = np.where(np.isnan(found), len(self._places) - 1, found).astype(np.int32)
        codes: Codes = self._places[found]
        return codes


class OrderedTexts(Coding):
    """Codes of texts that rules order: one for each interval between the cuts."""

    def __init__(self, cuts: Iterable[str]) -> None:
        self._cuts = sorted(set(cuts))
        super().__init__(("", *self._cuts))

    def _codes(self, column: Column) -> Codes:
        series: pl.Series = column.values
        distinct: list[Any] = series.unique().drop_nulls().to_list()
        codes = [bisect_right(self._cuts, text) for text in distinct]
        coded = series.replace_strict(distinct, codes, default=0, return_dtype=pl.Int32)
        return np.array(coded.fill_null(0).to_numpy(), np.int32)


def coding_of(kind: str, sets: Sequence[Allowed]) -> Coding:
    """The coding of a field that is no number.

    Args:
        kind: `text`, `boolean` or `date`.
        sets: the values that conjunctions allow it.
    """
    if kind == "date":
        return Dates(cut for values in sets for cut in values.dates.points)
    if kind == "boolean":
        return Booleans()
    listed = [values.texts.texts for values in sets]
    if all(texts is not None for texts in listed):
        return Texts(text for texts in listed for text in texts or ())
    return OrderedTexts(cut for values in sets for cut in values.texts.points)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
