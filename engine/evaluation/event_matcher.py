"""Find the events that a pattern is about: does one choice of events in the window satisfy all its conditions?

Nested loops over the window in order, one for each binding; an operand is tested as soon as all events that it names
are chosen, and the first choice with which everything holds is the witness. A caller may have a faster way to the few
choices that can hold (`CANDIDATES`): then only those are tried, by the same tests, so that the answer never depends on
who searched. The answer is remembered until something that the pattern reads is changed.

A place is an index into the window."""

import operator
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.evaluation.event_joins import Search, Values, joins_of
from engine.evaluation.operators import Compute, Test
from engine.facts import AS_OF, CANDIDATES, MEMO, SlotLayout, Slots
from engine.language import Binding, Bound, Expression, Pattern, walk
from engine.values import Day, Value, start_of

#: A place for each binding that is no absence, in the order of the bindings.
Choice = tuple[int, ...]
#: Gives the choices that may hold: all that do are among them. None: it does not know.
Candidates = Callable[[Search], Sequence[Choice] | None]

#: The events of a stream that stand in the facts, in order.
Window = tuple[Any, ...]

_NO_TIME = timedelta(0)
_DATES = (datetime, Day)
#: A different object from all that a slot can hold.
_UNKNOWN: Any = object()


class OperandCompiler(Protocol):
    """Compiles an operand, or a part of one. `Expressions` does; it imports this module, so not the other way round."""

    def truth_of(self, node: Expression) -> Test:
        """A callable that tests whether it holds."""

    def value_of(self, node: Expression) -> Compute:
        """A callable that computes it."""


class Matcher:
    """Matches one pattern."""

    def __init__(self, pattern: Pattern, layout: SlotLayout, compiler: OperandCompiler) -> None:
        """Compile it.

        Args:
            pattern: as it was checked.
            layout: has slots for all that it reads.
            compiler: compiles operands.
        """
        self._pattern = pattern
        self._window = layout.slot(pattern.bindings[0].stream)
        #: The slots that the answer depends on.
        self._reads = sorted(layout.note(pattern) | {self._window})
        bindings = [binding for binding in pattern.bindings if not binding.absent]
        #: For each binding that is no absence: the slot of its event, the conditions on this event alone, and those on
        #: it and events of bindings before it.
        self._slots = [layout.event(binding.name) for binding in bindings]
        self._alone: list[list[Test]] = [[_in_window(binding, layout)] if binding.time else [] for binding in bindings]
        self._joined: list[list[Test]] = [[] for _ in bindings]
        self._absences = {binding.name: _Absence(binding, layout) for binding in pattern.bindings if binding.absent}
        order = {binding.name: i for i, binding in enumerate(bindings)}
        for operand in pattern.operands:
            names = {node.name for node in walk(operand) if isinstance(node, Bound)}
            absent = names & self._absences.keys()
            test = compiler.truth_of(operand)
            if absent:
                self._absences[absent.pop()].add(test, len(names) == 1)
            else:
                last = max(order[name] for name in names)
                (self._alone if len(names) == 1 else self._joined)[last].append(test)

        self._joins = tuple(joins_of(pattern))
        self._sides = [(compiler.value_of(join.left_side), compiler.value_of(join.right_side)) for join in self._joins]

    def test(self, slots: Slots) -> bool:
        """Whether the pattern holds."""
        memo = slots[MEMO]
        if memo is None:
            memo = slots[MEMO] = {}
        values = [slots[slot] for slot in self._reads]
        last_values, answer = memo.get(self, (_UNKNOWN, False))
        # The same objects, and not only equal ones: Python takes True for 1.
        if last_values is not _UNKNOWN and all(map(operator.is_, last_values, values)):
            return bool(answer)
        answer = self._holds(slots)
        memo[self] = (values, answer)
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
        find_candidates = slots[CANDIDATES]
        candidates = None if find_candidates is None else find_candidates(self._search(slots, events, fit))
        if candidates is None:
            return self._extended(slots, events, fit, []) is not None
        fit_sets = [frozenset(places) for places in fit]
        return any(self._is_valid(slots, events, fit_sets, choice) for choice in candidates)

    def _search(self, slots: Slots, events: Window, fit: list[list[int]]) -> Search:
        sides = []
        for join, (left, right) in zip(self._joins, self._sides, strict=True):
            left_slot, right_slot = self._slots[join.left], self._slots[join.right]
            sides.append((_values(left, slots, left_slot, events), _values(right, slots, right_slot, events)))
        return Search(self._pattern, tuple(map(tuple, fit)), self._joins, tuple(sides))

    def _events(self, slots: Slots) -> Window:
        value = slots[self._window]
        if value.__class__ is tuple:
            return tuple(value)
        return (value,) if value.__class__ is dict else ()

    def _fit(self, slots: Slots, events: Window) -> list[list[int]] | None:
        """For each binding the places of the events that meet the conditions on it alone; None if one has none."""
        fit = []
        for slot, tests in zip(self._slots, self._alone, strict=True):
            fit.append(_fit(slots, slot, tests, events))
            if not fit[-1]:
                return None
        return fit

    def _extended(self, slots: Slots, events: Window, fit: list[list[int]], chosen: list[int]) -> Choice | None:
        """The first complete choice that begins with some places; None when there is none."""
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
                choice = self._extended(slots, events, fit, [*chosen, place])
                if choice is not None:
                    return choice
        return None

    def _is_valid(self, slots: Slots, events: Window, fit: list[frozenset[int]], choice: Choice) -> bool:
        """Whether everything holds with some choice."""
        if len(set(choice)) != len(fit) or any(place not in places for place, places in zip(choice, fit, strict=True)):
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

    def add(self, test: Test, is_alone: bool) -> None:
        """Add a condition on the absent event.

        Args:
            test: the condition.
            is_alone: whether it is about this event alone; such conditions run before joins.
        """
        self._tests.insert(0 if is_alone else len(self._tests), test)

    def is_broken(self, slots: Slots, events: Window, choice: Sequence[int]) -> bool:
        """Whether there is such an event all the same, besides those that are chosen.

        Args:
            slots: of the evaluation.
            events: the window.
            choice: places of the events that are chosen.
        """
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


def _values(compute: Compute, slots: Slots, slot: int, events: Window) -> Values:
    """What computes a side of a join, for the events at some places."""

    def values(places: Sequence[int]) -> list[Value]:
        computed = []
        for place in places:
            slots[slot] = events[place]
            computed.append(compute(slots))
        return computed

    return values


def _fit(slots: Slots, slot: int, tests: list[Test], events: Window) -> list[int]:
    """The places of the events that meet the conditions on one of them alone."""
    places = []
    for place, event in enumerate(events):
        slots[slot] = event
        for test in tests:
            if not test(slots):
                break
        else:
            places.append(place)
    return places


def _in_window(binding: Binding, layout: SlotLayout) -> Test:
    """A test whether an event is in a window that is shorter than its stream's."""
    assert binding.time is not None
    fact, field = binding.time
    slot, now_slot = layout.event(binding.name), layout.slot(fact, (field,))
    length = timedelta(seconds=binding.window_s)

    def is_in(slots: Slots) -> bool:
        event, now = slots[slot], slots[now_slot]
        at = event.get(field) if event.__class__ is dict else None
        if now.__class__ not in _DATES:
            now = slots[AS_OF]
        # A difference of two moments is always one; a moment less a window might be before the first.
        return at.__class__ in _DATES and _NO_TIME <= start_of(now) - start_of(at) < length

    return is_in
