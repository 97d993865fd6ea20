"""Fire what matches, one rule at a time.  index -> [cycle] -> evaluation

Takes the rules in agenda order and who matched, fires the first, plans again, and so on until nobody is left. How a
condition is tested and what an action does is not its business (`engine.matching.index`,
`engine.evaluation.actions`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.evaluation.actions import Act, ActionRefused, FiringState, changes_of
from engine.evaluation.expressions import Test
from engine.evaluation.observer import Observer
from engine.evaluation.result import Evaluation, Outcome, Reason, error_evaluation, worst
from engine.facts import Place, Slots
from engine.language import Rule
from engine.values import equal, to_python

#: So many rules are tested one by one after a change; for more of them, asking the index again is cheaper.
_FEW = 24
#: So many rules of a loop are named.
_MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A compiled rule, at its place on the agenda."""

    rule: Rule
    #: Its bit: 1 << place.
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
    #: Name of each rule.
    names: Sequence[str]
    #: What a rule says when it fires, when saying that is all its actions do; None for any other.
    words: Sequence[tuple[Reason, ...] | None]
    #: The same, for rules that exclude no other; None for any other.
    said: Sequence[tuple[Reason, ...] | None]
    #: The positions of all rules whose condition holds, in order.
    match: Callable[[Slots], list[int]]
    #: The whole evaluation of some facts, when all rules that match only say what is known beforehand; else the
    #: positions, in no order, some of them maybe twice.
    judge: Callable[[Slots, Any], Evaluation | list[int]]


def run_cycle(
    agenda: Agenda, slots: Slots, given: Any, observer: Observer | None = None, matched: list[int] | None = None
) -> Evaluation:
    """Judge facts.

    Args:
        agenda: the rules.
        slots: the facts; they are changed.
        given: the facts as they were passed in, for the evaluation.
        observer: who watches; default None: nobody.
        matched: the places of the rules that match, when they are known; default None: the index is asked.

    Returns:
        The evaluation.
    """
    if matched is None:
        if observer is None:
            answer = agenda.judge(slots, given)
            if isinstance(answer, Evaluation):
                return answer
            matched = sorted(set(answer))
        else:
            matched = agenda.match(slots)
    if observer is None:
        # Most facts match a few rules that only decide: nothing to plan, and all that is said is known already.
        reasons: list[Reason] = []
        for position in matched:
            said = agenda.said[position]
            if said is None:
                break
            reasons += said
        else:
            names = agenda.names
            return Evaluation(worst(reasons), [names[position] for position in matched], reasons, {}, [], given)
    rules = agenda.rules
    run = FiringState(slots)
    try:
        if observer is None and not any(rules[position].steers for position in matched):
            for position in matched:
                ready = rules[position]
                run.fired.append(ready.rule.name)
                for act in ready.acts:
                    act(run)
        else:
            _Plan(agenda, run, matched, observer).work()
    except ActionRefused as refusal:
        name = run.fired[-1]
        return error_evaluation("assignment-refused", f"rule '{name}': {refusal}", given, name)
    except _Diverged as diverged:
        return error_evaluation("rules-diverged", str(diverged), given)
    return _evaluation(agenda, run, given)


def _evaluation(agenda: Agenda, run: FiringState, given: Any) -> Evaluation:
    outcome: Outcome = worst(run.reasons)
    if not run.written:
        return Evaluation(outcome, run.fired, run.reasons, {}, run.logs, given)
    changes = changes_of(run, agenda.labels)
    places = tuple(agenda.places[slot] for slot in run.written if agenda.labels[slot] in changes)
    return Evaluation(outcome, run.fired, run.reasons, changes, run.logs, given, places)


class _Diverged(Exception):
    """The rules keep each other firing; the message names them."""


class _Plan:
    """The agenda of one run, re-planned after each firing."""

    def __init__(self, agenda: Agenda, run: FiringState, matched: list[int], observer: Observer | None) -> None:
        self._agenda = agenda
        self._run = run
        self._observer = observer
        self._matched = _bits(matched)
        #: Fired, and nothing that its condition reads was changed since.
        self._spent = 0
        #: Fired, ever.
        self._fired = 0
        #: Of the rules with lock-on-active, those that have matched from the start on.
        self._unlocked = self._matched & agenda.locked
        self._announce(self._matched)

    def work(self) -> None:
        """Fire until nobody is left."""
        run, rules, locked = self._run, self._agenda.rules, self._agenda.locked
        while not run.complete:
            ready = self._matched & ~self._spent & ~run.blocked & ~(locked & ~self._unlocked)
            if not ready:
                return
            first = rules[(ready & -ready).bit_length() - 1]
            # A first firing can't be part of a loop, however many rules there are.
            if len(run.fired) >= self._agenda.max_firings and first.bit & self._fired:
                raise _Diverged(_loop(run.fired))
            self._fire(first)

    def _fire(self, ready: CompiledRule) -> None:
        run, bit = self._run, ready.bit
        run.fired.append(ready.rule.name)
        self._spent |= bit
        self._fired |= bit
        run.blocked |= ready.rivals | (bit & self._agenda.locked)
        before = dict(run.written) if self._observer is not None else {}
        old = list(run.slots) if self._observer is not None else []
        for act in ready.acts:
            act(run)
        if self._observer is not None:
            names, slots = self._agenda.labels, run.slots
            written = [slot for slot in {**before, **run.written} if not equal(old[slot], slots[slot])]
            self._observer.rule_fired(ready.rule, {names[slot]: to_python(slots[slot]) for slot in written})
        if run.changed:
            affected = 0
            for slot in run.changed:
                affected |= self._agenda.readers.get(slot, 0)
            run.changed.clear()
            if affected:
                self._replan(affected)
                self._spent &= ~affected
                if ready.rule.no_loop:
                    self._spent |= bit

    def _replan(self, affected: int) -> None:
        """Test the affected rules again."""
        asked = affected & self._agenda.focused & ~self._run.blocked
        slots, rules = self._run.slots, self._agenda.rules
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
