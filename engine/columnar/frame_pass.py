"""One frame going through the columnar pass.  plans, columns -> [passes] -> chunks

Codes each column once, lets the tables say which conjunctions are alive in each row, and runs the residual tests for
those: in floats for many rows at once where that settles them, else one by one, exactly."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.columnar.block_tables import BlockTables, Words
from engine.columnar.blocks import Block
from engine.columnar.encodings import Codes
from engine.columnar.frame_reader import Mask
from engine.columnar.plan import Fitting, FramePlan
from engine.facts import AS_OF, MEMO, ORDINARY, Slots
from engine.matching import Residual
from engine.values import Value

#: For fewer rows, testing each exactly is faster than a pass over arrays.
_FEW_ROWS = 8

Places = npt.NDArray[np.int64]


class FramePass:
    """One frame."""

    def __init__(self, plan: FramePlan, frame: pl.DataFrame, as_of: datetime) -> None:
        """Read the frame.

        Args:
            plan: of the program.
            frame: one row per fact.
            as_of: the moment they are judged at, in UTC.
        """
        self._plan = plan
        self._as_of = as_of
        self._count = len(frame)
        self._columns = plan.reader.read(frame, len(plan.pairs))
        #: The rows that only the record evaluator may judge.
        self.odd = self._columns.odd
        self._has_odd = bool(self.odd.any())
        #: The slots of a row but for its fields.
        self._blank: Slots = [None] * plan.layout.size
        self._blank[AS_OF], self._blank[ORDINARY] = as_of, True
        for slot in plan.lists:
            self._blank[slot] = ()

    def match(self) -> tuple[Places, Places]:
        """The rules that match, for all rows that are not odd.

        Returns:
            For each hit the row and the place of the rule on the agenda; rows in order, and the places of a row.
        """
        found: list[tuple[Places, Places]] = []
        if not self.odd.all():
            fitting = self._plan.fitting(self._columns)
            codes = self._coded(fitting)
            found = [hits for lookup in fitting.lookups if len((hits := self._hits(lookup, codes))[0])]
        if len(found) == 1:
            rows, places = found[0]
        else:
            # One number per hit, so that one sort puts rows in order, and the rules of each on the agenda.
            shift = self._plan.rules.bit_length()
            keys = np.concatenate([np.zeros(0, np.int64), *(rows << shift | places for rows, places in found)])
            keys.sort()
            rows, places = keys >> shift, keys & ((1 << shift) - 1)
        if self._plan.repeats and len(rows):
            is_first = np.ones(len(rows), np.bool_)
            is_first[1:] = (rows[1:] != rows[:-1]) | (places[1:] != places[:-1])
            rows, places = rows[is_first], places[is_first]
        return rows, places

    def slots_of(self, rows: Places) -> Iterator[Slots]:
        """The slots of some rows that are not odd, as the fact reader would fill them."""
        plan, columns = self._plan, self._columns
        fields = slice(len(plan.reader.names))
        # Zero has no sign.
        numbers = (columns.numbers[fields, rows] + 0.0).astype(np.object_)
        numbers[columns.nulls[fields, rows]] = None
        others = [
            (slot, columns.others[name].at(rows)) for slot, name in plan.reader.slots.items() if name in columns.others
        ]
        for place, values in enumerate(numbers.T.tolist()):
            slots = list(self._blank)
            for slot, field in plan.rows.items():
                slots[slot] = values[field]
            for slot, texts in others:
                slots[slot] = texts[place]
            yield slots

    def _values(self, slot: int, rows: Places) -> list[Value]:
        """The values of a slot in some rows."""
        column = self._columns.others.get(self._plan.reader.slots.get(slot, ""))
        if column is not None:
            return column.at(rows)
        field = self._plan.rows.get(slot)
        if field is None:
            return [self._blank[slot]] * len(rows)
        # Zero has no sign.
        values: list[Value] = (self._columns.numbers[field, rows] + 0.0).tolist()
        for place in np.flatnonzero(self._columns.nulls[field, rows]).tolist():
            values[place] = None
        return values

    def _coded(self, fitting: Fitting) -> Codes:
        """Code all columns, and all ratios of two of them."""
        plan, numbers, nulls = self._plan, self._columns.numbers, self._columns.nulls
        fields = len(plan.reader.names)
        codes = np.empty((fitting.rows, self._count), np.intp)
        tabled = len(numbers) - plan.reader.untabled
        if plan.pairs:
            no_over, no_under = nulls[plan.over], nulls[plan.under]
            silent = np.logical_or(no_over, no_under, out=nulls[fields:])
            silent |= numbers[plan.under] <= 0.0
            ratios = np.divide(numbers[plan.over], numbers[plan.under], out=numbers[fields:])
            np.copyto(ratios, 0.0, where=silent)
        plan.grid.find(numbers[plan.reader.untabled :], nulls[plan.reader.untabled :], codes[:tabled])
        if plan.pairs:
            own = codes[tabled - len(plan.pairs) : tabled]
            own += no_over
            own += no_under
            own += no_under
        for row, name, coding in fitting.others:
            codes[row] = coding.encode(self._columns.others[name])
        for row, code in fitting.silent:
            codes[row] = code
        if fitting.dates is not None:
            row, dates = fitting.dates
            codes[row] = dates.one(self._as_of)
        return codes

    def _hits(self, lookup: BlockTables, codes: Codes) -> tuple[Places, Places]:
        """Row and place of all rules of a block that match."""
        block, rows = lookup.block, None
        groups = lookup.groups_of(codes)
        if groups is not None:
            has_group = groups < block.groups - 1
            members = np.count_nonzero(has_group)
            if 2 * members < self._count:
                rows = np.flatnonzero(has_group)
                codes, groups = codes[:, rows], groups[rows]
        row, number = _set_bits(lookup.alive(codes, groups), groups)
        unsure = block.is_undecided[number] if block.has_undecided else None
        suspect = lookup.suspect(codes)
        if suspect is not None:
            doubted = suspect[row] & block.has_ratio[number]
            unsure = doubted if unsure is None else unsure | doubted
        if rows is not None:
            row = rows[row]
        if self._has_odd:
            sane = ~self.odd[row]
            row, number = row[sane], number[sane]
            unsure = None if unsure is None else unsure[sane]
        if unsure is not None and unsure.any():
            holds = np.ones(len(row), np.bool_)
            self._settle(block, row, number, np.flatnonzero(unsure), holds)
            row, number = row[holds], number[holds]
        return row, block.places[number]

    def _settle(self, block: Block, rows: Places, numbers: Places, unsure: Places, holds: Mask) -> None:
        """Run the residual tests of what tables could not decide."""
        order = unsure[np.argsort(numbers[unsure], kind="stable")]
        own = numbers[order]
        edges = [0, *(np.flatnonzero(own[1:] != own[:-1]) + 1).tolist(), len(order)]
        for start, end in pairwise(edges):
            mine = order[start:end]
            for residual in block.entries[int(numbers[mine[0]])].residuals:
                if len(mine):
                    self._run(residual, rows, mine, holds)
                    mine = mine[holds[mine]]

    def _run(self, residual: Residual, rows: Places, mine: Places, holds: Mask) -> None:
        """Run one residual test for some hits, and strike out those that fail."""
        plan, left = self._plan, mine
        filter_ = plan.filter(residual) if len(mine) >= _FEW_ROWS else None
        if filter_ is not None and all(slot in plan.rows for slot in filter_.slots):
            own = rows[mine]
            passed, unsure = filter_.ask([self._columns.numbers[plan.rows[slot], own] for slot in filter_.slots])
            for slot in filter_.slots:
                unsure |= self._columns.nulls[plan.rows[slot], own]
            holds[mine[~passed & ~unsure]] = False
            left = mine[unsure]
        if len(left):
            holds[left] = self._test(residual, rows[left])

    def _test(self, residual: Residual, rows: Places) -> list[bool]:
        """Run a residual test for some rows, exactly; what one text alone decides, once per text."""
        scratch, test = list(self._blank), residual.test
        columns = [(slot, self._values(slot, rows)) for slot in residual.slots]
        known = self._plan.known(residual, self._as_of) if len(columns) == 1 else None
        answers = []
        for place in range(len(rows)):
            value = None
            for slot, values in columns:
                scratch[slot] = value = values[place]
            answer = known.get(value) if known is not None and value.__class__ is str else None
            if answer is None:
                scratch[MEMO] = None
                answer = test(scratch)
                if known is not None and value.__class__ is str:
                    known[value] = answer
            answers.append(answer)
        return answers


def _set_bits(words: Words, groups: Codes | None) -> tuple[Places, Places]:
    """Row and number of every conjunction whose bit is set, in order."""
    flat = words.reshape(-1)
    places = np.flatnonzero(flat)
    # As booleans: what is not zero is found four times as fast among them as among bytes.
    bits = np.flatnonzero(np.unpackbits(flat[places].view(np.uint8), bitorder="little").view(np.bool_))
    # A word has 64 bits.
    word, width = places[bits >> 6], words.shape[1]
    bits &= 63
    if width == 1:
        rows = word
    else:
        rows = word // width
        bits += (word - rows * width) << 6
    if groups is not None:
        bits += groups[rows] * (width << 6)
    return rows, bits
