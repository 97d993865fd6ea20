"""Generate the function that returns a bit for each matching conjunction: tables first, then residual tests.

One bit vector per field is looked up and anded; then the residual tests of the bits that are left are run. Such a
function, a probe, is straight-line Python (`engine.facts.codegen`): its text holds nothing but slot numbers and names
that are made here, and all that comes from rules is bound to it as a value. Probes of one shape share their code. The
tables are made by `engine.matching.bit_tables`."""

import functools
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.evaluation import LinearComparison, Test, all_hold
from engine.facts import ORDINARY, FunctionWriter, Slots
from engine.language import Expression, Pattern
from engine.matching.bit_tables import Measure, MeasureTable, Table
from engine.matching.normal_form import Conjunction
from engine.matching.offsets import FieldSum, Offset, offset_of
from engine.matching.ratios import Ratio
from engine.matching.remembered import Remembered, pack_table

#: Gives a bit for each conjunction that holds; the first one has the lowest.
Probe = Callable[[Slots], int]

#: A ratio or a sum that fewer conjunctions test is not worth a table: they are mostly dead before it would be asked.
_WORTH_A_TABLE = 4

#: Form of a look-up to its text, for a field of that number. A field of any kind asks what kind its value has first.
_FORMS = {
    "number": "vectors{0}[bisect(cuts{0}, value)] if value is not None else null{0}",
    "text": "vectors{0}.get(value, other{0})",
    "any number": "vectors{0}[bisect(cuts{0}, value)] if value.__class__ is float else lookup{0}(value)",
    "any text": "vectors{0}.get(value, other{0}) if value.__class__ is str else lookup{0}(value)",
    "any": "lookup{0}(value)",
    "remembered": "vectors{0}[value]",
}
#: Form to the names of what it needs, for the same number.
_NEEDS = {
    "number": ("vectors", "cuts", "null"),
    "text": ("vectors", "other"),
    "any number": ("vectors", "cuts", "lookup"),
    "any text": ("vectors", "other", "lookup"),
    "any": ("lookup",),
    "remembered": ("vectors",),
}


@dataclass(frozen=True, slots=True)
class Residual:
    """A test that no table of one field answers."""

    #: Exact.
    test: Test
    #: The same as a comparison of a field with a multiple of another; None when it is none.
    ratio: Ratio | None
    #: The same as a comparison of computed numbers, which floats settle mostly; None when it is none.
    linear: LinearComparison | None
    #: The slots that it reads.
    slots: frozenset[int]


class Entry:
    """A conjunction as the index holds it; its residual tests are compiled once somebody asks for them."""

    __slots__ = ("_compile", "_residuals", "conjunction", "position")

    def __init__(self, position: int, conjunction: Conjunction, compile_: Callable[[Expression], Residual]) -> None:
        """Keep it.

        Args:
            position: of its rule, on the agenda.
            conjunction: what has to hold.
            compile_: compiles a residual test.
        """
        self.position = position
        self.conjunction = conjunction
        self._compile = compile_
        self._residuals: tuple[Residual, ...] | None = None

    def part(self, conjunction: Conjunction) -> "Entry":
        """An entry of the same rule for a part of its conjunction."""
        return Entry(self.position, conjunction, self._compile)

    @property
    def residuals(self) -> tuple[Residual, ...]:
        """The residual tests."""
        if self._residuals is None:
            # What goes through a window comes last: mostly, something cheaper has failed by then.
            ordered = sorted(self.conjunction.residuals, key=lambda node: isinstance(node, Pattern))
            self._residuals = tuple(map(self._compile, ordered))
        return self._residuals

    @property
    def test(self) -> Test | None:
        """All residual tests in one; None when there are none."""
        tests = [residual.test for residual in self.residuals]
        return tests[0] if len(tests) == 1 else all_hold(tests) if tests else None


