"""The index of the elements of one list: which conditions hold for an element, with one look at each of its fields.

findings -> [element_index] -> element_probe, columnar

Takes the findings about a list, brings their conditions to conjunctions as those of rules, and says what each finding
is made of: which conditions, or which values. A condition that would cost an evaluation much and may not be asked at
all is left to the rules that ask. Looks at no element itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engine.evaluation import Compute, Expressions, linear_comparison
from engine.facts import ORDINARY, ElementLayout, SlotLayout, Slots
from engine.functions import lists
from engine.language import Expression, Not, Path
from engine.matching.findings import Findings, ListFindings, Node, kinds_of, operand_of
from engine.matching.normal_form import NormalForm
from engine.matching.probes import Entry, Residual
from engine.matching.ratios import ratio_of
from engine.values import Value, ordinary

#: Conjunctions of one list: with more, each look at an element would cost as much as the rules that ask.
_MAX_CONJUNCTIONS = 1_024
#: So many tests and sums of one list may call functions, search texts and the like for every element.
_MAX_SLOW = 16

#: Aggregate to what it makes of the values of all elements.
FOLDS: dict[str, Callable[[tuple[Value, ...]], Value]] = {
    "CountDistinct": lists.count_distinct,
    "Sum": lists.total,
    "Avg": lists.mean,
    "Min": lists.least,
    "Max": lists.greatest,
}


@dataclass(frozen=True, slots=True)
class Fold:
    """A finding that is made of a value of each element."""

    slot: int
    kind: str
    #: What is computed of each element.
    operand: Expression


class ElementIndex:
    """The findings about one list, taken apart."""

    def __init__(self, found: ListFindings, findings: Findings, layout: SlotLayout, expressions: Expressions) -> None:
        """Take them apart.

        Args:
            found: about this list.
            findings: of the program; loses those that are left to the rules.
            layout: of the program; frozen.
            expressions: compiles expressions of the program.
        """
        self.layout = ElementLayout(layout, found.fact)
        #: The slot of the list.
        self.list = layout.slot(found.fact)
        #: The slot of all booleans in one integer.
        self.packed = found.packed
        self._expressions = Expressions(self.layout)
        self._forms = NormalForm(self.layout, self._expressions)
        self._numbers: dict[Expression, int] = {}
        self._residual = partial(_residual, self.layout, self._expressions)
        self._slow = 0
        #: The conjunctions of all conditions; the position of each is the number of its condition.
        self.entries: list[Entry] = []
        #: Slot to the number of the condition that has to hold for some element, or for none.
        self.some: dict[int, int] = {}
        self.none: dict[int, int] = {}
        #: Slot to the number of the condition whose elements are counted.
        self.counts: dict[int, int] = {}
        self.folds: list[Fold] = []
        left_out: list[Node] = []
        for node, path in {**found.booleans, **found.counts}.items():
            is_none = node.kind == "forall"
            number = self._number(Not(operand_of(node)) if is_none else operand_of(node))
            if number is None:
                left_out.append(node)
                continue
            slots = self.none if is_none else self.counts if node.kind == "Count" else self.some
            slots[layout.slot(path.fact, path.steps)] = number
        for node, path in found.folds.items():
            operand = operand_of(node)
            if self._is_affordable([] if isinstance(operand, Path) else [operand]):
                self.folds.append(Fold(layout.slot(path.fact, path.steps), node.kind, operand))
            else:
                left_out.append(node)
        findings.leave_out(left_out)
        kept = {node: path for node, path in found.paths.items() if node not in left_out}
        #: Slot of each finding to what finds it out from the elements, whatever they are.
        self._exact: dict[int, Compute] = {
            layout.slot(path.fact, path.steps): expressions.value_of(node) for node, path in kept.items()
        }
        #: The slots of the booleans, and of the counts: each from the first to the last, also of those left out.
        self.boolean_slots = [layout.slot(path.fact, path.steps) for path in found.booleans.values()]
        #: Slot of each finding to the kind of its values, where it is always the same.
        self.kinds = kinds_of(found, self.layout)
        self.count_slots = [layout.slot(path.fact, path.steps) for path in found.counts.values()]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to find out."""
        return not self._exact

    @property
    def slots(self) -> frozenset[int]:
        """The slots of all findings."""
        return frozenset({*self._exact, *self.boolean_slots})

    @property
    def packs(self) -> Mapping[int, tuple[int, int]]:
        """Slot of each boolean to the slot that holds it with all others, and to its bit there."""
        return {slot: (self.packed, bit) for bit, slot in enumerate(self.boolean_slots)}

    @property
    def conditions(self) -> int:
        """How many there are."""
        return len(self._numbers)

    @property
    def tested(self) -> frozenset[int]:
        """The slots that residual tests read."""
        residuals = [residual for entry in self.entries for residual in entry.residuals]
        return frozenset(slot for residual in residuals for slot in residual.slots)

    def compute(self, operand: Expression) -> Compute:
        """What computes a value of the element whose fields are in their columns."""
        return self._expressions.value_of(operand)

    def find_exactly(self, slots: Slots) -> Slots:
        """Fill the slots of the findings one by one: whatever stands in the slot of the list.

        Args:
            slots: of the facts; gets the findings.

        Returns:
            The same.
        """
        for slot, compute in self._exact.items():
            slots[slot] = compute(slots)
        self.pack(slots)
        return slots

    def pack(self, slots: Slots) -> None:
        """Fill the slot of all booleans, and see whether the numbers that were found are of ordinary size."""
        packed = 0
        for bit, slot in enumerate(self.boolean_slots):
            packed |= (slots[slot] is True) << bit
        slots[self.packed] = packed
        if not all(ordinary(slots[fold.slot]) for fold in self.folds):
            slots[ORDINARY] = False

    def _number(self, condition: Expression) -> int | None:
        """The number of a condition, whose conjunctions are added; None when it is too costly."""
        number = self._numbers.get(condition)
        if number is not None:
            return number
        conjunctions = self._forms.of(condition)
        residuals = [node for conjunction in conjunctions for node in conjunction.residuals]
        if len(self.entries) + len(conjunctions) > _MAX_CONJUNCTIONS or not self._is_affordable(residuals):
            return None
        number = self._numbers[condition] = len(self._numbers)
        self.entries += [Entry(number, conjunction, self._residual) for conjunction in conjunctions]
        return number

    def _is_affordable(self, nodes: Sequence[Expression]) -> bool:
        """Whether some more tests and sums may be made for every element; if so, they are."""
        slow = sum(
            ratio_of(node, self.layout) is None and linear_comparison(node, self.layout) is None for node in nodes
        )
        if self._slow + slow > _MAX_SLOW:
            return False
        self._slow += slow
        return True


def _residual(layout: ElementLayout, expressions: Expressions, node: Expression) -> Residual:
    ratio, linear = ratio_of(node, layout), linear_comparison(node, layout)
    return Residual(expressions.truth_of(node), ratio, linear, layout.note(node))


def element_indexes(findings: Findings, layout: SlotLayout, expressions: Expressions) -> list[ElementIndex]:
    """The indexes of all lists of a program that have findings.

    Args:
        findings: of the program; loses those that are left to the rules.
        layout: frozen.
        expressions: compiles expressions of the program.
    """
    indexes = [ElementIndex(found, findings, layout, expressions) for found in findings.lists]
    return [index for index in indexes if not index.is_empty]
