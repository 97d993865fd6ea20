"""Which conjunctions a row leaves alive.  blocks, codings -> [lookups] -> plans, passes

For each field of a block one table: code and group to the bits of the conjunctions that this value leaves alive. All
tables of a block stand one behind the other, and most of their vectors repeat: so a match takes all fields at once,
first the place of each vector, then the vectors, and ands them, for as many rows at a time as fit the cache."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from engine.columnar.blocks import WORD, Block
from engine.columnar.encodings import Codes, Encoding, Flips
from engine.columnar.frame_reader import Mask
from engine.columnar.interval_search import Ratios
from engine.values import Value

Words = npt.NDArray[np.uint64]

#: Bytes of bit vectors that are worked on at a time.
_CACHED = 1 << 18


class BlockTables:
    """The tables of a block, for frames whose columns are of certain kinds."""

    def __init__(
        self,
        block: Block,
        fields: Mapping[int, tuple[int, Encoding]],
        ratios: Mapping[tuple[int, int], tuple[int, Ratios]],
        constant: Callable[[int], Value],
    ) -> None:
        """Build them.

        Args:
            block: the conjunctions.
            fields: slot to the row of the codes, and what they mean.
            ratios: pair of slots to the same.
            constant: gives the value that all rows have in a slot that is no field.
        """
        self.block = block
        self._ratio_rows = np.array([ratios[pair][0] for pair in block.ratios], np.intp)
        own = [ratios[pair][1].doubtful for pair in block.ratios]
        # The codes of all ratios, one after the other: whether they leave a comparison in doubt.
        self._doubtful: Mask = np.concatenate([np.zeros(0, np.bool_), *own])
        self._ratio_starts = np.cumsum([[0], *([len(some)] for some in own)], axis=0)[:-1]
        self._by_group = None
        if block.slot is not None:
            row, coding = fields[block.slot]
            self._by_group = (row, block.group_by_code(coding))
        rows: list[int] = []
        tables: list[Words] = []
        for slot in block.slots:
            if slot in fields:
                row, coding = fields[slot]
                rows.append(row)
                sets = ((number, entry.conjunction.allowed.get(slot)) for number, entry in block.entries.items())
                flips = ((number, coding.flips(values)) for number, values in sets if values is not None)
                tables.append(_table(block, coding.null + 1, flips))
        for pair, tests in block.ratios.items():
            row, ratio = ratios[pair]
            rows.append(row)
            flips = ((number, ratio.flips(residual)) for number, residual in tests.items())
            tables.append(_table(block, len(ratio.doubtful), flips))
        self._possible = self._bits(fields, constant)
        self._rows = np.array(rows, np.intp)
        if tables:
            tables[0] &= self._possible
            self._join(tables)

    def _bits(self, fields: Mapping[int, tuple[int, Encoding]], constant: Callable[[int], Value]) -> Words:
        """The bits of each group that conjunctions have, but for those that fail in every row."""
        constants = [slot for slot in self.block.slots if slot not in fields]
        alive = np.zeros(self.block.groups * self.block.words * WORD, np.bool_)
        for number, entry in self.block.entries.items():
            allowed = entry.conjunction.allowed
            alive[number] = all(constant(slot) in allowed[slot] for slot in constants if slot in allowed)
        return np.packbits(alive, bitorder="little").view(np.uint64).reshape(self.block.groups, self.block.words)

    def _join(self, tables: list[Words]) -> None:
        """Put the tables one behind the other, each vector once for all codes in a row that share it."""
        groups = self.block.groups
        places, vectors, starts = [], [], []
        entries = known = 0
        for table in tables:
            is_new = np.ones(table.shape[:2], np.bool_)
            np.any(table[1:] != table[:-1], axis=2, out=is_new[1:])
            by_group = is_new.T
            place = np.cumsum(by_group) - 1 + known
            places.append(place.reshape(by_group.shape).T.ravel())
            vectors.append(table.transpose(1, 0, 2)[by_group])
            starts.append([entries])
            entries += is_new.size
            known += len(vectors[-1])
        self._starts = np.array(starts, np.intp)
        self._groups = groups
        self._places = np.concatenate(places).astype(np.int32)
        self._vectors = np.concatenate(vectors)
        self._step = max(WORD, _CACHED // (len(tables) * self.block.words * 8))

    def groups_of(self, codes: Codes) -> Codes | None:
        """The group of each row; None: all have the only one."""
        if self._by_group is None:
            return None
        row, groups = self._by_group
        found: Codes = groups.take(codes[row])
        return found

    def suspect(self, codes: Codes) -> Mask | None:
        """The rows in which an exact test has to say what some comparison of a ratio says; None: there are none."""
        if not len(self._ratio_rows):
            return None
        index = codes.take(self._ratio_rows, axis=0)
        index += self._ratio_starts
        found: Mask = np.logical_or.reduce(self._doubtful.take(index), axis=0)
        return found if found.any() else None

    def alive(self, codes: Codes, groups: Codes | None) -> Words:
        """Match.

        Args:
            codes: of each field and row.
            groups: of each row.

        Returns:
            For each row the bits that are alive.
        """
        count = codes.shape[1]
        if not len(self._rows):
            every: Words = self._possible.take(np.zeros(count, np.intp) if groups is None else groups, axis=0)
            return every
        alive = np.empty((count, self.block.words), np.uint64)
        for start in range(0, count, self._step):
            part = slice(start, start + self._step)
            index = codes[self._rows, part]
            if groups is not None:
                index *= self._groups
                index += groups[part]
            index += self._starts
            np.bitwise_and.reduce(self._vectors.take(self._places.take(index), axis=0), axis=0, out=alive[part])
        return alive


def _table(block: Block, size: int, flips: Iterable[tuple[int, Flips]]) -> Words:
    """The vectors of one field, by code and group: they differ from one code to the next where a set begins or ends."""
    table = np.zeros((size, block.groups, block.words), np.uint64)
    table[0] = ~np.uint64(0)
    stride = block.words * WORD
    codes, numbers = [], []
    for number, (inside, own) in flips:
        if not inside:
            own = [0, *own]
        codes += own
        numbers += [number] * len(own)
    groups, bits = np.divmod(np.array(numbers, np.int64), stride)
    masks = np.uint64(1) << (bits % WORD).astype(np.uint64)
    np.bitwise_xor.at(table, (np.array(codes, np.intp), groups, bits // WORD), masks)
    np.bitwise_xor.accumulate(table, axis=0, out=table)
    return table