@dataclass(frozen=True, slots=True)
class LookUps:
    """The shape of the lines of `write_look_ups`, and the values that its names stand for."""

    #: The slots to look up, in that order.
    order: Sequence[int]
    #: How each of them is looked up.
    forms: Sequence[str]
    #: The ratios and sums to look up.
    measures: Sequence[Measure]
    #: In the order of `names`.
    values: Sequence[Any]
    #: The bits of the conjunctions that no table decides.
    doubtful: int

    @property
    def names(self) -> list[str]:
        """What the lines call by name, and the tests of what is in doubt."""
        return _names(self.forms, len(self.measures))


def _names(forms: Sequence[str], measures: int) -> list[str]:
    names = ["bisect", *(f"{need}{i}" for i, form in enumerate(forms) for need in _NEEDS[form])]
    names += [f"measure_{need}{i}" for i in range(measures) for need in ("cuts", "vectors", "doubts", "every")]
    return [*names, "bits", "tests", "doubtful", "everything"]


class Probes:
    """Makes the probes of one program."""

    def __init__(self, kinds: Mapping[int, str], packed: Mapping[int, tuple[int, int]] | None = None) -> None:
        """Prepare.

        Args:
            kinds: slot to the kind of its values, where the schema says so: `number`, `text`…
            packed: slot of each boolean that also stands in a slot of several to that slot and its bit; default: none.
        """
        self.kinds = kinds
        self.packed = {} if packed is None else packed

    def make(self, entries: Sequence[Entry], done: frozenset[int]) -> Probe:
        """A probe for some conjunctions.

        Args:
            entries: the conjunctions; the first gets the lowest bit.
            done: slots whose tests hold for all facts that come here.
        """
        look_ups = self.look_ups(entries, done)
        make = _factory(tuple(look_ups.order), tuple(look_ups.forms), tuple(look_ups.measures))
        probe: Probe = make(*look_ups.values)
        return probe

    def look_ups(self, entries: Sequence[Entry], done: frozenset[int]) -> "LookUps":
        """What a function that looks up some conjunctions needs.

        Args:
            entries: the conjunctions; the first gets the lowest bit.
            done: slots whose tests hold for all that comes here.
        """
        order, forms, values = self._fields(entries, done)
        tables = self._measures(entries)
        for table in tables:
            values += [table.cuts, table.vectors, table.doubts, table.every]
        # Bit i is found by its bit length, i + 1: the first items of these lists are never asked for.
        bits = [0, *(1 << i for i in range(len(entries)))]
        tests = [None, *(entry.test for entry in entries)]
        doubtful = sum(1 << i for i, entry in enumerate(entries) if _untabled(entry, i, tables))
        values = [bisect_right, *values, bits, tests, doubtful, (1 << len(entries)) - 1]
        return LookUps(order, forms, [table.measure for table in tables], values, doubtful)

    def _fields(self, entries: Sequence[Entry], done: frozenset[int]) -> tuple[list[int], list[str], list[Any]]:
        """The slots to look up, the form of each look-up, and the values that those forms need."""
        counts: dict[int, int] = {}
        #: Slot of several booleans to the tables of those that are tested, each with its bit.
        packs: dict[int, dict[int, int]] = {}
        for entry in entries:
            for slot in entry.conjunction.allowed:
                if slot in self.packed:
                    whole, bit = self.packed[slot]
                    packs.setdefault(whole, {})[slot] = bit
                    slot = whole
                counts[slot] = counts.get(slot, 0) + 1
        # What most conjunctions test leaves fewest alive.
        order = sorted(counts.keys() - done, key=lambda slot: (-counts[slot], slot))
        forms: list[str] = []
        values: list[Any] = []
        for slot in order:
            if slot in packs:
                forms.append("remembered")
                values.append(pack_table([entry.conjunction for entry in entries], packs[slot]))
                continue
            table = Table([entry.conjunction.allowed.get(slot) for entry in entries])
            form = self._form(slot, table)
            forms.append(form)
            values += _values(form, table)
        return order, forms, values

    def _form(self, slot: int, table: Table) -> str:
        kind = self.kinds.get(slot)
        if kind == "number":
            return kind
        if kind == "text":
            return kind if table.texts is not None else "remembered"
        return f"any {table.mostly}" if kind is None and table.mostly != "any" else "any"

    def _measures(self, entries: Sequence[Entry]) -> list[MeasureTable]:
        measured: dict[Measure, dict[int, Ratio | Offset]] = {}
        for i, entry in enumerate(entries):
            for residual in entry.residuals:
                ratio = residual.ratio
                if ratio is not None:
                    measured.setdefault((ratio.left, ratio.right), {}).setdefault(i, ratio)
                elif (offset := offset_of(residual.linear)) is not None:
                    measured.setdefault(offset.sum, {}).setdefault(i, offset)
        return [
            MeasureTable(measure, tests, len(entries))
            for measure, tests in measured.items()
            if len(tests) >= _WORTH_A_TABLE
        ]


