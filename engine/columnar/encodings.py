"""Codes for the values of a column: values that no rule tells apart get the same code.  columns -> [codings] -> lookups

A coding is made once for a field, from all constants that rules compare it with. The codes of an ordered kind rise with
the values, so that a set of values is known by the codes at which it begins and ends. Numbers, and ratios of two, are
coded by `engine.columnar.interval_search`."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.columnar.frame_reader import EPOCH, FEW_TEXTS, Column
from engine.values import IntervalSet, Value, ValueSet

Codes = npt.NDArray[np.intp]
#: Whether the first code is in a set, and the codes from which on it is the other way round.
Flips = tuple[bool, list[int]]

#: Of one field, the codes of so many texts are kept.
_MOST_TEXTS = 4_096
_MICROSECOND = timedelta(microseconds=1)


class Encoding:
    """The codes of one field, for columns of one kind."""

    def __init__(self, places: Mapping[Any, int], null: int) -> None:
        """Keep what all codings have.

        Args:
            places: the code that begins with a constant.
            null: the code of null, the last one.
        """
        self._places = places
        self.null = null

    def code_of(self, constant: Value) -> int | None:
        """The code of a value that some rule demands; None: no column of this kind holds it."""
        return self._places.get(constant)

    def flips(self, values: ValueSet) -> Flips:
        """A set of values, in codes."""
        inside, codes = self._flips(values)
        if values.null != (inside ^ (len(codes) % 2 == 1)):
            codes.append(self.null)
        return inside, codes

    def encode(self, column: Column) -> Codes:
        """The code of each row of a column of that kind."""
        codes = self._codes(column)
        if column.nulls is not None:
            codes[column.nulls] = self.null
        return codes

    def _flips(self, values: ValueSet) -> Flips:
        """The same, when null has the answer of the code before it."""
        raise NotImplementedError

    def _codes(self, column: Column) -> Codes:
        raise NotImplementedError


class Intervals(Encoding):
    """Codes of an ordered kind: one for each interval between cuts."""

    def __init__(self, sets: Sequence[ValueSet], cuts_of: Callable[[ValueSet], IntervalSet]) -> None:
        """Build it.

        Args:
            sets: all that conjunctions allow the field.
            cuts_of: gives the cuts of that kind.
        """
        #: Where intervals begin, but the first one.
        self.cuts = sorted({cut for values in sets for cut in cuts_of(values).points})
        self._cuts_of = cuts_of
        super().__init__({cut: place for place, cut in enumerate(self.cuts, 1)}, len(self.cuts) + 1)

    def _flips(self, values: ValueSet) -> Flips:
        cuts = self._cuts_of(values)
        return cuts.inside, [self._places[cut] for cut in cuts.points]


class Numbers(Intervals):
    """Codes of numbers."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.numbers)


class Dates(Intervals):
    """Codes of dates."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.dates)
        self._micros = np.array([(cut - EPOCH) // _MICROSECOND for cut in self.cuts], np.int64)

    def one(self, moment: datetime) -> int:
        """The code of a single moment."""
        return bisect_right(self.cuts, moment)

    def _codes(self, column: Column) -> Codes:
        codes: Codes = np.searchsorted(self._micros, column.values, side="right")
        return codes


class _Bisected(dict[Any, int]):
    """The codes of texts that came by, each found once."""

    def __init__(self, cuts: list[str]) -> None:
        super().__init__({None: 0})
        self._cuts = cuts

    def __missing__(self, text: str) -> int:
        code = bisect_right(self._cuts, text)
        if len(self) < _MOST_TEXTS:
            self[text] = code
        return code


class OrderedTexts(Intervals):
    """Codes of texts that rules order."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        super().__init__(sets, lambda values: values.texts)
        self._known = _Bisected(self.cuts)

    def _codes(self, column: Column) -> Codes:
        return np.fromiter(map(self._known.__getitem__, column.texts), np.intp, len(column.values))


class _Known(dict[Any, int]):
    """The codes of texts; that of all others is 0."""

    def __missing__(self, text: Any) -> int:
        return 0


class Texts(Encoding):
    """Codes of texts of which rules only name some; the first code is that of all others."""

    def __init__(self, named: Sequence[str]) -> None:
        """Build it.

        Args:
            named: the texts, sorted.
        """
        super().__init__({text: place for place, text in enumerate(named, 1)}, len(named) + 1)
        self._known = _Known(self._places)
        # A text that can't be encoded can't be in a frame either.
        known = [text for text in named if _is_unicode(text)]
        self._enum = pl.Enum(known)
        # A text that nobody names is found at -1.
        self._codes_of = np.array([*(self._places[text] for text in known), 0], np.intp)

    def _flips(self, values: ValueSet) -> Flips:
        texts = values.texts
        return texts.inside, [self._places[text] + after for text in texts.texts or () for after in (0, 1)]

    def _codes(self, column: Column) -> Codes:
        if len(column.values) < FEW_TEXTS:
            return np.fromiter(map(self._known.__getitem__, column.texts), np.intp, len(column.values))
        found = column.values.cast(self._enum, strict=False).to_physical().to_numpy()
        # A text that nobody names came out as null, and a null as NaN.
        if found.dtype.kind == "f":
            found = np.where(np.isnan(found), -1, found)
        codes: Codes = self._codes_of[found.astype(np.intp)]
        return codes


class Booleans(Encoding):
    """Codes of booleans."""

    def __init__(self) -> None:
        super().__init__({}, 2)

    def _flips(self, values: ValueSet) -> Flips:
        return values.false, [1] if values.true != values.false else []

    def _codes(self, column: Column) -> Codes:
        codes: Codes = column.values.astype(np.intp)
        return codes


def coding_of(kind: str, sets: Sequence[ValueSet]) -> Encoding:
    """The coding of a field that is no number.

    Args:
        kind: `text`, `boolean` or `date`.
        sets: the values that conjunctions allow it.
    """
    if kind == "date":
        return Dates(sets)
    if kind == "boolean":
        return Booleans()
    listed = [values.texts.texts for values in sets]
    if all(texts is not None for texts in listed):
        return Texts(sorted({text for texts in listed for text in texts or ()}))
    return OrderedTexts(sets)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
