"""What the columnar pass prepares for a program: how to read a frame, how to encode it, and what to look up.

A `FramePlan` is made once for a fact, or for facts that come together, a `DtypePlan` once for all frames of these whose
columns are of the same kinds: in service those are all frames of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.columnar.block_tables import BlockTables
from engine.columnar.blocks import blocks_of
from engine.columnar.columns import Columns
from engine.columnar.encodings import DateEncoding, Encoding, NumberEncoding, encoding_of
from engine.columnar.frame_reader import FrameReader
from engine.columnar.frame_shape import FrameShape
from engine.columnar.interval_search import IntervalGrid, RatioEncoding
from engine.compiler import Compiled
from engine.evaluation import FloatFilter
from engine.facts import AS_OF, ORDINARY, SlotLayout, Slots
from engine.matching import Residual
from engine.values import ValueSet

#: Plans that are kept, for as many combinations of kinds: who sends ever other ones shall not fill the memory.
_MAX_DTYPE_PLANS = 16
#: Of one residual test, answers to so many texts are kept.
_MAX_CACHED_TEXTS = 4_096

#: The slots of dividend and divisor of a ratio.
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DtypePlan:
    """The plan for frames whose columns are of certain kinds; "row" is a row of the matrix of codes, one a field."""

    #: How many rows it has.
    rows: int
    #: Row, name and encoding of each column that is no number.
    others: tuple[tuple[int, str, Encoding], ...]
    #: Row and encoding of the moment of judging; None: no rule asks when it is.
    as_of: tuple[int, DateEncoding] | None
    #: Row and only code of the ratios that can't be used in any row of such a frame.
    unusable: tuple[tuple[int, int], ...]
    #: The tables of each block that some row may belong to.
    tables: tuple[BlockTables, ...]


class FramePlan:
    """The plan for the frames of one shape."""

    def __init__(self, compiled: Compiled, shape: FrameShape, conditions: int) -> None:
        """Make it.

        Args:
            compiled: the program; or the conditions about an element of a list, as if they were one.
            shape: the columns.
            conditions: how many rules there are, or conditions.
        """
        self.layout: SlotLayout = compiled.layout
        self.rules = conditions
        #: Whether a rule has several conjunctions, more than one of which may hold.
        self.repeats = len({entry.position for entry in compiled.entries}) < len(compiled.entries)
        self._blocks = blocks_of(compiled.entries, compiled.kinds)
        #: Slot to the sets that conjunctions allow it.
        self._sets: dict[int, list[ValueSet]] = {}
        ratios: dict[Pair, list[Residual]] = {}
        for entry in compiled.entries:
            for slot, values in entry.conjunction.allowed.items():
                self._sets.setdefault(slot, []).append(values)
            for residual in entry.residuals:
                if residual.ratio is not None:
                    ratios.setdefault((residual.ratio.left, residual.ratio.right), []).append(residual)
        self.reader = FrameReader(shape, compiled.layout.zone, self._sets.keys())
        rows = {name: row for row, name in enumerate(self.reader.names)}
        #: Slot to row of the matrix of numbers.
        self.rows = {slot: rows[name] for slot, name in self.reader.slots.items() if name in rows}
        self._ratios = {pair: RatioEncoding(some, compiled.layout.size) for pair, some in ratios.items()}
        #: The ratios that some frame may have. In the matrix of numbers their rows follow those of the fields.
        self.pairs = [pair for pair in self._ratios if pair[0] in self.rows and pair[1] in self.rows]
        #: The rows of the dividend and of the divisor of each.
        self.dividends, self.divisors = ([self.rows[pair[side]] for pair in self.pairs] for side in (0, 1))
        lists = compiled.layout.schema.list_facts if compiled.layout.schema is not None else frozenset()
        #: The slots of a row as they are without its fields: list facts are empty in a frame that holds another fact.
        self.blank: Slots = [None] * compiled.layout.size
        self.blank[ORDINARY] = True
        for (owner, steps), slot in compiled.layout.places.items():
            if owner in lists and not steps:
                self.blank[slot] = ()
        for index in compiled.elements:
            index.find_exactly(self.blank)
        self._slots = {row: slot for slot, row in self.rows.items()}
        tabled = range(self.reader.untabled, len(self.reader.names))
        self._numbers = [NumberEncoding(self._sets[self._slots[row]]) for row in tabled]
        #: Encodes the numbers that are tabled, and the ratios.
        self.grid = IntervalGrid([*self._numbers, *(self._ratios[pair] for pair in self.pairs)])
        self._dtype_plans: dict[frozenset[tuple[str, str]], DtypePlan] = {}
        self._filters: dict[int, FloatFilter] = {}
        self._answers: tuple[datetime | None, dict[int, dict[str, bool]]] = (None, {})

    def dtype_plan(self, columns: Columns) -> DtypePlan:
        """The plan for the kinds of columns that a frame has."""
        kinds = frozenset((name, column.kind) for name, column in columns.others.items())
        plan = self._dtype_plans.get(kinds)
        if plan is None:
            if len(self._dtype_plans) >= _MAX_DTYPE_PLANS:
                self._dtype_plans = {}
            plan = self._dtype_plans[kinds] = self._make_dtype_plan(dict(kinds))
        return plan

    def _make_dtype_plan(self, kinds: Mapping[str, str]) -> DtypePlan:
        """Make the plan for the kinds of the columns that are no numbers, by name."""
        fields: dict[int, tuple[int, Encoding]] = {
            self._slots[row]: (row - self.reader.untabled, encoding)
            for row, encoding in enumerate(self._numbers, self.reader.untabled)
        }
        ratios: dict[Pair, tuple[int, RatioEncoding]] = {
            pair: (row, self._ratios[pair]) for row, pair in enumerate(self.pairs, len(fields))
        }
        rows = len(fields) + len(ratios)
        others: list[tuple[int, str, Encoding]] = []
        unusable: list[tuple[int, int]] = []
        as_of = None
        no_numbers = {slot for slot, name in self.reader.slots.items() if name in kinds}
        for slot in sorted(no_numbers & self._sets.keys()):
            name = self.reader.slots[slot]
            encoding = encoding_of(kinds[name], self._sets[slot])
            fields[slot] = (rows, encoding)
            others.append((rows, name, encoding))
            rows += 1
        if AS_OF in self._sets:
            as_of = (rows, DateEncoding(self._sets[AS_OF]))
            fields[AS_OF] = as_of
            rows += 1
        for pair, ratio in self._ratios.items():
            # A text or date is neither null nor a number, and a table of ratios knows nothing else.
            if pair not in ratios or no_numbers & set(pair):
                unusable.append((rows, ratio.null))
                ratios[pair] = (rows, ratio)
                rows += 1
        # A row without the field that splits a block belongs to none of its groups.
        blocks = [block for block in self._blocks if block.slot is None or block.slot in fields]
        tables = [BlockTables(block, fields, ratios, self.blank) for block in blocks]
        return DtypePlan(rows, tuple(others), as_of, tuple(unusable), tuple(tables))

    def filter(self, residual: Residual) -> FloatFilter | None:
        """The columnar form of a comparison of computed numbers; None when the residual test is none."""
        if residual.linear is None:
            return None
        if id(residual) not in self._filters:
            self._filters[id(residual)] = FloatFilter(residual.linear)
        return self._filters[id(residual)]

    def cached_answers(self, residual: Residual, as_of: datetime) -> dict[str, bool]:
        """The cache of a residual test of one field: text to the result at this `as_of`.

        Callers add to it. It is emptied beyond 4,096 texts, and all caches are dropped when `as_of` changes.

        Args:
            residual: the test.
            as_of: the moment of judging.
        """
        cache = self._answers
        if cache[0] != as_of:
            self._answers = cache = (as_of, {})
        answers = cache[1].setdefault(id(residual), {})
        if len(answers) > _MAX_CACHED_TEXTS:
            answers.clear()
        return answers
