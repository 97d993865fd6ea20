"""Find out about the lists of many rows at once: all elements in one frame, their findings put together row by row.

frame_pass, plan -> [element_columns] -> whole_facts

Takes the column of one list fact, gives a column for each finding about it (`engine.matching.findings`), and the rows
with an element that only the record evaluation may judge. The elements of all rows are judged as rows of a frame of
their own are, by the conditions of the list in the place of rules. Judges no rule."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.columnar.columns import Column, Floats, Mask
from engine.columnar.frame_pass import FramePass
from engine.columnar.frame_shape import shape_of_elements
from engine.columnar.plan import FramePlan
from engine.compiler import Compiled
from engine.facts import ElementLayout
from engine.functions import lists
from engine.language import Path
from engine.matching import FOLDS, ElementIndex, Fold
from engine.schema import Kind
from engine.values import Value

#: int64[rows], or int64[elements].
_Counts = npt.NDArray[np.int64]

#: Beyond that, a count of ten-thousandths has more digits than a number.
_MOST = 1e15


@dataclass(frozen=True, slots=True)
class ListColumn:
    """What was found out about a list in all rows."""

    #: A column for each finding, named as `name_of` says.
    findings: dict[str, Column]
    #: The booleans of each row in one integer, as records have them.
    packed: list[int]
    #: bool[rows]: the rows with an element that only the record evaluation may judge.
    fallback_rows: Mask


def name_of(slot: int) -> str:
    """How the column of a finding is called: as no field is."""
    return f".{slot}"


class ElementColumns:
    """Finds out about one list fact."""

    def __init__(self, compiled: Compiled, fact: str) -> None:
        """Prepare.

        Args:
            compiled: the program.
            fact: the list fact; rules may ask for nothing of it.
        """
        self._index = next((one for one in compiled.elements if one.layout.fact == fact), None)
        layout = self._index.layout if self._index is not None else ElementLayout(compiled.layout, fact)
        shape = shape_of_elements(layout, compiled.reader.use)
        entries = self._index.entries if self._index is not None else ()
        as_program = replace(compiled, layout=layout, entries=entries, kinds=layout.kinds, elements=())
        self._conditions = self._index.conditions if self._index is not None else 0
        self._plan = FramePlan(as_program, shape, self._conditions)
        kinds = self._index.kinds if self._index is not None else {}
        slots = sorted(self._index.slots) if self._index is not None else []
        #: The slots of the findings that have a place in columns, and the kind of each.
        self.slots = {slot: cast(Kind, kinds[slot]) for slot in slots if slot in kinds}
        #: Whether all that is asked of an element stands in its fields, and all findings have a place in columns.
        self.fits = shape.fits and (self._index is None or _fits(self._index))

    def find(self, column: pl.Series, as_of: datetime) -> ListColumn:
        """Find out about all rows.

        Args:
            column: of lists of objects.
            as_of: the moment they are judged at, in UTC.
        """
        counts = column.list.len()
        lengths: _Counts = (counts.fill_null(0) if counts.null_count() else counts).to_numpy().astype(np.int64)
        rows = len(lengths)
        parents = np.repeat(np.arange(rows), lengths)
        # An empty list would become an element that is null.
        elements = (column if lengths.all() else column.filter(pl.Series(lengths > 0))).explode()
        fallback_rows: Mask = np.zeros(rows, np.bool_)
        held = np.zeros((rows, self._conditions), np.int64)
        frame_pass = None
        if len(elements):
            frame_pass = FramePass(self._plan, elements.struct.unnest(), as_of)
            odd = frame_pass.fallback_rows
            if elements.null_count():
                odd |= elements.is_null().to_numpy()
            fallback_rows[parents[odd]] = True
            hits, conditions = frame_pass.match()
            places = parents[hits] * self._conditions + conditions
            held = np.bincount(places, minlength=held.size).reshape(held.shape)
        if self._index is None:
            return ListColumn({}, [], fallback_rows)
        index, findings = self._index, dict[str, Column]()
        packed = np.zeros((rows, len(index.boolean_slots)), np.bool_)
        for bit, slot in enumerate(index.boolean_slots):
            if slot in index.some:
                packed[:, bit] = held[:, index.some[slot]] > 0
            elif slot in index.none:
                packed[:, bit] = held[:, index.none[slot]] == 0
            if slot in self.slots:
                findings[name_of(slot)] = Column("boolean", packed[:, bit], None)
        for slot, number in index.counts.items():
            findings[name_of(slot)] = Column("number", held[:, number].astype(np.float64), None)
        folding = _Folding(index, frame_pass, parents, rows)
        findings |= {name_of(fold.slot): folding.fold(fold) for fold in index.folds}
        octets = np.packbits(packed, axis=1, bitorder="little")
        return ListColumn(findings, [int.from_bytes(row.tobytes(), "little") for row in octets], fallback_rows)


class _Folding:
    """The aggregates of one column of lists."""

    def __init__(self, index: ElementIndex, frame_pass: FramePass | None, parents: _Counts, rows: int) -> None:
        self._index = index
        self._pass = frame_pass
        self._parents = parents
        self._rows = rows

    def fold(self, fold: Fold) -> Column:
        """The column of an aggregate."""
        operand = fold.operand
        is_path = isinstance(operand, Path)
        slot = self._index.layout.slot(operand.fact, operand.steps) if isinstance(operand, Path) else -1
        numbers = self._pass.numbers_of(slot) if is_path and self._pass is not None else None
        if numbers is not None and fold.kind == "Sum":
            return _numbers(self._sum(fold, numbers[0]))
        if numbers is not None and fold.kind in ("Min", "Max"):
            return _numbers(self._extreme(fold, *numbers))
        values = list(self._values(fold))
        edges = np.searchsorted(self._parents, np.arange(self._rows + 1)).tolist()
        found = [FOLDS[fold.kind](tuple(values[edges[row] : edges[row + 1]])) for row in range(self._rows)]
        nulls: Mask = np.array([one is None for one in found], np.bool_)
        if self._index.kinds[fold.slot] == "text":
            return Column("text", pl.Series(found, dtype=pl.String), nulls)
        return Column("number", np.array([np.nan if one is None else one for one in found], np.float64), nulls)

    def _values(self, fold: Fold) -> Iterator[Value]:
        """What is computed of each element."""
        if self._pass is None:
            return
        every = np.arange(len(self._parents))
        if isinstance(fold.operand, Path):
            yield from self._pass.values_of(self._index.layout.slot(fold.operand.fact, fold.operand.steps), every)
            return
        compute = self._index.compute(fold.operand)
        for slots in self._pass.slots_of(every):
            yield compute(slots)

    def _sum(self, fold: Fold, numbers: Floats) -> Floats:
        """Sums of ten-thousandths, which are exact; where a number has more digits, each sum by itself.

        NaN where there is none.
        """
        counts = np.rint(numbers * 1e4)
        is_odd = counts / 1e4 != numbers
        sizes = np.bincount(self._parents, np.abs(counts), self._rows)
        sums = np.bincount(self._parents, counts, self._rows) / 1e4
        odd_rows = np.union1d(self._parents[is_odd], np.flatnonzero(~(sizes < _MOST)))
        if not len(odd_rows):
            return sums
        values = list(self._values(fold))
        edges = np.searchsorted(self._parents, [odd_rows, odd_rows + 1]).T.tolist()
        for row, (start, end) in zip(odd_rows.tolist(), edges, strict=True):
            total = lists.total(tuple(values[start:end]))
            sums[row] = np.nan if total is None else total
        return sums

    def _extreme(self, fold: Fold, numbers: Floats, nulls: Mask) -> Floats:
        """The least or greatest number of each row; NaN where there is none."""
        least = fold.kind == "Min"
        worst = np.inf if least else -np.inf
        found = np.full(self._rows, worst)
        (np.minimum if least else np.maximum).at(found, self._parents, np.where(nulls, worst, numbers + 0.0))
        extremes: Floats = np.where(found == worst, np.nan, found)
        return extremes


def _numbers(values: Floats) -> Column:
    """A column of numbers; NaN is none."""
    return Column("number", values, np.isnan(values))


def _fits(index: ElementIndex) -> bool:
    fields = index.layout.fields.keys()
    read: list[frozenset[int]] = [index.layout.note(fold.operand) for fold in index.folds]
    for entry in index.entries:
        read += [frozenset(entry.conjunction.allowed), *(residual.slots for residual in entry.residuals)]
    if not all(slots <= fields for slots in read):
        return False
    kinds: Sequence[str | None] = [index.kinds.get(fold.slot) for fold in index.folds]
    return all(kind in ("number", "text") for kind in kinds)
