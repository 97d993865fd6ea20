"""Which conjunctions each row of a chunk leaves alive.  codings -> [blocks] -> chunks

A block is some conjunctions, and for each field a table from code to bit vector, in 64-bit words. Matching gathers one
vector per row and field and ands them, for as many rows at a time as fit the cache."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.allowed import Allowed
from engine.codings import OTHER, Codes, Coding
from engine.probes import Entry
from engine.values import Value
from engine.vectors import RatioTable, Table

Words = npt.NDArray[np.uint64]

#: Bytes of bit vectors that are worked on at a time.
_CACHED = 1 << 18


@dataclass(frozen=True, slots=True)
class _Gather:
    """A table by code: the row of each code, and the distinct rows."""

    rows: Codes
    vectors: Words


class Block:
    """Some conjunctions of a program."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Build it.

        Args:
            entries: the conjunctions.
        """
        self.entries = entries
        self._words = (len(entries) + 63) // 64
        #: The place of the rule of each bit.
        self.places = np.array([entry.position for entry in entries], np.int64)
        slots = {slot for entry in entries for slot in entry.conjunction.allowed}
        #: Slot to the vectors of its values.
        self.tables = {slot: Table(self._sets(slot)) for slot in sorted(slots)}
        #: The ratios of two fields that residual tests compare with constants.
        self.ratios = {(table.left, table.right): table for table in self._ratio_tables()}
        #: The bits with a residual test that no table answers.
        undecided = sum(1 << bit for bit, entry in enumerate(entries) if self._is_undecided(bit, entry))
        self._undecided = self._vector(undecided)
        self._has_doubts = bool(undecided or self.ratios)
        self._gathers: dict[Any, _Gather] = {}

    def _sets(self, slot: int) -> list[Allowed | None]:
        return [entry.conjunction.allowed.get(slot) for entry in self.entries]

    def _ratio_tables(self) -> Iterable[RatioTable]:
        pairs: dict[tuple[int, int], dict[int, Any]] = {}
        for bit, entry in enumerate(self.entries):
            for residual in entry.residuals:
                if residual.ratio is not None:
                    pair = (residual.ratio.left, residual.ratio.right)
                    pairs.setdefault(pair, {}).setdefault(bit, residual.ratio)
        return (RatioTable(left, right, tests, len(self.entries)) for (left, right), tests in pairs.items())

    def _is_undecided(self, bit: int, entry: Entry) -> bool:
        tabled = {id(table.tests[bit]) for table in self.ratios.values() if bit in table.tests}
        return any(id(residual.ratio) not in tabled for residual in entry.residuals)

    def _vector(self, bits: int) -> Words:
        return np.frombuffer(bits.to_bytes(self._words * 8, "little"), np.uint64)

    def _matrix(self, vectors: Sequence[int]) -> _Gather:
        distinct: dict[int, int] = {}
        rows = np.array([distinct.setdefault(vector, len(distinct)) for vector in vectors], np.int32)
        size = self._words * 8
        joined = b"".join(vector.to_bytes(size, "little") for vector in distinct)
        return _Gather(rows, np.frombuffer(joined, np.uint64).reshape(-1, self._words))

    def _gather(self, slot: int, coding: Coding) -> _Gather:
        key = (slot, id(coding))
        if key not in self._gathers:
            table = self.tables[slot]
            values = coding.representatives
            self._gathers[key] = self._matrix(
                [table.other_text if value is OTHER else table.lookup(value) for value in values]
            )
        return self._gathers[key]

    def _ratio_gathers(self, pair: tuple[int, int], coding: Coding) -> tuple[_Gather, _Gather]:
        key = (pair, id(coding))
        if key not in self._gathers:
            table = self.ratios[pair]
            found = [table.lookup(value) for value in coding.representatives]
            self._gathers[key] = self._matrix([vector for vector, _ in found])
            self._gathers[key, "doubts"] = self._matrix([doubt for _, doubt in found])
        return self._gathers[key], self._gathers[key, "doubts"]

    def match(
        self,
        count: int,
        fields: Mapping[int, tuple[Coding, Codes]],
        ratios: Mapping[tuple[int, int], tuple[Coding, Codes]],
        constants: Mapping[int, Value],
    ) -> tuple[Words, Words | None]:
        """Match some rows.

        Args:
            count: how many rows.
            fields: slot to coding and the code of each row.
            ratios: the same for ratios of two slots.
            constants: slot to the value that all rows have; what is in neither is null.

        Returns:
            For each row the bits that are alive, and those of them that an exact test has to confirm; None: none of
            them.
        """
        first = (1 << len(self.entries)) - 1
        for slot, table in self.tables.items():
            if slot not in fields:
                first &= table.lookup(constants.get(slot))
        alive = np.empty((count, self._words), np.uint64)
        alive[:] = self._vector(first)
        gathers = [(self._gather(slot, fields[slot][0]), fields[slot][1]) for slot in self.tables if slot in fields]
        pairs = [(self._ratio_gathers(pair, ratios[pair][0]), ratios[pair][1]) for pair in self.ratios]
        doubt = None
        if self._has_doubts:
            doubt = np.empty((count, self._words), np.uint64)
            doubt[:] = self._undecided
        step = max(64, _CACHED // (self._words * 8))
        for start in range(0, count, step):
            part = slice(start, start + step)
            some = alive[part]
            for gather, codes in gathers:
                some &= gather.vectors.take(gather.rows.take(codes[part]), axis=0)
            for (vectors, doubts), codes in pairs:
                own = codes[part]
                some &= vectors.vectors.take(vectors.rows.take(own), axis=0)
                if doubt is not None:
                    doubt[part] |= doubts.vectors.take(doubts.rows.take(own), axis=0)
            if doubt is not None:
                doubt[part] &= some
        return alive, doubt
