"""Find the events that a pattern is about.  nodes -> [correlation] -> expressions

Loops within each other, one a binding, over the window in order; an operand is tried as soon as all events that it
names are chosen, and the first choice with which everything holds is the witness. Whoever judges may have a faster way
to the few choices that can hold (`CANDIDATES`): then only those are tried, by the same tests, so that the answer never
depends on who looked. What a pattern came to is remembered until something that it reads is changed."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.evaluation.event_joins import Search, Values, joins_of
from engine.facts import AS_OF, CANDIDATES, MEMO, SlotLayout, Slots
from engine.language import Binding, Bound, Expression, Pattern, walk
from engine.values import Value

Test = Callable[[Slots], bool]
#: A place in the window for each binding that is no absence, in the order of the bindings.
Choice = tuple[int, ...]
#: The choices that may hold: all that do are among them. None: it can't say.
Candidates = Callable[[Search], Sequence[Choice] | None]

Window = tuple[Any, ...]

_NOW = timedelta(0)
#: A different one from all that a slot can hold.
_UNKNOWN: Any = object()


class Compile(Protocol):
    """What compiles an operand, or a part of one."""

    def truth_of(self, node: Expression) -> Test:
        """A callable that tests whether it holds."""

    def value_of(self, node: Expression) -> Callable[[Slots], Value]:
        """A callable that computes it."""


class Matcher:
    """Matches one pattern."""

    def __init__(self, pattern: Pattern, layout: SlotLayout, compile_: Compile) -> None:
        """Compile it.

        Args:
            pattern: as it was checked.
            layout: has slots for all that it reads.
            compile_: compiles operands.
        """
        self._pattern = pattern
        self._window = layout.slot(pattern.bindings[0].stream)
        #: All that the answer depends on.
        self._reads = sorted(layout.note(pattern) | {self._window})
        there = [binding for binding in pattern.bindings if not binding.absent]
        self._slots = [layout.event(binding.name) for binding in there]
        #: What each event has to be by itself.
        self._alone: list[list[Test]] = [[_in_window(binding, layout)] if binding.time else [] for binding in there]
        #: What an event and those before it have to be together.
        self._joined: list[list[Test]] = [[] for _ in there]
        self._absences = {binding.name: _Absence(binding, layout) for binding in pattern.bindings if binding.absent}
        place = {binding.name: i for i, binding in enumerate(there)}
        for operand in pattern.operands:
            names = {node.name for node in walk(operand) if isinstance(node, Bound)}
            absent = names & self._absences.keys()
            test = compile_.truth_of(operand)
            if absent:
                self._absences[absent.pop()].add(test, len(names) == 1)
            else:
                last = max(place[name] for name in names)
                (self._alone if len(names) == 1 else self._joined)[last].append(test)

        self._joins = tuple(joins_of(pattern))
        self._sides = [(compile_.value_of(join.left_side), compile_.value_of(join.right_side)) for join in self._joins]

    def test(self, slots: Slots) -> bool:
        """Whether the pattern holds."""
        memo = slots[MEMO]
        if memo is None:
            memo = slots[MEMO] = {}
        seen = [slots[slot] for slot in self._reads]
        known, answer = memo.get(self, (_UNKNOWN, False))
        # The same objects, and not only equal ones: Python takes True for 1.
        if known is not _UNKNOWN and all(map(_is, known, seen)):
            return bool(answer)
        answer = self._holds(slots)
        memo[self] = (seen, answer)
        return answer

    def witness(self, slots: Slots) -> tuple[dict[str, Value], ...] | None:
        """The events of the first choice with which everything holds, one a binding that is no absence; else None."""
        events = self._events(slots)
        fit = self._fit(slots, events)
        choice = None if fit is None else self._extended(slots, events, fit, [])
        return None if choice is None else tuple(events[place] for place in choice)

    def _holds(self, slots: Slots) -> bool:
        events = self._events(slots)
        if len(events) < len(self._slots):
            return False
        fit = self._fit(slots, events)
        if fit is None:
            return False
        ask = slots[CANDIDATES]
        candidates = None if ask is None else ask(self._search(slots, events, fit))
        if candidates is None:
            return self._extended(slots, events, fit, []) is not None
        fitting = [frozenset(places) for places in fit]
        return any(self._settled(slots, events, fitting, choice) for choice in candidates)

    def _search(self, slots: Slots, events: Window, fit: list[list[int]]) -> Search:
        sides = []
        for join, (left, right) in zip(self._joins, self._sides, strict=True):
            own, other = self._slots[join.left], self._slots[join.right]
            sides.append((_values(left, slots, own, events), _values(right, slots, other, events)))
        return Search(self._pattern, tuple(map(tuple, fit)), self._joins, tuple(sides))

    def _events(self, slots: Slots) -> Window:
        value = slots[self._window]
        if value.__class__ is tuple:
            return tuple(value)
        return (value,) if value.__class__ is dict else ()

    def _fit(self, slots: Slots, events: Window) -> list[list[int]] | None:
        """For each binding the places of the events that are what it has to be by itself; None if one has none."""
        fit = []
        for slot, tests in zip(self._slots, self._alone, strict=True):
            fit.append(_fit(slots, slot, tests, events))
            if not fit[-1]:
                return None
        return fit

    def _extended(self, slots: Slots, events: Window, fit: list[list[int]], chosen: list[int]) -> Choice | None:
        """The first whole choice that begins with some places."""
        level = len(chosen)
        if level == len(fit):
            return tuple(chosen) if self._is_alone(slots, events, chosen) else None
        slot, tests = self._slots[level], self._joined[level]
        for place in fit[level]:
            if place in chosen:
                continue
            slots[slot] = events[place]
            for test in tests:
                if not test(slots):
                    break
            else:
                whole = self._extended(slots, events, fit, [*chosen, place])
                if whole is not None:
                    return whole
        return None

    def _settled(self, slots: Slots, events: Window, fit: list[frozenset[int]], choice: Choice) -> bool:
        """Whether everything holds with some choice."""
        if len(set(choice)) != len(fit) or any(place not in own for place, own in zip(choice, fit, strict=True)):
            return False
        for slot, place in zip(self._slots, choice, strict=True):
            slots[slot] = events[place]
        held = all(test(slots) for tests in self._joined for test in tests)
        return held and self._is_alone(slots, events, choice)

    def _is_alone(self, slots: Slots, events: Window, choice: Sequence[int]) -> bool:
        """Whether no absence is broken, once the other events are chosen."""
        return not any(absence.is_broken(slots, events, choice) for absence in self._absences.values())


class _Absence:
    """An event that must not be there."""

    def __init__(self, binding: Binding, layout: SlotLayout) -> None:
        self._slot = layout.event(binding.name)
        self._tests: list[Test] = [_in_window(binding, layout)] if binding.time else []

    def add(self, test: Test, is_first: bool) -> None:
        """Add what it has to be; those that ask about it alone are asked first."""
        self._tests.insert(0 if is_first else len(self._tests), test)

    def is_broken(self, slots: Slots, events: Window, choice: Sequence[int]) -> bool:
        """Whether there is one all the same, besides the events that are chosen."""
        for place, event in enumerate(events):
            if place in choice:
                continue
            slots[self._slot] = event
            for test in self._tests:
                if not test(slots):
                    break
            else:
                return True
        return False


def _values(compute: Callable[[Slots], Value], slots: Slots, slot: int, events: Window) -> Values:
    def values(places: Sequence[int]) -> list[Value]:
        found = []
        for place in places:
            slots[slot] = events[place]
            found.append(compute(slots))
        return found

    return values


def _is(one: Any, other: Any) -> bool:
    return one is other


def _fit(slots: Slots, slot: int, tests: list[Test], events: Window) -> list[int]:
    """The places of the events that are what one of them has to be by itself."""
    found = []
    for place, event in enumerate(events):
        slots[slot] = event
        for test in tests:
            if not test(slots):
                break
        else:
            found.append(place)
    return found


def _in_window(binding: Binding, layout: SlotLayout) -> Test:
    """Whether an event is in a window that is shorter than its stream's."""
    assert binding.time is not None
    fact, field = binding.time
    slot, own, length = layout.event(binding.name), layout.slot(fact, (field,)), timedelta(seconds=binding.window_s)

    def is_in(slots: Slots) -> bool:
        event, now = slots[slot], slots[own]
        at = event.get(field) if event.__class__ is dict else None
        if now.__class__ is not datetime:
            now = slots[AS_OF]
        # A difference of two moments is always one; a moment less a window might be before the first.
        return at.__class__ is datetime and _NOW <= now - at < length

    return is_in
