"""Compile the actions of rules to callables that change the state of an evaluation.

An action changes a `FiringState`: slots, reasons, logs, what is blocked. It fails only by `ActionRefused`, and then the
cycle keeps nothing of the whole evaluation."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.evaluation.expressions import Expressions
from engine.evaluation.joined_text import text_of, value_in_text
from engine.evaluation.operators import Compute, operation
from engine.evaluation.reasons import Outcome, Reason, RuleEvent
from engine.facts import ORDINARY, SlotLayout, Slots, get_path, path_label, with_path
from engine.language import Action, Assign, Complete, Decide, Emit, Literal, Log, Path, Retract, Rule
from engine.schema import FieldSchema, Limits
from engine.values import MAX_TEXT, Value, bounded, equal, kind_of, literal, ordinary, text, to_python

#: Characters of a refused value that its message shows.
_MAX_SHOWN = 60


class ActionRefused(Exception):
    """An assignment can't be made; the message names the field."""

    _code = "assignment-refused"

    @property
    def code(self) -> str:
        """Of the reason of the error."""
        return self._code


class CallRefused(ActionRefused):
    """A call has an argument of another kind than the schema declares; the message names the call."""

    _code = "call-refused"


class FiringState:
    """The state of one evaluation while its rules fire."""

    __slots__ = ("blocked", "changed", "complete", "events", "fired", "logs", "reasons", "slots", "written")

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.fired: list[str] = []
        self.reasons: list[Reason] = []
        self.logs: list[str] = []
        self.events: list[RuleEvent] = []
        #: The slots that were written, with the value they had before.
        self.written: dict[int, Value] = {}
        #: The slots whose value the rule that is firing changed.
        self.changed: set[int] = set()
        #: Bit per rule: it does not fire any more.
        self.blocked = 0
        self.complete = False


Act = Callable[[FiringState], None]


