"""Encode numbers, and ratios of two numbers, of all fields at once: find the interval that each number lies in.

Takes the cuts of each field and a matrix with a row for each field, gives a matrix of codes. In a small chunk the
values cost less than the NumPy calls made with them, so one grid encodes the whole matrix: it finds a cell of equal
width first, then the cut within that cell."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from engine.columnar.columns import Floats, Mask
from engine.columnar.encodings import Codes, Flips
from engine.facts import ORDINARY, Slots
from engine.matching import Ratio, Residual
from engine.values import Value

#: With more cuts than that in one cell of a grid, a binary search is faster.
_MAX_CUTS_IN_A_CELL = 6


class HasCuts(Protocol):
    """An encoding whose codes rise with a number."""

    #: Where intervals begin, except the first one; rising.
    cuts: list[float]
    #: The code where there is no number.
    null: int


class RatioEncoding:
    """Codes of the ratio of two fields that residual tests compare with constants.

    Behind the codes of the intervals come four more: the ratio can't be used, because the divisor is not above zero;
    the dividend is null; the divisor is null; both are. A null decides such a comparison whatever the other number is.
    """

    def __init__(self, tests: Sequence[Residual], size: int) -> None:
        """Build it.

        Args:
            tests: all comparisons of that ratio.
            size: of the slots of an evaluation.
        """
        self.cuts = sorted({edge for residual in tests for edge in _ratio(residual).band})
        self.null = len(self.cuts) + 1
        self._first_codes = {cut: code for code, cut in enumerate(self.cuts, 1)}
        self._scratch: Slots = [None] * size
        self._scratch[ORDINARY] = True
        bands = np.zeros(self.null + 4, np.int64)
        for residual in tests:
            # In a plain band the two numbers are equal, so the table has the answer.
            if not _ratio(residual).plain:
                below, above = _ratio(residual).band
                bands[self._first_codes[below]] += 1
                bands[self._first_codes[above]] -= 1
        #: bool[codes]: whether an exact test has to decide some comparison.
        self.doubtful: Mask = np.cumsum(bands) > 0
        self.doubtful[self.null] = True

    def flips(self, residual: Residual) -> Flips:
        """The codes with which a comparison holds, or may hold."""
        ratio = _ratio(residual)
        below, above = (self._first_codes[edge] for edge in ratio.band)
        close = self._answer(residual, 1.0, 1.0) if ratio.plain else True
        answers = [(0, ratio.less), (below, close), (above, ratio.more), (self.null, True)]
        for code, values in enumerate(((None, 1.0), (1.0, None), (None, None)), self.null + 1):
            answers.append((code, self._answer(residual, *values)))
        codes = [code for (_, before), (code, after) in pairwise(answers) if before != after]
        return ratio.less, codes

    def _answer(self, residual: Residual, left: Value, right: Value) -> bool:
        ratio = _ratio(residual)
        self._scratch[ratio.left], self._scratch[ratio.right] = left, right
        return residual.test(self._scratch)


def _ratio(residual: Residual) -> Ratio:
    assert residual.ratio is not None
    return residual.ratio


class IntervalGrid:
    """Finds the intervals of several fields at once.

    >>> from engine.columnar.encodings import NumberEncoding
    >>> from engine.values import compared
    >>> grid = IntervalGrid([NumberEncoding([compared("<", 1.0), compared(">=", 5.0)])])
    >>> numbers, codes = np.array([[0.5, 1.0, 7.0, 0.0]]), np.zeros((1, 4), np.intp)
    >>> grid.find(numbers, np.array([[False, False, False, True]]), codes)
    >>> codes.tolist()
    [[0, 1, 2, 3]]
    """

    def __init__(self, fields: Sequence[HasCuts]) -> None:
        """Build it.

        Args:
            fields: the encoding of each row of the matrices to come.
        """
        # A column [fields, 1] of each, so that they broadcast over the rows of a matrix.
        low, scale, last, first_cell, first_cut = [], [], [], [], []
        #: For each cell of all fields, the index in `cuts` of the first cut that lies in it or behind it.
        before: list[Codes] = []
        #: The cuts of all fields, one field after the other, with infinity behind each.
        cuts: list[float] = []
        cells = 0
        #: So many cuts may lie in the cell of a number.
        self._passes = 0
        #: Row and cuts of the fields that are searched, because no grid is fine enough for them.
        self._dense: list[tuple[int, Floats]] = []
        for row, field in enumerate(fields):
            points = np.array(field.cuts, np.float64)
            count = 1 << (4 * len(points) + 1).bit_length()
            start = points[0] if len(points) else 0.0
            with np.errstate(over="ignore", divide="ignore"):
                factor = count / (points[-1] - start) if len(points) > 1 else 0.0
            factor = factor if np.isfinite(factor) else 0.0
            in_cell = np.bincount(_cells(points, start, factor, count), minlength=count + 1)
            if in_cell.max() > _MAX_CUTS_IN_A_CELL:
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
            before.append(np.cumsum(in_cell) - in_cell + len(cuts))
            cuts += [*field.cuts, np.inf]
            cells += count + 1
        self._low, self._scale = np.array(low), np.array(scale)
        self._last, self._first_cell = np.array(last, np.float64), np.array(first_cell, np.intp)
        self._first_cut = np.array(first_cut, np.intp)
        self._before = np.concatenate([*before, np.zeros(0, np.intp)])
        self._cuts = np.array(cuts)
        self._null = np.array([[field.null] for field in fields], np.intp)

    def find(self, numbers: Floats, nulls: Mask, codes: Codes) -> None:
        """Encode a matrix.

        Args:
            numbers: float64[fields, rows]; none of them is NaN.
            nulls: bool[fields, rows], where there is no number.
            codes: intp[fields, rows], is filled.
        """
        if not len(numbers):
            return
        cells = _cells(numbers, self._low, self._scale, self._last)
        cells += self._first_cell
        np.take(self._before, cells, out=codes, mode="clip")
        for _ in range(self._passes):
            codes += numbers >= self._cuts.take(codes)
        codes -= self._first_cut
        for row, points in self._dense:
            codes[row] = np.searchsorted(points, numbers[row], side="right")
        np.copyto(codes, self._null, where=nulls)


def _cells(numbers: Floats, low: Any, scale: Any, last: Any) -> Codes:
    """The cell of each number, from 0 to `last`.

    Args:
        numbers: float64[fields, rows], or those of one field.
        low: float64[fields, 1], where the cells of a field begin.
        scale: float64[fields, 1], cells for each unit.
        last: float64[fields, 1], the last cell.
    """
    cells = numbers - low
    cells *= scale
    np.maximum(cells, 0.0, out=cells)
    np.minimum(cells, last, out=cells)
    whole: Codes = cells.astype(np.intp)
    return whole
