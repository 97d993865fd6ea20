"""The tables of a block: code of a field to the conjunctions that its values leave alive.

For each field of a block there is one table: code and group to a bit vector. All tables of a block stand one behind the
other, and most of their vectors repeat, so each stands there once: a match takes all fields at once, first the index of
each vector, then the vectors, and ands them, for as many rows at a time as fit the cache."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from engine.columnar.blocks import WORD, Block
from engine.columnar.columns import Mask
from engine.columnar.encodings import Codes, Encoding, Flips
from engine.columnar.interval_search import RatioEncoding
from engine.facts import Slots

#: uint64[any, words]: bit vectors.
Words = npt.NDArray[np.uint64]

#: Bytes of bit vectors that are worked on at a time: they fit the second-level cache.
_CACHED_BYTES = 1 << 18


class BlockTables:
    """The tables of a block, for frames whose columns are of certain kinds."""

    def __init__(
        self,
        block: Block,
        fields: Mapping[int, tuple[int, Encoding]],
        ratios: Mapping[tuple[int, int], tuple[int, RatioEncoding]],
        blank: Slots,
    ) -> None:
        """Build them.

        Args:
            block: the conjunctions.
            fields: slot to its row in the matrix of codes, and what these codes mean.
            ratios: pair of slots to the same.
            blank: what all rows have in the slots that are no field of the frame.
        """
        self.block = block
        self._ratio_rows = np.array([ratios[pair][0] for pair in block.ratios], np.intp)
        doubtful = [ratios[pair][1].doubtful for pair in block.ratios]
        # The codes of all ratios, one after the other: whether they leave a comparison in doubt.
        self._doubtful: Mask = np.concatenate([np.zeros(0, np.bool_), *doubtful])
        self._ratio_starts = np.cumsum([[0], *([len(some)] for some in doubtful)], axis=0)[:-1]
        self._by_group = None
        if block.slot is not None:
            row, encoding = fields[block.slot]
            self._by_group = (row, block.group_by_code(encoding))
        rows: list[int] = []
        tables: list[Words] = []
        for slot in block.slots:
            if slot in fields:
                row, encoding = fields[slot]
                rows.append(row)
                sets = ((number, entry.conjunction.allowed.get(slot)) for number, entry in block.entries.items())
                flips = ((number, encoding.flips(values)) for number, values in sets if values is not None)
                tables.append(_table(block, encoding.null + 1, flips))
        for pair, tests in block.ratios.items():
            row, ratio = ratios[pair]
            rows.append(row)
            flips = ((number, ratio.flips(residual)) for number, residual in tests.items())
            tables.append(_table(block, len(ratio.doubtful), flips))
        self._possible = self._bits(fields, blank)
        self._rows = np.array(rows, np.intp)
        if tables:
            tables[0] &= self._possible
            self._join(tables)

    def _bits(self, fields: Mapping[int, tuple[int, Encoding]], blank: Slots) -> Words:
        """uint64[groups, words]: the bits of the conjunctions of each group, except those that fail in every row."""
        constants = [slot for slot in self.block.slots if slot not in fields]
        alive = np.zeros(self.block.groups * self.block.words * WORD, np.bool_)
        for number, entry in self.block.entries.items():
            allowed = entry.conjunction.allowed
            alive[number] = all(blank[slot] in allowed[slot] for slot in constants if slot in allowed)
        return np.packbits(alive, bitorder="little").view(np.uint64).reshape(self.block.groups, self.block.words)

    def _join(self, tables: list[Words]) -> None:
        """Put the tables one behind the other, each vector once for neighbouring codes that share it.

        Args:
            tables: of each field uint64[codes, groups, words].
        """
        indexes, vectors, starts = [], [], []
        size = count = 0
        for table in tables:
            # bool[codes, groups]: whether the vector is another one than that of the code before.
            is_new = np.ones(table.shape[:2], np.bool_)
            np.any(table[1:] != table[:-1], axis=2, out=is_new[1:])
            by_group = is_new.T
            index = np.cumsum(by_group) - 1 + count
            indexes.append(index.reshape(by_group.shape).T.ravel())
            vectors.append(table.transpose(1, 0, 2)[by_group])
            starts.append([size])
            size += is_new.size
            count += len(vectors[-1])
        #: intp[tables, 1], where the indexes of each table begin.
        self._starts = np.array(starts, np.intp)
        #: int32[sum of codes * groups], code and group of each table to its vector.
        self._indexes = np.concatenate(indexes).astype(np.int32)
        #: uint64[vectors, words].
        self._vectors = np.concatenate(vectors)
        #: Rows that are matched at a time.
        self._step = max(WORD, _CACHED_BYTES // (len(tables) * self.block.words * 8))

    def groups_of(self, codes: Codes) -> Codes | None:
        """The group of each row.

        Args:
            codes: intp[fields, rows].

        Returns:
            intp[rows]; None: all rows have the only group.
        """
        if self._by_group is None:
            return None
        row, group_by_code = self._by_group
        groups: Codes = group_by_code.take(codes[row])
        return groups

    def doubtful_rows(self, codes: Codes) -> Mask | None:
        """The rows in which an exact test has to decide some comparison of a ratio.

        Args:
            codes: intp[fields, rows].

        Returns:
            bool[rows]; None: there are none.
        """
        if not len(self._ratio_rows):
            return None
        index = codes.take(self._ratio_rows, axis=0)
        index += self._ratio_starts
        is_doubtful: Mask = np.logical_or.reduce(self._doubtful.take(index), axis=0)
        return is_doubtful if is_doubtful.any() else None

    def alive(self, codes: Codes, groups: Codes | None) -> Words:
        """Match.

        Args:
            codes: intp[fields, rows].
            groups: intp[rows], the group of each row; None: there is one group.

        Returns:
            uint64[rows, words], the bits of the conjunctions that are alive in each row.
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
                index *= self.block.groups
                index += groups[part]
            index += self._starts
            np.bitwise_and.reduce(self._vectors.take(self._indexes.take(index), axis=0), axis=0, out=alive[part])
        return alive


def _table(block: Block, size: int, flips: Iterable[tuple[int, Flips]]) -> Words:
    """The bit vectors of one field: they differ from one code to the next where a set begins or ends.

    Args:
        block: the conjunctions.
        size: how many codes the field has.
        flips: number of each conjunction that tests the field, and the set of codes that it allows.

    Returns:
        uint64[codes, groups, words].
    """
    table = np.zeros((size, block.groups, block.words), np.uint64)
    table[0] = ~np.uint64(0)
    stride = block.words * WORD
    codes, numbers = [], []
    for number, (inside, changes) in flips:
        if not inside:
            changes = [0, *changes]
        codes += changes
        numbers += [number] * len(changes)
    groups, bits = np.divmod(np.array(numbers, np.int64), stride)
    masks = np.uint64(1) << (bits % WORD).astype(np.uint64)
    np.bitwise_xor.at(table, (np.array(codes, np.intp), groups, bits // WORD), masks)
    np.bitwise_xor.accumulate(table, axis=0, out=table)
    return table