def _untabled(entry: Entry, bit: int, tables: list[MeasureTable]) -> bool:
    """Whether a conjunction has a residual test that no table answers."""
    tabled = {id(table.tests[bit]) for table in tables if bit in table.tests}
    return len(tabled) < len(entry.residuals)


def _values(form: str, table: Table) -> tuple[Any, ...]:
    """What a form needs, in the order of `_NEEDS`."""
    texts = table.texts or {}
    match form:
        case "number":
            return table.number_vectors, table.number_cuts, table.null
        case "text":
            return {**texts, None: table.null}, table.other_text
        case "any number":
            return table.number_vectors, table.number_cuts, table.lookup
        case "any text":
            return texts, table.other_text, table.lookup
        case "remembered":
            return (Remembered(table.lookup),)
        case _:
            return (table.lookup,)


@functools.lru_cache(maxsize=4_096)
def _factory(order: tuple[int, ...], forms: tuple[str, ...], measures: tuple[Measure, ...]) -> Any:
    """The code of a shape: a function that takes the tables and gives the probe.

    Args:
        order: the slots to look up, in that order.
        forms: how each of them is looked up.
        measures: the ratios and sums to look up.
    """
    names = _names(forms, len(measures))
    writer = FunctionWriter("probe", ["slots"])
    if not order:
        writer.line("alive = everything")
    write_look_ups(writer, order, forms, measures, lambda slot: f"slots[{slot:d}]", "return 0")
    writer.line("while doubt:")
    with writer.indent():
        writer.line("last = doubt.bit_length()")
        writer.line("doubt ^= bits[last]")
        writer.line("if not tests[last](slots): alive ^= bits[last]")
    writer.line("return alive")
    return writer.compile_factory(names)


def write_look_ups(
    writer: FunctionWriter,
    order: Sequence[int],
    forms: Sequence[str],
    measures: Sequence[Measure],
    load: Callable[[int], str],
    stop: str,
) -> None:
    """Write the lines that leave in `alive` the bits that no table rules out, and in `doubt` those to test.

    Args:
        writer: of the function; gives `alive` its value beforehand where there is nothing to look up.
        order: the slots to look up, in that order.
        forms: how each of them is looked up.
        measures: the ratios and sums to look up.
        load: gives the text that reads a slot.
        stop: what to do when nothing is alive.
    """
    for i, (slot, form) in enumerate(zip(order, forms, strict=True)):
        writer.line(f"value = {load(slot)}")
        writer.line(f"alive {'=' if i == 0 else '&='} {_FORMS[form].format(i)}")
        # Asking after each look-up would cost more than it saves: after the first, second, fourth, eighth.
        if i & (i + 1) == 0:
            writer.line(f"if not alive: {stop}")
    writer.line("doubt = doubtful")
    for i, measure in enumerate(measures):
        if isinstance(measure, FieldSum):
            text, is_sure = measure.text, measure.write(writer, load)
        else:
            writer.line(f"left = {load(measure[0])}; right = {load(measure[1])}")
            text, is_sure = "left / right", "left.__class__ is float and right.__class__ is float and right > 0.0"
            is_sure = f"{is_sure} and slots[{ORDINARY:d}]"
        writer.line(f"if {is_sure}:")
        with writer.indent():
            writer.line(f"place = bisect(measure_cuts{i}, {text})")
            writer.line(f"alive &= measure_vectors{i}[place]")
            writer.line(f"doubt |= measure_doubts{i}[place]")
        writer.line(f"else: doubt |= measure_every{i}")
    writer.line("doubt &= alive")