class Actions:
    """Compiles the actions of one program."""

    def __init__(self, layout: SlotLayout, expressions: Expressions, positions: Mapping[str, int]) -> None:
        """Prepare.

        Args:
            layout: where fields stand; it has to know every path of the program already.
            expressions: what compiles the values that actions compute.
            positions: each rule's place on the agenda, by name.
        """
        self._layout = layout
        self._expressions = expressions
        self._positions = positions

    def compile(self, rule: str, action: Action) -> Act:
        """A callable that does what an action says.

        Args:
            rule: the name of its rule.
            action: what to do.
        """
        match action:
            case Decide(outcome, reason):
                if isinstance(reason, Literal):
                    return _decide(self.constant_reason(rule, outcome, reason))
                said = self.reason(rule, action)
                return lambda state: state.reasons.append(said(state.slots))
            case Log(expression):
                log_text = text_of(expression, self._expressions)
                return lambda state: state.logs.append(log_text(state.slots))
            case Retract(name):
                return _block(1 << self._positions[name] if name in self._positions else 0)
            case Complete():
                return _complete
            case Emit():
                event = self.event(rule, action)
                return lambda state: state.events.append(event(state.slots))
            case Assign(target, op, value):
                return self._assign(target, op, self._expressions.value_of(value))

    def constant_reasons(self, rule: Rule) -> tuple[Reason, ...] | None:
        """The reasons of a rule whose actions only decide, with literal text; None for any other."""
        reasons = []
        for action in rule.actions:
            if not isinstance(action, Decide) or not isinstance(action.reason, Literal):
                return None
            reasons.append(self.constant_reason(rule.name, action.outcome, action.reason))
        return tuple(reasons)

    def constant_reason(self, rule: str, outcome: Outcome, reason: Literal) -> Reason:
        """The reason that a rule gives in literal text.

        Args:
            rule: its name.
            outcome: what it asks for.
            reason: the text.
        """
        return Reason(rule, outcome, _cut(literal(reason.value)))

    def reason(self, rule: str, action: Decide) -> Callable[[Slots], Reason]:
        """A callable that gives the reason of a decision.

        Args:
            rule: the name of its rule.
            action: the decision.
        """
        outcome, reason_text = action.outcome, text_of(action.reason, self._expressions)
        return lambda slots: Reason(rule, outcome, reason_text(slots))

    def event(self, rule: str, action: Emit) -> Callable[[Slots], RuleEvent]:
        """A callable that gives the event of a call; it raises `CallRefused`.

        Args:
            rule: the name of its rule.
            action: the call.
        """
        schema, name = self._layout.schema, action.name
        declared = schema.calls.get(name) if schema is not None else None
        kinds = ("any",) * len(action.args) if declared is None else declared.args
        args = list(zip([value_in_text(arg, self._expressions) for arg in action.args], kinds, strict=True))

        def event(slots: Slots) -> RuleEvent:
            values = []
            for compute, kind in args:
                value = bounded(compute(slots))
                if kind not in ("any", given := kind_of(value)) and value is not None:
                    raise CallRefused(f"an argument of {name} is of kind {kind} and can't be {given}")
                values.append(to_python(value))
            return RuleEvent(name, values, rule)

        return event

    def _assign(self, target: Path, op: str, compute: Compute) -> Act:
        slot = self._layout.slot(target.fact, target.steps)
        check = self.check(target)
        write = self._writer(target)
        depth = len(target.steps)
        if op == "=":

            def assign(state: FiringState) -> None:
                value = bounded(compute(state.slots), depth)
                check(value)
                write(state, value)

            return assign
        operate = operation(op[0])
        field = self._layout.field(target)
        start = None if field is None or field.start is None else literal(field.start)

        def update(state: FiringState) -> None:
            before = state.slots[slot]
            value = operate(start if before is None else before, compute(state.slots))
            check(value)
            write(state, value)

        return update

    def check(self, target: Path) -> Callable[[Value], None]:
        """A callable that raises `ActionRefused` for a value that a field can't have."""
        return _check(path_label(target.fact, target.steps), self._layout.field(target))

    def _writer(self, target: Path) -> Callable[[FiringState, Value], None]:
        overlap = self._layout.overlap(target)
        slot, above, wholes = overlap.slot, overlap.above, overlap.wholes
        below, parts = overlap.below, overlap.parts
        name = path_label(target.fact, target.steps)

        def write(state: FiringState, value: Value) -> None:
            slots = state.slots
            before = slots[slot]
            if equal(before, value):
                return
            # All parents first: one that can't take the value must leave nothing half done.
            try:
                parents = [(other, with_path(slots[other], steps, value, keep_null=False)) for other, steps in above]
            except LookupError:
                raise ActionRefused(f"there is no {name} to assign to") from None
            for other, parent in parents:
                slots[other] = parent
                state.changed.add(other)
            state.written.setdefault(slot, before)
            slots[slot] = value
            state.changed.add(slot)
            for other, steps in below:
                part = get_path(value, steps)
                if not equal(slots[other], part):
                    slots[other] = part
                    state.changed.add(other)
            state.changed.update(wholes)
            state.changed.update(
                other for other, steps in parts if not equal(get_path(before, steps), get_path(value, steps))
            )
            slots[ORDINARY] = slots[ORDINARY] and ordinary(value)

        return write


def _check(name: str, field: FieldSchema | None) -> Callable[[Value], None]:
    """What refuses a value that a field can't have: of another kind, beyond its bounds, or none of its values."""
    if field is None:
        return lambda value: None
    kind, required, limits = field.kind, field.required, Limits(field)

    def check(value: Value) -> None:
        given = kind_of(value)
        if given != kind and (given != "null" or required):
            raise ActionRefused(f"{name} is of kind {kind} and can't be {given}")

    def check_limits(value: Value) -> None:
        check(value)
        broken = "" if value is None else limits.broken_by(value)
        if broken:
            raise ActionRefused(f"{name} can't be {_abridged(value)}: it {broken}")

    return check_limits if limits else check


def _abridged(value: Value) -> str:
    shown = text(value)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"


def _cut(value: Any) -> str:
    return text(value)[:MAX_TEXT]


def _decide(reason: Reason) -> Act:
    return lambda state: state.reasons.append(reason)


def _block(bit: int) -> Act:
    def block(state: FiringState) -> None:
        state.blocked |= bit

    return block


def _complete(state: FiringState) -> None:
    state.complete = True


def changes_of(state: FiringState, names: Mapping[int, str]) -> dict[str, Any]:
    """What rules changed: the fields that end with another value than they began with.

    Args:
        state: after the last firing.
        names: label of each slot that rules write.
    """
    slots = state.slots
    return {
        names[slot]: to_python(slots[slot]) for slot, before in state.written.items() if not equal(before, slots[slot])
    }
