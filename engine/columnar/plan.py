"""What the columnar pass knows of a program: how to read, to code and to look up.  blocks, codings -> [plans] -> passes

A `FramePlan` is made once for a fact; a `Fitting` once for all frames of it whose columns are of the same kinds, which
in service are all frames of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.columnar.block_tables import BlockTables
from engine.columnar.blocks import blocks_of
from engine.columnar.encodings import Dates, Encoding, Numbers, coding_of
from engine.columnar.frame_reader import Columns, FrameReader
from engine.columnar.interval_search import IntervalGrid, Ratios
from engine.compiler import Compiled
from engine.evaluation import FloatFilter
from engine.facts import AS_OF, SlotLayout
from engine.matching import Residual
from engine.values import ValueSet

#: Fittings that are kept: who sends ever other kinds shall not fill the memory.
_MOST_FITTINGS = 16
#: Of one residual test, answers to so many texts are kept.
_MOST_TEXTS = 4_096

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fitting:
    """The tables for frames whose columns are of certain kinds."""

    #: Rows of the codes.
    rows: int
    #: Row of the codes, field and coding of each column that is no number.
    others: tuple[tuple[int, str, Encoding], ...]
    #: Row of the codes of the moment of judging, and their coding; None: no rule asks when it is.
    dates: tuple[int, Dates] | None
    #: Row and code of the ratios that say nothing for any row.
    silent: tuple[tuple[int, int], ...]
    #: The tables of each block that some row may belong to.
    lookups: tuple[BlockTables, ...]


class FramePlan:
    """The plan for the frames of one fact."""

    def __init__(self, compiled: Compiled, fact: str) -> None:
        """Make it.

        Args:
            compiled: the program.
            fact: whose fields the columns are.
        """
        self.layout: SlotLayout = compiled.layout
        self.rules = len(compiled.agenda.rules)
        #: Whether a rule has several conjunctions, more than one of which may hold.
        self.repeats = len({entry.position for entry in compiled.entries}) < len(compiled.entries)
        self._blocks = blocks_of(compiled.entries, compiled.kinds)
        self._sets: dict[int, list[ValueSet]] = {}
        ratios: dict[Pair, list[Residual]] = {}
        for entry in compiled.entries:
            for slot, values in entry.conjunction.allowed.items():
                self._sets.setdefault(slot, []).append(values)
            for residual in entry.residuals:
                if residual.ratio is not None:
                    ratios.setdefault((residual.ratio.left, residual.ratio.right), []).append(residual)
        self.reader = FrameReader(compiled.layout, compiled.reader.use, fact, self._sets.keys())
        rows = {name: row for row, name in enumerate(self.reader.names)}
        #: Slot to row of the matrix of numbers.
        self.rows = {slot: rows[name] for slot, name in self.reader.slots.items() if name in rows}
        self._ratios = {pair: Ratios(some, compiled.layout.size) for pair, some in ratios.items()}
        #: The ratios that some frame may have. In the matrix of numbers their rows follow those of the fields.
        self.pairs = [pair for pair in self._ratios if pair[0] in self.rows and pair[1] in self.rows]
        #: The rows of the numbers above and below the line of each.
        self.over, self.under = ([self.rows[pair[side]] for pair in self.pairs] for side in (0, 1))
        lists = compiled.layout.schema.list_facts if compiled.layout.schema is not None else frozenset()
        #: The slots of list facts, which are empty in a frame that holds another fact.
        self.lists = {slot for (owner, steps), slot in compiled.layout.places.items() if owner in lists and not steps}
        self._slots = {row: slot for slot, row in self.rows.items()}
        tabled = range(self.reader.untabled, len(self.reader.names))
        self._numbers = [Numbers(self._sets[self._slots[row]]) for row in tabled]
        #: Codes the numbers that are tabled, and the ratios.
        self.grid = IntervalGrid([*self._numbers, *(self._ratios[pair] for pair in self.pairs)])
        self._fittings: dict[frozenset[tuple[str, str]], Fitting] = {}
        self._filters: dict[int, FloatFilter] = {}
        self._known: tuple[datetime | None, dict[int, dict[str, bool]]] = (None, {})

    def fitting(self, columns: Columns) -> Fitting:
        """The tables for a frame."""
        kinds = frozenset((name, column.kind) for name, column in columns.others.items())
        found = self._fittings.get(kinds)
        if found is None:
            if len(self._fittings) >= _MOST_FITTINGS:
                self._fittings = {}
            found = self._fittings[kinds] = self._fit(dict(kinds))
        return found

    def _fit(self, kinds: Mapping[str, str]) -> Fitting:
        fields: dict[int, tuple[int, Encoding]] = {
            self._slots[row]: (row - self.reader.untabled, coding)
            for row, coding in enumerate(self._numbers, self.reader.untabled)
        }
        ratios: dict[Pair, tuple[int, Ratios]] = {
            pair: (row, self._ratios[pair]) for row, pair in enumerate(self.pairs, len(fields))
        }
        rows = len(fields) + len(ratios)
        others: list[tuple[int, str, Encoding]] = []
        silent: list[tuple[int, int]] = []
        dates = None
        odd_ones = {slot for slot, name in self.reader.slots.items() if name in kinds}
        for slot in sorted(odd_ones & self._sets.keys()):
            name = self.reader.slots[slot]
            coding = coding_of(kinds[name], self._sets[slot])
            fields[slot] = (rows, coding)
            others.append((rows, name, coding))
            rows += 1
        if AS_OF in self._sets:
            dates = (rows, Dates(self._sets[AS_OF]))
            fields[AS_OF] = dates
            rows += 1
        for pair, ratio in self._ratios.items():
            # What is no number at all is nothing that a table of nulls and numbers knows about.
            if pair not in ratios or odd_ones & set(pair):
                silent.append((rows, ratio.null))
                ratios[pair] = (rows, ratio)
                rows += 1
        # A row without the field that splits a block belongs to none of its groups.
        blocks = [block for block in self._blocks if block.slot is None or block.slot in fields]
        lookups = [
            BlockTables(block, fields, ratios, lambda slot: () if slot in self.lists else None) for block in blocks
        ]
        return Fitting(rows, tuple(others), dates, tuple(silent), tuple(lookups))

    def filter(self, residual: Residual) -> FloatFilter | None:
        """The columnar form of a comparison of computed numbers; None when it is none."""
        if residual.shape is None:
            return None
        if id(residual) not in self._filters:
            self._filters[id(residual)] = FloatFilter(residual.shape)
        return self._filters[id(residual)]

    def known(self, residual: Residual, as_of: datetime) -> dict[str, bool]:
        """What a residual test of one field says about texts; whoever tests more of them adds to it."""
        held = self._known
        if held[0] != as_of:
            self._known = held = (as_of, {})
        answers = held[1].setdefault(id(residual), {})
        if len(answers) > _MOST_TEXTS:
            answers.clear()
        return answers
