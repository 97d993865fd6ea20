"""One frame going through the columnar pass: which rules match in which row.

Encodes each column once, looks up which conjunctions the codes leave alive in each row, and runs the residual tests for
those: in floats for many rows at once where that settles them, else one by one, exactly. Rows that the reader can't put
into arrays are left out; they are for the record evaluation."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl

from engine.columnar.block_tables import BlockTables, Words
from engine.columnar.blocks import Block
from engine.columnar.columns import Column, Floats, Mask
from engine.columnar.encodings import Codes
from engine.columnar.frame_result import Indexes
from engine.columnar.plan import DtypePlan, FramePlan
from engine.facts import AS_OF, MEMO, Slots
from engine.matching import Residual
from engine.values import Value

#: For fewer rows, testing each exactly is faster than a pass over arrays.
_FEW_ROWS = 8


class FramePass:
    """One frame."""

    def __init__(
        self,
        plan: FramePlan,
        frame: pl.DataFrame,
        as_of: datetime,
        fallback_rows: Mask | None = None,
        found: Mapping[str, Column] | None = None,
        more: Mapping[int, list[Value]] | None = None,
    ) -> None:
        """Read the frame.

        Args:
            plan: of the program.
            frame: one row per fact.
            as_of: the moment they are judged at, in UTC.
            fallback_rows: bool[rows], those that only the record evaluation may judge, whatever the columns say;
                default None: none.
            found: by name, columns that are arrays already; default None: there are none.
            more: slot to its value in each row, for slots of no column; default None: there are none.
        """
        self._plan = plan
        self._more = {} if more is None else more
        self._as_of = as_of
        self._count = len(frame)
        self._columns = plan.reader.read(frame, len(plan.pairs), {} if found is None else found)
        #: bool[rows]: the rows that only the record evaluation may judge.
        self.fallback_rows = self._columns.fallback_rows
        if fallback_rows is not None:
            self.fallback_rows |= fallback_rows
        self._has_fallback = bool(self.fallback_rows.any())
        #: The slots of a row, except those of its fields.
        self._blank: Slots = list(plan.blank)
        self._blank[AS_OF] = as_of

    def match(self) -> tuple[Indexes, Indexes]:
        """The rules that match, for all rows but the fallback rows.

        Returns:
            int64[hits], the row of each hit, rising; and int64[hits], the position of its rule on the agenda, rising
            within a row.
        """
        block_hits: list[tuple[Indexes, Indexes]] = []
        if not self.fallback_rows.all():
            plan = self._plan.dtype_plan(self._columns)
            codes = self._encode(plan)
            block_hits = [hits for tables in plan.tables if len((hits := self._hits(tables, codes))[0])]
        if len(block_hits) == 1:
            rows, positions = block_hits[0]
        else:
            # One number per hit, so that one sort puts rows in order, and the rules of each in that of the agenda.
            shift = self._plan.rules.bit_length()
            keys = np.concatenate(
                [np.zeros(0, np.int64), *(rows << shift | positions for rows, positions in block_hits)]
            )
            keys.sort()
            rows, positions = keys >> shift, keys & ((1 << shift) - 1)
        if self._plan.repeats and len(rows):
            is_first = np.ones(len(rows), np.bool_)
            is_first[1:] = (rows[1:] != rows[:-1]) | (positions[1:] != positions[:-1])
            rows, positions = rows[is_first], positions[is_first]
        return rows, positions

    def slots_of(self, rows: Indexes) -> Iterator[Slots]:
        """The slots of some rows that are no fallback rows, as the fact reader would fill them."""
        plan, columns = self._plan, self._columns
        fields = slice(len(plan.reader.names))
        # Zero has no sign.
        numbers = (columns.numbers[fields, rows] + 0.0).astype(np.object_)
        numbers[columns.nulls[fields, rows]] = None
        others = [
            (slot, columns.others[name].at(rows)) for slot, name in plan.reader.slots.items() if name in columns.others
        ]
        others += [(slot, [values[row] for row in rows.tolist()]) for slot, values in self._more.items()]
        for i, row_numbers in enumerate(numbers.T.tolist()):
            slots = list(self._blank)
            for slot, field in plan.rows.items():
                slots[slot] = row_numbers[field]
            for slot, values in others:
                slots[slot] = values[i]
            yield slots

    def numbers_of(self, slot: int) -> tuple[Floats, Mask] | None:
        """The numbers of a field in all rows, zero where there is none, and where that is; None: it holds others."""
        column = self._columns.others.get(self._plan.reader.slots.get(slot, ""))
        if column is not None:
            if column.kind != "number":
                return None
            nulls: Mask = np.isnan(column.values)
            return np.where(nulls, 0.0, column.values), nulls
        field = self._plan.rows.get(slot)
        return None if field is None else (self._columns.numbers[field], self._columns.nulls[field])

    def values_of(self, slot: int, rows: Indexes) -> list[Value]:
        """The values of a slot in some rows.

        Args:
            slot: of a field, or of what all rows have in common.
            rows: int64[some rows].
        """
        column = self._columns.others.get(self._plan.reader.slots.get(slot, ""))
        if column is not None:
            return column.at(rows)
        field = self._plan.rows.get(slot)
        if field is None:
            return [self._blank[slot]] * len(rows)
        # Zero has no sign.
        values: list[Value] = (self._columns.numbers[field, rows] + 0.0).tolist()
        for i in np.flatnonzero(self._columns.nulls[field, rows]).tolist():
            values[i] = None
        return values

    def _encode(self, dtype_plan: DtypePlan) -> Codes:
        """intp[fields, rows]: the codes of all columns, and of all ratios of two of them."""
        plan, numbers, nulls = self._plan, self._columns.numbers, self._columns.nulls
        fields = len(plan.reader.names)
        codes = np.empty((dtype_plan.rows, self._count), np.intp)
        tabled = len(numbers) - plan.reader.untabled
        if plan.pairs:
            no_dividend, no_divisor = nulls[plan.dividends], nulls[plan.divisors]
            unusable = np.logical_or(no_dividend, no_divisor, out=nulls[fields:])
            unusable |= numbers[plan.divisors] <= 0.0
            ratios = np.divide(numbers[plan.dividends], numbers[plan.divisors], out=numbers[fields:])
            np.copyto(ratios, 0.0, where=unusable)
        plan.grid.find(numbers[plan.reader.untabled :], nulls[plan.reader.untabled :], codes[:tabled])
        if plan.pairs:
            # Behind the code of a ratio that can't be used: the dividend is null, the divisor is, both are.
            ratio_codes = codes[tabled - len(plan.pairs) : tabled]
            ratio_codes += no_dividend
            ratio_codes += no_divisor
            ratio_codes += no_divisor
        for row, name, encoding in dtype_plan.others:
            codes[row] = encoding.encode(self._columns.others[name])
        for row, code in dtype_plan.unusable:
            codes[row] = code
        if dtype_plan.as_of is not None:
            row, dates = dtype_plan.as_of
            codes[row] = dates.code_of_moment(self._as_of)
        return codes

    def _hits(self, tables: BlockTables, codes: Codes) -> tuple[Indexes, Indexes]:
        """The rules of a block that match.

        Args:
            tables: of the block.
            codes: intp[fields, rows].

        Returns:
            As of `match`; the rows rise, the positions within a row do as far as the numbers of conjunctions do.
        """
        block, members = tables.block, None
        groups = tables.groups_of(codes)
        if groups is not None:
            has_group = groups < block.groups - 1
            if 2 * np.count_nonzero(has_group) < self._count:
                members = np.flatnonzero(has_group)
                codes, groups = codes[:, members], groups[members]
        rows, numbers = _set_bits(tables.alive(codes, groups), groups)
        unsure = block.is_undecided[numbers] if block.has_undecided else None
        doubtful_rows = tables.doubtful_rows(codes)
        if doubtful_rows is not None:
            is_doubtful = doubtful_rows[rows] & block.has_ratio[numbers]
            unsure = is_doubtful if unsure is None else unsure | is_doubtful
        if members is not None:
            rows = members[rows]
        if self._has_fallback:
            is_readable = ~self.fallback_rows[rows]
            rows, numbers = rows[is_readable], numbers[is_readable]
            unsure = None if unsure is None else unsure[is_readable]
        if unsure is not None and unsure.any():
            holds = np.ones(len(rows), np.bool_)
            self._settle(block, rows, numbers, np.flatnonzero(unsure), holds)
            rows, numbers = rows[holds], numbers[holds]
        return rows, block.positions[numbers]

    def _settle(self, block: Block, rows: Indexes, numbers: Indexes, unsure: Indexes, holds: Mask) -> None:
        """Run the residual tests of what tables could not decide.

        Args:
            block: the conjunctions.
            rows: int64[hits].
            numbers: int64[hits], of the conjunctions.
            unsure: the indexes of the hits to test.
            holds: bool[hits], gets False where a test fails.
        """
        order = unsure[np.argsort(numbers[unsure], kind="stable")]
        sorted_numbers = numbers[order]
        edges = [0, *(np.flatnonzero(sorted_numbers[1:] != sorted_numbers[:-1]) + 1).tolist(), len(order)]
        for start, end in pairwise(edges):
            hits = order[start:end]
            for residual in block.entries[int(numbers[hits[0]])].residuals:
                if len(hits):
                    self._run(residual, rows, hits, holds)
                    hits = hits[holds[hits]]

    def _run(self, residual: Residual, rows: Indexes, hits: Indexes, holds: Mask) -> None:
        """Run one residual test for some hits.

        Args:
            residual: the test.
            rows: int64[all hits].
            hits: the indexes of the hits to test.
            holds: bool[all hits], gets False where the test fails.
        """
        plan, left = self._plan, hits
        filter_ = plan.filter(residual) if len(hits) >= _FEW_ROWS else None
        fields = [] if filter_ is None else [self.numbers_of(slot) for slot in filter_.slots]
        if filter_ is not None and None not in fields:
            hit_rows = rows[hits]
            known = [field for field in fields if field is not None]
            passed, unsure = filter_.settle([numbers[hit_rows] for numbers, _ in known])
            for _, nulls in known:
                unsure |= nulls[hit_rows]
            holds[hits[~passed & ~unsure]] = False
            left = hits[unsure]
        if len(left):
            holds[left] = self._test(residual, rows[left])

    def _test(self, residual: Residual, rows: Indexes) -> list[bool]:
        """Run a residual test for some rows, exactly; what one text alone decides, once per text."""
        scratch, test = list(self._blank), residual.test
        columns = [(slot, self.values_of(slot, rows)) for slot in residual.slots]
        cache = self._plan.cached_answers(residual, self._as_of) if len(columns) == 1 else None
        answers = []
        for i in range(len(rows)):
            value = None
            for slot, values in columns:
                scratch[slot] = value = values[i]
            answer = cache.get(value) if cache is not None and value.__class__ is str else None
            if answer is None:
                scratch[MEMO] = None
                answer = test(scratch)
                if cache is not None and value.__class__ is str:
                    cache[value] = answer
            answers.append(answer)
        return answers


def _set_bits(words: Words, groups: Codes | None) -> tuple[Indexes, Indexes]:
    """Row and number of every conjunction whose bit is set, in order.

    Args:
        words: uint64[rows, words].
        groups: intp[rows], the group of each row; None: there is one group.

    >>> rows, numbers = _set_bits(np.array([[0b101], [0], [0b10]], np.uint64), np.array([0, 1, 1]))
    >>> rows.tolist(), numbers.tolist()
    ([0, 0, 2], [0, 2, 65])
    """
    flat = words.reshape(-1)
    nonzero = np.flatnonzero(flat)
    # As booleans: what is not zero is found four times as fast among them as among bytes.
    bits = np.flatnonzero(np.unpackbits(flat[nonzero].view(np.uint8), bitorder="little").view(np.bool_))
    # A word has 64 bits.
    word, width = nonzero[bits >> 6], words.shape[1]
    bits &= 63
    if width == 1:
        rows = word
    else:
        rows = word // width
        bits += (word - rows * width) << 6
    if groups is not None:
        bits += groups[rows] * (width << 6)
    return rows, bits
