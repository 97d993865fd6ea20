"""One frame going through the columnar pass.  plans, columns -> [passes] -> chunks

Codes each column once, lets the blocks say which conjunctions are alive in each row, and runs the residual tests for
those: in floats for many rows at once where that settles them, else one by one, exactly."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.blocks import Block, Words
from engine.codings import Codes, Coding
from engine.columns import Mask
from engine.layout import AS_OF, MEMO, ORDINARY, Layout, Slots
from engine.plans import Part, Plan
from engine.probes import Residual
from engine.values import Value

#: For fewer rows, testing each exactly is faster than a pass over arrays.
_FEW_ROWS = 8
#: A chunk of fewer rows is not split, unless there are many conjunctions.
_SMALL = 1_500
_MANY = 2_048

Places = npt.NDArray[np.int64]


class Pass:
    """One frame."""

    def __init__(self, plan: Plan, frame: pl.DataFrame, as_of: datetime) -> None:
        """Read the frame and code its numbers.

        Args:
            plan: of the program.
            frame: one row per fact.
            as_of: the moment they are judged at, in UTC.
        """
        self._plan = plan
        self._count = len(frame)
        self._columns = plan.reader.read(frame)
        #: The rows that only the record evaluator may judge.
        self.odd = self._columns.odd
        self._constants = _constants(plan.layout, as_of)
        self._fields: dict[int, tuple[Coding, Codes]] = {}
        self._ratios: dict[tuple[int, int], tuple[Coding, Codes]] = {}
        #: The slots of the row whose residual tests run; only what those read is filled in.
        self._scratch: Slots = [None] * plan.layout.size
        self._scratch[ORDINARY] = True
        for slot, value in self._constants.items():
            self._scratch[slot] = value
        self._values: dict[int, list[Value]] = {}
        self._known: dict[int, dict[Value, bool]] = {}

    def match(self) -> tuple[Places, Places]:
        """The rules that match, for all rows that are not odd.

        Returns:
            Where the places of each row start (one more than rows), and the places on the agenda, in order.
        """
        sane = None if not self.odd.any() else np.flatnonzero(~self.odd)
        if sane is not None and not len(sane):
            return np.zeros(self._count + 1, np.int64), np.zeros(0, np.int64)
        self._encode()
        # One number per hit, so that one sort puts rows in order, and the rules of each on the agenda.
        most = max(1, self._plan.rules)
        found = [np.zeros(0, np.int64)]
        whole = self._count < _SMALL and self._plan.conjunctions <= _MANY
        for part in self._plan.whole if whole else self._plan.parts:
            for block, rows in self._blocks(part, sane):
                row, bit = self._alive(block, rows)
                found.append((row if rows is None else rows[row]) * most + block.places[bit])
        keys = np.concatenate(found)
        keys.sort()
        if self._plan.repeats:
            keys = keys[np.flatnonzero(np.diff(keys, prepend=-1))]
        rows, places = np.divmod(keys, most)
        starts = np.zeros(self._count + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=self._count), out=starts[1:])
        return starts, places

    def _encode(self) -> None:
        """Code all columns, and all ratios of two of them."""
        plan, columns = self._plan, self._columns
        numbers, nulls = columns.numbers, columns.nulls
        codes = plan.grid.find(numbers, nulls)
        for slot, name in plan.reader.slots.items():
            other = columns.others.get(name)
            if other is not None:
                coding = plan.coding(slot, other.kind)
                self._fields[slot] = (coding, coding.encode(other))
            elif slot in plan.rows:
                self._fields[slot] = (plan.intervals[plan.rows[slot]], codes[plan.rows[slot]])
        # A field of another kind has no row, or an empty one: then the ratio says nothing.
        pairs = [pair for pair in plan.pairs if pair[0] in plan.rows and pair[1] in plan.rows]
        over, under = ([plan.rows[pair[side]] for pair in pairs] for side in (0, 1))
        silent = nulls[over] | nulls[under] | (numbers[under] <= 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = numbers[over] / numbers[under]
        np.copyto(ratios, 0.0, where=silent)
        if len(pairs) < len(plan.pairs):
            ratios, silent = self._spread(pairs, ratios, silent)
        ratio_codes = plan.ratio_grid.find(ratios, silent)
        for row, pair in enumerate(plan.pairs):
            self._ratios[pair] = (plan.ratios[row], ratio_codes[row])

    def _spread(
        self, pairs: list[tuple[int, int]], ratios: npt.NDArray[np.float64], silent: Mask
    ) -> tuple[npt.NDArray[np.float64], Mask]:
        """The ratios with rows for the pairs that can't have one."""
        known = [self._plan.pairs.index(pair) for pair in pairs]
        shape = (len(self._plan.pairs), self._count)
        all_ratios, all_silent = np.zeros(shape), np.ones(shape, np.bool_)
        all_ratios[known], all_silent[known] = ratios, silent
        return all_ratios, all_silent

    def _blocks(self, part: Part, sane: Places | None) -> Iterator[tuple[Block, Places | None]]:
        """Each block of a part with the rows that belong to it; None: all rows."""
        if part.slot is None:
            yield from ((block, sane) for block in part.blocks)
            return
        if part.slot not in self._fields:
            return
        coding, codes = self._fields[part.slot]
        block_of = part.codes(coding)[codes if sane is None else codes[sane]].astype(np.int16)
        order = np.argsort(block_of, kind="stable")
        edges = np.searchsorted(block_of[order], np.arange(len(part.blocks) + 1))
        for i, block in enumerate(part.blocks):
            rows = order[edges[i] : edges[i + 1]]
            if len(rows):
                yield block, rows if sane is None else sane[rows]

    def _alive(self, block: Block, rows: Places | None) -> tuple[Places, Places]:
        """Row (its number among `rows`) and bit of every conjunction that holds."""
        fields = {slot: self._fields[slot] for slot in block.tables if slot in self._fields}
        ratios = {pair: self._ratios[pair] for pair in block.ratios}
        count = self._count if rows is None else len(rows)
        if rows is not None:
            fields = {slot: (coding, codes[rows]) for slot, (coding, codes) in fields.items()}
            ratios = {pair: (coding, codes[rows]) for pair, (coding, codes) in ratios.items()}
        alive, doubt = block.match(count, fields, ratios, self._constants)
        row, bit = _set_bits(alive)
        if doubt is not None:
            unsure = np.flatnonzero((doubt[row, bit >> 6] >> (bit & 63).astype(np.uint64)) & np.uint64(1))
            if len(unsure):
                holds = np.ones(len(row), np.bool_)
                self._settle(block, row if rows is None else rows[row], bit, unsure, holds)
                row, bit = row[holds], bit[holds]
        return row, bit

    def _settle(self, block: Block, rows: Places, bits: Places, unsure: Places, holds: Mask) -> None:
        """Run the residual tests of what tables could not decide."""
        order = unsure[np.argsort(bits[unsure], kind="stable")]
        edges = np.flatnonzero(np.diff(bits[order], prepend=-1, append=-1))
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            mine = order[start:end]
            for residual in block.entries[int(bits[mine[0]])].residuals:
                if len(mine):
                    self._run(residual, rows, mine, holds)
                    mine = mine[holds[mine]]

    def _run(self, residual: Residual, rows: Places, mine: Places, holds: Mask) -> None:
        """Run one residual test for some hits, and strike out those that fail."""
        left = mine
        filter_ = self._plan.filter(residual) if len(mine) >= _FEW_ROWS else None
        if filter_ is not None and all(slot in self._plan.rows for slot in filter_.slots):
            own = rows[mine]
            numbers = [self._columns.numbers[self._plan.rows[slot]][own] for slot in filter_.slots]
            passed, unsure = filter_.ask(numbers)
            for slot in filter_.slots:
                unsure |= self._columns.nulls[self._plan.rows[slot]][own]
            holds[mine[~passed & ~unsure]] = False
            left = mine[unsure]
        for hit in left.tolist():
            holds[hit] = self._test(residual, int(rows[hit]))

    def _test(self, residual: Residual, row: int) -> bool:
        """Run a residual test for one row, exactly; what one field alone decides, once per value."""
        scratch = self._scratch
        for slot in residual.slots:
            if slot in self._fields:
                scratch[slot] = self._list(slot)[row]
        if len(residual.slots) > 1:
            scratch[MEMO] = None
            return residual.test(scratch)
        known = self._known.setdefault(id(residual), {})
        value = scratch[next(iter(residual.slots))] if residual.slots else None
        if value not in known:
            scratch[MEMO] = None
            known[value] = residual.test(scratch)
        return known[value]

    def _list(self, slot: int) -> list[Value]:
        """The values of a column, as slots hold them."""
        if slot not in self._values:
            other = self._columns.others.get(self._plan.reader.slots[slot])
            if other is not None:
                self._values[slot] = other.listed()
            else:
                row = self._plan.rows[slot]
                values: list[Value] = self._columns.numbers[row].tolist()
                for place in np.flatnonzero(self._columns.nulls[row]).tolist():
                    values[place] = None
                self._values[slot] = values
        return self._values[slot]


def _constants(layout: Layout, as_of: datetime) -> dict[int, Value]:
    """What every row has in the slots that are no columns, as far as it is not null."""
    found: dict[int, Value] = {AS_OF: as_of}
    lists = layout.schema.list_facts if layout.schema is not None else frozenset()
    for (owner, steps), slot in layout.places.items():
        if owner in lists and not steps:
            found[slot] = ()
    return found


def _set_bits(words: Words) -> tuple[Places, Places]:
    """Row and bit of every bit that is set, in order."""
    flat = words.ravel()
    places = np.flatnonzero(flat)
    set_ = np.flatnonzero(np.unpackbits(flat[places].view(np.uint8), bitorder="little"))
    bits = places[set_ >> 6] * 64 + (set_ & 63)
    return np.divmod(bits, words.shape[1] * 64)
