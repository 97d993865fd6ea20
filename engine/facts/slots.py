"""The slots of one program: where each field stands while rules run, in one flat list per evaluation.

The first slots hold no field but what an evaluation needs besides: `AS_OF`, `ORDINARY`, `MEMO`, `CANDIDATES`. Every
path that some rule reads or writes has a slot, and so has the element that a quantifier is looking at, the event that a
binding stands for, and what was found out about all elements of a list. Gives numbers only; `engine.facts.reader` puts
values into slots. A layout grows while rules are compiled, is then frozen, and adds no slot afterwards."""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from engine.facts.paths import Place, Steps
from engine.language import (
    Aggregate,
    Bound,
    Compare,
    Expression,
    Literal,
    Path,
    Pattern,
    Quantifier,
    children,
)
from engine.schema import FieldSchema, Schema
from engine.values import Value

#: The slots of one evaluation.
Slots = list[Value]

#: A field of its own, the list that a quantifier goes through, or the element that it is looking at.
Role = typing.Literal["field", "list", "element"]

# The first slots hold no field of a fact, but what every test and action may need besides: they are handed the slots
# alone, and a second argument would cost each call more than a look at a slot.

#: The moment that the facts are judged at.
AS_OF = 0

#: Whether every number is zero or between 1e-30 and 1e30 in size: only then may float arithmetic stand in for decimals.
ORDINARY = 1

#: What tests remember until the end of the evaluation; null until one does.
MEMO = 2

#: A function, which is no value of the language: it gives for a pattern the only places where its events may be, as
#: `Program.evaluate` was given it. Null: nobody gave one.
CANDIDATES = 3

#: From here on slots hold fields, elements, events and findings.
_FIRST_FIELD = 4

#: In the place of a fact, in paths that the engine itself makes: they lead to what was found out about a list.
FINDING = ""


class SlotLayout:
    """The slots of one program. Grows while the program is compiled, until `freeze`."""

    def __init__(self, schema: Schema | None) -> None:
        self.schema = schema
        self.places: dict[Place, int] = {}
        self.elements: dict[str, int] = {}
        #: Name of a binding to the slot of its event; patterns are asked one after the other, so they may share it.
        self.events: dict[str, int] = {}
        #: First steps that quantifiers and aggregates read of the elements of a list fact; None: all of them.
        self.element_fields: dict[str, set[str] | None] = {}
        #: A path within the elements of a list, to the slot that stands for it in all of them and stays empty.
        self.columns: dict[Place, int] = {}
        #: What was found out about all elements of a list, under a name that no fact has, to its slot.
        self.findings: dict[Place, int] = {}
        self._size = _FIRST_FIELD
        self._frozen = False

    @property
    def zone(self) -> tzinfo:
        """The zone of dates that have none; UTC without a schema."""
        return UTC if self.schema is None else self.schema.zone

    @property
    def size(self) -> int:
        """How many slots there are."""
        return self._size

    def freeze(self) -> None:
        """Add no slots from here on: whoever fills slots may count on their number."""
        self._frozen = True

    def _new(self, what: object) -> int:
        if self._frozen:
            raise RuntimeError(f"the layout is frozen, and has no slot for {what!r}")
        self._size += 1
        return self._size - 1

    def slot(self, fact: str, steps: Steps = ()) -> int:
        """The slot of a path, made when there is none yet.

        Args:
            fact: its first part.
            steps: the rest; default: none, for the whole fact.
        """
        place = (fact, steps)
        if fact == FINDING:
            return self.findings[place]
        slot = self.places.get(place)
        if slot is None:
            slot = self.places[place] = self._new(place)
        return slot

    def finding(self) -> Path:
        """A path to a new slot, for something that is found out before rules are asked."""
        path = Path(FINDING, (len(self.findings),))
        self.findings[path.fact, path.steps] = self._new(path)
        return path

    def element(self, fact: str) -> int:
        """The slot of the element of a list fact that is being looked at."""
        if fact not in self.elements:
            self.elements[fact] = self._new(fact)
        return self.elements[fact]

    def event(self, name: str) -> int:
        """The slot of the event that a binding of that name stands for."""
        if name not in self.events:
            self.events[name] = self._new(name)
        return self.events[name]

    def field(self, path: Path) -> FieldSchema | None:
        """What the schema says about the field that a path ends in; None without schema, or below a field."""
        return None if self.schema is None else self.schema.field_at(path.fact, path.steps)

    def note(self, node: Expression) -> frozenset[int]:
        """Make slots for all that an expression reads.

        Returns:
            Those slots, columns included: writing another field of an element concerns nobody.
        """
        slots: set[int] = set()
        stack = [node]
        # As `reads`, for what reads nothing but fields: of the conditions of a thousand rules that is nearly all.
        while stack:
            node = stack.pop()
            kind = node.__class__
            if isinstance(node, Path):
                slots.add(self._field(node))
            elif isinstance(node, Compare):
                stack += (node.left, node.right)
            elif kind in _READ_AS_WHOLE:
                self._note_elements(node, slots)
            elif kind is not Literal:
                stack += children(node)
        return frozenset(slots)

    def _field(self, path: Path) -> int:
        if not path.steps:
            self.element_fields[path.fact] = None
        return self.slot(path.fact, path.steps)

    def _note_elements(self, node: Expression, slots: set[int]) -> None:
        """Make slots for what is about the elements of a list, or about events, and add them to some."""
        for path, role in reads(node):
            if role == "element":
                slots.add(self._column(path))
            elif role == "field":
                slots.add(self._field(path))
            else:
                self.slot(path.fact)
                self.element(path.fact)
                self.element_fields.setdefault(path.fact, set())
        for binding in node.bindings if isinstance(node, Pattern) else ():
            self.event(binding.name)

    def _column(self, path: Path) -> int:
        fields = self.element_fields.setdefault(path.fact, set())
        first = path.steps[0] if path.steps else None
        if not isinstance(first, str):
            self.element_fields[path.fact] = None
        elif fields is not None:
            fields.add(first)
        place = (path.fact, path.steps)
        if place not in self.columns:
            self.columns[place] = self._new(place)
        return self.columns[place]

    def overlap(self, target: Path) -> "Overlap":
        """What else changes, or may change, when a field is written."""
        slot = self.slot(target.fact, target.steps)
        places = [(steps, other) for (fact, steps), other in self.places.items() if fact == target.fact]
        above = tuple((other, target.steps[len(steps) :]) for steps, other in places if _leads(steps, target.steps))
        below = tuple((other, steps[len(target.steps) :]) for steps, other in places if _leads(target.steps, steps))
        # From here on within an element: `Line[2].qty` writes to the column `qty`.
        within = target.steps[1:] if isinstance(target.steps[0], int) else target.steps
        columns = [(steps, other) for (fact, steps), other in self.columns.items() if fact == target.fact]
        return Overlap(
            slot,
            tuple(one for one in above if one[0] != slot),
            tuple(one for one in below if one[0] != slot),
            tuple((other, steps[len(within) :]) for steps, other in columns if _leads(within, steps)),
            tuple(other for steps, other in columns if _leads(steps, within) and steps != within),
        )


