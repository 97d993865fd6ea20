"""The recognize-act cycle: fire the first rule that matches, match again what it changed, until none is left.

Takes slots and the agenda of a program, gives an `Evaluation`. How a condition is tested and what an action does is not
its business (`engine.matching.index`, `engine.evaluation.actions`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.evaluation.actions import Act, ActionRefused, FiringState, changes_of
from engine.evaluation.observer import Observer
from engine.evaluation.operators import Test
from engine.evaluation.reasons import Outcome, Reason, ReasonTable, worst
from engine.evaluation.result import Evaluation, error_evaluation
from engine.facts import Place, Slots
from engine.language import Rule
from engine.values import equal, to_python

#: So many rules are tested one by one after a change; for more of them, asking the index again is cheaper.
_FEW = 24
#: So many rules of a loop are named.
_MAX_NAMED = 10


@dataclass(slots=True, weakref_slot=True)
class CompiledRule:
    """A compiled rule, at its position on the agenda. Whoever tests or fires it first may put what was made for that
    in the place of its `test` and `acts`, which then do the same."""

    rule: Rule
    #: 1 << its position on the agenda.
    bit: int
    #: Tests its whole condition; None when no rule can change what it reads.
    test: Test | None
    acts: tuple[Act, ...]
    #: The bits of the rules that fire no more once it has: the others of its activation group; a row of a table itself.
    rivals: int
    #: Whether it writes a field that some condition reads, or retracts, completes or excludes.
    steers: bool


@dataclass(frozen=True, slots=True)
class Agenda:
    """All rules of a program, and what each of them depends on."""

    #: In the order in which they fire.
    rules: tuple[CompiledRule, ...]
    #: Slot to the bits of the rules whose condition reads it.
    readers: Mapping[int, int]
    #: Bits of the rules with lock-on-active.
    locked: int
    #: Bits of the rules that may fire at all.
    focused: int
    #: Label and place of every slot that rules write.
    labels: Mapping[int, str]
    places: Mapping[int, Place]
    max_firings: int
    #: Name and constant reasons of each rule.
    reasons: ReasonTable
    #: The same, without the reasons of rules that can stop other rules from firing.
    independent_reasons: ReasonTable
    #: The positions of all rules whose condition holds, in order.
    match: Callable[[Slots], list[int]]
    #: Takes slots, and the facts as they were passed in. Gives the whole evaluation if every rule that matches has
    #: independent reasons; else it may give the positions of the matching rules, unsorted, perhaps repeated.
    match_or_evaluate: Callable[[Slots, Any], Evaluation | list[int]]


def run_cycle(
    agenda: Agenda, slots: Slots, given: Any, observer: Observer | None = None, matched: list[int] | None = None
) -> Evaluation:
    """Evaluate facts.

    Args:
        agenda: the rules.
        slots: the facts; they are changed.
        given: the facts as they were passed in, for the evaluation.
        observer: who watches; default None: nobody.
        matched: the positions of the rules that match, in order; default None: the index is asked.

    Returns:
        The evaluation.
    """
    if matched is None:
        if observer is None:
            answer = agenda.match_or_evaluate(slots, given)
            if isinstance(answer, Evaluation):
                return answer
            matched = sorted(set(answer))
        else:
            matched = agenda.match(slots)
    if observer is None:
        # Most facts match a few rules that only decide: nothing to plan, and all reasons are constants.
        constants = agenda.independent_reasons.reasons
        reasons: list[Reason] = []
        for position in matched:
            constant = constants[position]
            if constant is None:
                break
            reasons += constant
        else:
            names = agenda.reasons.names
            return Evaluation(worst(reasons), [names[position] for position in matched], reasons, {}, [], given)
    rules = agenda.rules
    state = FiringState(slots)
    try:
        if observer is None and not any(rules[position].steers for position in matched):
            for position in matched:
                compiled = rules[position]
                state.fired.append(compiled.rule.name)
                for act in compiled.acts:
                    act(state)
        else:
            _Cycle(agenda, state, matched, observer).run()
    except ActionRefused as refusal:
        name = state.fired[-1]
        return error_evaluation(refusal.code, f"rule '{name}': {refusal}", given, name)
    except _Diverged as diverged:
        return error_evaluation("rules-diverged", str(diverged), given)
    return _evaluation(agenda, state, given)


def _evaluation(agenda: Agenda, state: FiringState, given: Any) -> Evaluation:
    outcome: Outcome = worst(state.reasons)
    if not state.written:
        return Evaluation(outcome, state.fired, state.reasons, {}, state.logs, given, (), state.events)
    changes = changes_of(state, agenda.labels)
    places = tuple(agenda.places[slot] for slot in state.written if agenda.labels[slot] in changes)
    return Evaluation(outcome, state.fired, state.reasons, changes, state.logs, given, places, state.events)


class _Diverged(Exception):
    """The rules keep each other firing; the message names them."""


class _Cycle:
    """The rules that match during one evaluation, kept up to date after each firing."""

    def __init__(self, agenda: Agenda, state: FiringState, matched: list[int], observer: Observer | None) -> None:
        self._agenda = agenda
        self._state = state
        self._observer = observer
        self._matched = _bits(matched)
        #: Fired, and nothing that its condition reads was changed since.
        self._spent = 0
        #: Fired, ever.
        self._fired = 0
        #: Of the rules with lock-on-active, those that have matched from the start on.
        self._unlocked = self._matched & agenda.locked
        self._announce(self._matched)

    def run(self) -> None:
        """Fire until nobody is left."""
        state, rules, locked = self._state, self._agenda.rules, self._agenda.locked
        while not state.complete:
            ready = self._matched & ~self._spent & ~state.blocked & ~(locked & ~self._unlocked)
            if not ready:
                return
            first = rules[(ready & -ready).bit_length() - 1]
            # A first firing can't be part of a loop, however many rules there are.
            if len(state.fired) >= self._agenda.max_firings and first.bit & self._fired:
                raise _Diverged(_loop(state.fired))
            self._fire(first)

    def _fire(self, compiled: CompiledRule) -> None:
        state, bit = self._state, compiled.bit
        state.fired.append(compiled.rule.name)
        self._spent |= bit
        self._fired |= bit
        state.blocked |= compiled.rivals | (bit & self._agenda.locked)
        before = dict(state.written) if self._observer is not None else {}
        old = list(state.slots) if self._observer is not None else []
        for act in compiled.acts:
            act(state)
        if self._observer is not None:
            labels, slots = self._agenda.labels, state.slots
            written = [slot for slot in {**before, **state.written} if not equal(old[slot], slots[slot])]
            self._observer.rule_fired(compiled.rule, {labels[slot]: to_python(slots[slot]) for slot in written})
        if state.changed:
            affected = 0
            for slot in state.changed:
                affected |= self._agenda.readers.get(slot, 0)
            state.changed.clear()
            if affected:
                self._match_again(affected)
                self._spent &= ~affected
                if compiled.rule.no_loop:
                    self._spent |= bit

    def _match_again(self, affected: int) -> None:
        """Test the affected rules again."""
        asked = affected & self._agenda.focused & ~self._state.blocked
        slots, rules = self._state.slots, self._agenda.rules
        if asked.bit_count() > _FEW:
            holding = _bits(self._agenda.match(slots)) & asked
        else:
            holding = 0
            while asked:
                bit = asked & -asked
                asked ^= bit
                test = rules[bit.bit_length() - 1].test
                if test is not None and test(slots):
                    holding |= bit
        self._announce(holding & ~self._matched)
        self._matched = (self._matched & ~affected) | holding
        self._unlocked &= self._matched

    def _announce(self, bits: int) -> None:
        if self._observer is not None:
            while bits:
                bit = bits & -bits
                bits ^= bit
                self._observer.rule_matched(self._agenda.rules[bit.bit_length() - 1].rule)


def _bits(positions: list[int]) -> int:
    bits = 0
    for position in positions:
        bits |= 1 << position
    return bits


def _loop(fired: list[str]) -> str:
    """Names the rules that fire over and over at the end of a run that does not end."""
    counts: dict[str, int] = {}
    for name in fired:
        counts[name] = counts.get(name, 0) + 1
    looping = [name for name, count in counts.items() if count > 1]
    shown = ", ".join(f"'{name}'" for name in looping[:_MAX_NAMED])
    more = f" and {len(looping) - _MAX_NAMED} more" if len(looping) > _MAX_NAMED else ""
    return f"no end after {len(fired):,} firings; these rules keep each other firing: {shown}{more}"
