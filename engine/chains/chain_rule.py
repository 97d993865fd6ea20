"""What the chain writers know of a program and of each of its rules.  matching -> [chain_rule] -> loops, straight_line

Plain values. A `ChainMaterial` is made while a program is compiled and costs nothing; a `ChainRule` once the rules of
its class are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.evaluation import Agenda
from engine.facts import Place, SlotLayout
from engine.language import Aggregate, Assign, Expression, Literal, Pattern, Quantifier, Retract, Rule, walk
from engine.matching import Entry
from engine.values import Value, literal


@dataclass(frozen=True, slots=True)
class ChainMaterial:
    """A program, as far as its chains are made of it."""

    agenda: Agenda
    #: In agenda order, with what was found out about lists in them.
    rules: Sequence[Rule]
    #: The conjunctions of all conditions, in agenda order.
    entries: Sequence[Entry]
    #: By position on the agenda: the slots that the condition of each rule reads.
    reads: Sequence[frozenset[int]]
    #: By position on the agenda: the slots that the actions of each rule may change.
    changed: Sequence[frozenset[int]]
    #: Frozen.
    layout: SlotLayout
    #: Slot to the kind of its values, where the schema says so.
    kinds: Mapping[int, str]
    #: Name of each rule to its position on the agenda.
    positions: Mapping[str, int]
    #: Label of each field that rules write to its place.
    places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Write:
    """A slot that a rule writes."""

    slot: int
    #: Whether it always writes the same value.
    is_constant: bool
    #: That value.
    value: Value


class ChainRule:
    """One rule of a class: the rules that may fire for facts with one value of the field that is split on."""

    __slots__ = ("blocks", "changed", "entries", "position", "reads", "rule", "writes")

    def __init__(self, position: int, entries: Sequence[Entry], material: ChainMaterial) -> None:
        """Look at a rule.

        Args:
            position: on the agenda of the program.
            entries: its conjunctions in this class, one of which has to hold.
            material: the program.
        """
        compiled = material.agenda.rules[position]
        self.position = position
        self.rule = material.rules[position]
        self.entries = tuple(entries)
        self.reads = material.reads[position]
        self.changed = material.changed[position]
        slot = material.layout.slot
        self.writes = tuple(
            Write(
                slot(action.target.fact, action.target.steps),
                constant := action.op == "=" and isinstance(action.value, Literal),
                literal(action.value.value) if constant and isinstance(action.value, Literal) else None,
            )
            for action in self.rule.actions
            if isinstance(action, Assign)
        )
        #: Bits, by position on the agenda, of the rules that fire no more once this one has.
        self.blocks = compiled.rivals
        for action in self.rule.actions:
            if isinstance(action, Retract) and action.rule in material.positions:
                self.blocks |= 1 << material.positions[action.rule]
        if self.rule.lock_on_active:
            self.blocks |= compiled.bit

    @property
    def overlaps(self) -> bool:
        """Whether it writes into something that has further slots: a list, or an object that is read as a whole."""
        return self.changed != {write.slot for write in self.writes}

    @property
    def fires_again(self) -> bool:
        """Whether its own changes may make it fire again."""
        return not (self.rule.no_loop or self.rule.once or self.rule.lock_on_active)

    def is_excluded_by(self, write: Write) -> bool:
        """Whether its condition can't hold once that was written."""
        return write.is_constant and all(
            write.slot in entry.conjunction.allowed and write.value not in entry.conjunction.allowed[write.slot]
            for entry in self.entries
        )


#: What takes a walk through a list, or through events.
_WALKING = Quantifier | Aggregate | Pattern


def walks(condition: Expression) -> bool:
    """Whether an expression goes through a list, so that its test should not be written out for each rule."""
    return any(isinstance(node, _WALKING) for node in walk(condition))