@dataclass(frozen=True, slots=True)
class Overlap:
    """The slots that hold what a write changes."""

    #: The slot of the field itself.
    slot: int
    #: Slots that hold the field within them, with the steps to it.
    above: tuple[tuple[int, Steps], ...]
    #: Slots that hold a part of the field, with the steps to that part.
    below: tuple[tuple[int, Steps], ...]
    #: Columns that stand for a part of it, with the steps to that part.
    parts: tuple[tuple[int, Steps], ...]
    #: Columns that stand for something that it is a part of.
    wholes: tuple[int, ...]

    @property
    def slots(self) -> frozenset[int]:
        """All of them."""
        pairs = (*self.above, *self.below, *self.parts)
        return frozenset({self.slot, *self.wholes, *(slot for slot, _ in pairs)})


def _leads(steps: Steps, further: Steps) -> bool:
    return further[: len(steps)] == steps


#: Nodes that name what they read in a way of their own.
_READ_AS_WHOLE = frozenset({Bound, Pattern, Quantifier, Aggregate})


def reads(node: Expression) -> Iterator[tuple[Path, Role]]:
    """Every path that an expression reads, with what it means there."""
    stack: list[tuple[Expression, frozenset[str]]] = [(node, frozenset())]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, Literal):
            continue
        if isinstance(node, Path):
            yield node, "element" if node.fact in bound else "field"
            continue
        # Of the conditions of a thousand rules nearly all end here: no class of nodes has heirs, so it is looked up.
        if node.__class__ not in _READ_AS_WHOLE:
            stack += [(child, bound) for child in children(node)]
            continue
        if isinstance(node, Bound):
            yield Path(node.stream, node.steps), "element"
            continue
        if isinstance(node, Pattern):
            for binding in node.bindings:
                yield Path(binding.stream), "list"
                if binding.time is not None:
                    yield Path(binding.time[0], (binding.time[1],)), "field"
                    yield Path(binding.stream, (binding.time[1],)), "element"
        if isinstance(node, Quantifier | Aggregate):
            yield Path(node.fact), "list"
            bound = bound | {node.fact}
        for child in children(node):
            stack.append((child, bound))
