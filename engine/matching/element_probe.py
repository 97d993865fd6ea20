"""Generate the function that goes through a list once, and fills the slots of all that is found out about it.

element_index, probes -> [element_probe] -> compiler

For each element the fields are looked up as those of facts are by a probe, which leaves a bit for each conjunction that
holds. `exists` and `forall` ask which bits some element had, `Count` how many elements had one; other aggregates
collect a value of each. The text of the function holds slot numbers and names that are made here; names of fields and
all else are bound to it as values (`engine.facts.codegen`). A list that is no list of objects is left to the exact
way."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from engine.facts import ORDINARY, FunctionWriter, Slots, get_path
from engine.language import Path
from engine.matching.element_index import FOLDS, ElementIndex
from engine.matching.probes import LookUps, Probes, write_look_ups
from engine.matching.remembered import Remembered

#: Bits of a number of elements: more of them than that fit into no memory.
_COUNT_BITS = 40

#: Fills the slots of findings; gives the same slots.
FindOut = Callable[[Slots], Slots]


def element_probe(index: ElementIndex) -> FindOut:
    """The function for one list.

    Args:
        index: of its elements.
    """
    writer = FunctionWriter("find_out", ["slots"])
    lines = ElementProbeLines(index, writer)
    exactly = writer.bind(index.find_exactly)
    writer.line(f"elements = slots[{index.list:d}]")
    writer.line("if elements.__class__ is not tuple:")
    writer.line(f"    if elements is not None: return {exactly}(slots)")
    writer.line("    elements = ()")
    lines.begin()
    writer.line("for element in elements:")
    with writer.indent():
        writer.line(f"if element.__class__ is not dict: return {exactly}(slots)")
        writer.line("get = element.get")
        lines.element(None)
    lines.finish()
    writer.line("return slots")
    find_out: FindOut = writer.compile()
    return find_out


class ElementProbeLines:
    """Writes the lines that find out about one list; a function has them for one list alone."""

    def __init__(self, index: ElementIndex, writer: FunctionWriter) -> None:
        """Prepare.

        Args:
            index: of the elements.
            writer: of the function, in which `slots` are the facts.
        """
        self._index = index
        self._writer = writer
        #: The columns that the function has in names of its own, as far as it is written.
        self._loaded: set[int] = set()
        self._fields = index.layout.fields
        #: Name of each field to what holds it; None: the function `get` of the element gives it.
        self._held: Mapping[str, str] | None = None
        self._lists: dict[Any, str] = {}

    def begin(self) -> None:
        """The lines before the first element."""
        self._writer.line("found = counts = 0")
        self._lists = self._begin_lists()

    def element(self, held: Mapping[str, str] | None) -> None:
        """The lines for each element; they may go on with the next one.

        Args:
            held: name of each field to what holds it; None: the function `get` of the element gives it.
        """
        self._held = held
        self._add_to_lists(self._lists)
        if self._index.entries:
            self._look_up(Probes(self._index.layout.kinds).look_ups(self._index.entries, frozenset()))

    def finish(self) -> None:
        """The lines after the last element, which fill the slots."""
        self._finish(self._lists)

    def _load(self, slot: int) -> str:
        """The name that holds a column of the element; a line is written if none does."""
        steps = self._fields[slot]
        is_field = len(steps) == 1 and isinstance(steps[0], str)
        if self._held is not None and is_field:
            return self._held.get(str(steps[0]), "None")
        if slot not in self._loaded:
            self._loaded.add(slot)
            if is_field:
                self._writer.line(f"field{slot:d} = get({self._writer.bind(steps[0])})")
            else:
                within, path = "element", steps
                if self._held is not None:
                    # Nothing stands under a number within an object.
                    within, path = self._held.get(steps[0], "None") if isinstance(steps[0], str) else "None", steps[1:]
                follow = self._writer.bind(get_path)
                self._writer.line(f"field{slot:d} = {follow}({within}, {self._writer.bind(path)})")
        return f"field{slot:d}"

    def _value(self, slot: int) -> str:
        """The text that reads a slot: of the element, or of the facts."""
        return self._load(slot) if slot in self._fields else f"slots[{slot:d}]"

    def _begin_lists(self) -> dict[Any, str]:
        """A list for the values of each operand; gives their names, by operand."""
        lists: dict[Any, str] = {}
        for fold in self._index.folds:
            if fold.operand not in lists:
                name = lists[fold.operand] = self._writer.variable()
                self._writer.line(f"{name} = []; add_{name} = {name}.append")
        return lists

    def _add_to_lists(self, lists: Mapping[Any, str]) -> None:
        for operand, name in lists.items():
            if isinstance(operand, Path):
                self._writer.line(f"add_{name}({self._value(self._index.layout.slot(operand.fact, operand.steps))})")
                continue
            self._put_into_slots(self._index.layout.note(operand))
            self._writer.line(f"add_{name}({self._writer.bind(self._index.compute(operand))}(slots))")

    def _put_into_slots(self, slots: frozenset[int]) -> None:
        """What tests and sums read of an element, they read from its columns."""
        for slot in sorted(slots & self._fields.keys()):
            self._writer.line(f"slots[{slot:d}] = {self._load(slot)}")

    def _look_up(self, look_ups: LookUps) -> None:
        writer, index = self._writer, self._index
        for name, value in zip(look_ups.names, look_ups.values, strict=True):
            writer.bind(value, name)
        if not look_ups.order:
            writer.line("alive = everything")
        write_look_ups(writer, look_ups.order, look_ups.forms, look_ups.measures, self._value, "continue")
        if look_ups.doubtful or look_ups.measures:
            writer.line("if doubt:")
            with writer.indent():
                before = set(self._loaded)
                self._put_into_slots(index.tested)
                self._loaded = before
                writer.line("while doubt:")
                with writer.indent():
                    writer.line("last = doubt.bit_length()")
                    writer.line("doubt ^= bits[last]")
                    writer.line("if not tests[last](slots): alive ^= bits[last]")
        writer.line("found |= alive")
        if index.counts:
            addends = writer.bind(Remembered(partial(_addend, index)), "addends")
            counted = set(index.counts.values())
            mask = sum(1 << bit for bit, entry in enumerate(index.entries) if entry.position in counted)
            writer.line(f"counts += {addends}[alive & {writer.bind(mask)}]")

    def _finish(self, lists: Mapping[Any, str]) -> None:
        index, writer = self._index, self._writer
        if index.boolean_slots:
            first, last = index.packed, index.boolean_slots[-1]
            writer.line(f"slots[{first:d}:{last + 1:d}] = {writer.bind(Remembered(partial(_booleans, index)))}[found]")
        if index.count_slots:
            first, last = index.count_slots[0], index.count_slots[-1]
            writer.line(f"slots[{first:d}:{last + 1:d}] = {writer.bind(Remembered(partial(_counted, index)))}[counts]")
        for fold in index.folds:
            values = lists[fold.operand]
            writer.line(f"value = slots[{fold.slot:d}] = {writer.bind(FOLDS[fold.kind])}(tuple({values}))")
            writer.line("if value.__class__ is float and value and not 1e-30 <= abs(value) <= 1e30:")
            writer.line(f"    slots[{ORDINARY:d}] = False")


# What is remembered of an index holds no writer: that is done with when its function is made.


def _conditions(index: ElementIndex, alive: int) -> set[int]:
    """The numbers of the conditions of which some conjunction holds."""
    return {entry.position for bit, entry in enumerate(index.entries) if alive >> bit & 1}


def _addend(index: ElementIndex, alive: int) -> int:
    """What an element adds to all counts."""
    holding, counts = _conditions(index, alive), index.counts.values()
    return sum(1 << place * _COUNT_BITS for place, number in enumerate(counts) if number in holding)


def _booleans(index: ElementIndex, found: int) -> tuple[Any, ...]:
    """The integer that packs the booleans, and each boolean; of those that are left out, False."""
    holding, some, none = _conditions(index, found), index.some, index.none
    values = [
        some[slot] in holding if slot in some else slot in none and none[slot] not in holding
        for slot in index.boolean_slots
    ]
    return sum(value << bit for bit, value in enumerate(values)), *values


def _counted(index: ElementIndex, counts: int) -> tuple[float, ...]:
    """Each count; of those that are left out, zero."""
    places = {slot: place for place, slot in enumerate(index.counts)}
    return tuple(
        float(counts >> places[slot] * _COUNT_BITS & (1 << _COUNT_BITS) - 1) if slot in places else 0.0
        for slot in index.count_slots
    )


def finding_out(probes: Sequence[FindOut]) -> FindOut | None:
    """One function that does what several do, one after the other; None when there is none."""
    if len(probes) < 2:
        return probes[0] if probes else None

    def find_out(slots: Slots) -> Slots:
        for probe in probes:
            probe(slots)
        return slots

    return find_out
