"""What the columnar pass knows of a program: blocks of conjunctions, and the codes of fields.  [plans] -> passes

A field whose equality tests tell many conjunctions apart splits them into classes, as in the index; here several
classes share a block, because a block costs the same for a handful of rows as for hundreds. For a small chunk, for the
same reason, there is a second arrangement without any split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.allowed import Allowed
from engine.blocks import Block
from engine.codings import Codes, Coding, Grid, Intervals, coding_of
from engine.columns import Reader
from engine.compiler import Compiler
from engine.index import BLOCK, splits
from engine.layout import Layout
from engine.probes import Entry, Residual
from engine.residuals import Filter

#: A block takes in classes until it has so many conjunctions.
_FULL = 96


@dataclass(frozen=True, slots=True)
class Part:
    """Conjunctions that are split by one field, or not at all."""

    #: The field that says which block a row belongs to; None: all rows belong to all blocks.
    slot: int | None
    #: Value of that field to block.
    block_of: dict[Any, int]
    blocks: tuple[Block, ...]

    def codes(self, coding: Coding) -> Codes:
        """The block of each code of the field; the number of blocks where there is none."""
        none = len(self.blocks)
        return np.array([self.block_of.get(value, none) for value in coding.representatives], np.int32)


class Plan:
    """The plan for the frames of one fact."""

    def __init__(self, compiled: Compiler, fact: str) -> None:
        """Make it.

        Args:
            compiled: the program.
            fact: whose fields the columns are.
        """
        self._compiled = compiled
        self.reader = Reader(compiled.layout, compiled.intake, fact)
        self.rules = len(compiled.agenda.names)
        self.conjunctions = len(compiled.entries)
        #: Whether a rule has several conjunctions, more than one of which may hold.
        self.repeats = len({entry.position for entry in compiled.entries}) < len(compiled.entries)
        #: Slot to row of the matrix of numbers.
        rows = {name: row for row, name in enumerate(self.reader.names)}
        self.rows = {slot: rows[name] for slot, name in self.reader.slots.items() if name in rows}
        slots = {row: slot for slot, row in self.rows.items()}
        #: The codes of the fields in the matrix of numbers.
        self.intervals = [
            Intervals(cut for values in self._sets(slots.get(row)) for cut in values.numbers.points)
            for row in range(len(self.reader.names))
        ]
        self.grid = Grid(self.intervals)
        bands: dict[tuple[int, int], list[float]] = {}
        for entry in compiled.entries:
            for residual in entry.residuals:
                ratio = residual.ratio
                if ratio is not None:
                    bands.setdefault((ratio.left, ratio.right), []).extend(ratio.band)
        #: The pairs of slots whose ratio is compared with constants, and the codes of those ratios.
        self.pairs = list(bands)
        self.ratios = [Intervals(band) for band in bands.values()]
        self.ratio_grid = Grid(self.ratios)
        self._codings: dict[tuple[int, str], Coding] = {}
        self._filters: dict[int, Filter] = {}

    @property
    def layout(self) -> Layout:
        """The slots of the program."""
        return self._compiled.layout

    @cached_property
    def parts(self) -> list[Part]:
        """The conjunctions, split."""
        parts, entries = [], list(self._compiled.entries)
        for slot, classes, left in splits(entries, self._compiled.kinds):
            blocks: list[list[Entry]] = [[]]
            block_of: dict[Any, int] = {}
            for value in sorted(classes):
                if len(blocks[-1]) >= _FULL:
                    blocks.append([])
                block_of[value] = len(blocks) - 1
                known = {id(entry) for entry in blocks[-1]}
                blocks[-1] += [entry for entry in classes[value] if id(entry) not in known]
            in_order = (sorted(some, key=lambda entry: entry.position) for some in blocks)
            parts.append(Part(slot, block_of, tuple(Block(some) for some in in_order)))
            entries = left
        return [*parts, Part(None, {}, tuple(_blocks(entries)))]

    @cached_property
    def whole(self) -> list[Part]:
        """The conjunctions, as few blocks as can be."""
        return [Part(None, {}, tuple(_blocks(self._compiled.entries)))]

    def _sets(self, slot: int | None) -> list[Allowed]:
        found = [entry.conjunction.allowed.get(slot) for entry in self._compiled.entries] if slot is not None else []
        return [values for values in found if values is not None]

    def coding(self, slot: int, kind: str) -> Coding:
        """The coding of a field for columns of one kind that is no number."""
        if (slot, kind) not in self._codings:
            self._codings[slot, kind] = coding_of(kind, self._sets(slot))
        return self._codings[slot, kind]

    def filter(self, residual: Residual) -> Filter | None:
        """The columnar form of a comparison of computed numbers; None when it is none."""
        if residual.shape is None:
            return None
        if id(residual) not in self._filters:
            self._filters[id(residual)] = Filter(residual.shape)
        return self._filters[id(residual)]


def _blocks(entries: Sequence[Entry]) -> Iterable[Block]:
    return (Block(entries[start : start + BLOCK]) for start in range(0, len(entries), BLOCK))
