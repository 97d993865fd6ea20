"""Find the rules that match, without testing each.  normal_form -> [index] -> cycle

One bit per conjunction, one table per field: the constants that any conjunction compares a field with cut its values
into intervals, and each interval has the bits of the conjunctions that it leaves alive. A match looks up one vector per
field and ands them; residual tests run for what is still alive. When equality on one field tells many conjunctions
apart, that field is looked up first, and each of its values has an index of its own.

Takes conjunctions, gives a function over slots. The functions that look up are made by `engine.probes`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.expressions import Test
from engine.layout import Slots
from engine.normal_form import Conjunction
from engine.probes import Probe, Probes

#: Conjunctions in one table: with more, memory would grow with their square.
BLOCK = 1_024
#: A split has to tell at least so many conjunctions apart, into classes of at most a third of them on average.
_WORTH_SPLITTING = 12
#: An equality with more values than that is not split on, because its conjunction would stand in as many classes.
_MAX_COPIES = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A conjunction as the index holds it."""

    #: The place of its rule on the agenda.
    position: int
    conjunction: Conjunction
    #: The residual tests; None when there are none.
    test: Test | None


Match = Callable[[Slots, list[int]], None]


class Index:
    """The conjunctions of one program."""

    def __init__(self, entries: Sequence[Entry], probes: Probes) -> None:
        """Build it.

        Args:
            entries: the conjunctions, in agenda order.
            probes: makes the functions that look up.
        """
        self._probes = probes
        self._match = self._node(list(entries), frozenset())

    def match(self, slots: Slots) -> list[int]:
        """The places of all rules whose condition holds, in agenda order."""
        found: list[int] = []
        self._match(slots, found)
        return sorted(set(found)) if len(found) > 1 else found

    def _node(self, entries: list[Entry], done: frozenset[int]) -> Match:
        parts: list[Match] = []
        while len(entries) >= _WORTH_SPLITTING:
            slot = self._best_split(entries, done)
            if slot is None:
                break
            classes: dict[Any, list[Entry]] = {}
            left = []
            for entry in entries:
                values = self._keys(entry, slot)
                if values is None:
                    left.append(entry)
                for value in values or ():
                    classes.setdefault(value, []).append(entry)
            within = done | {slot}
            parts.append(_split(slot, {value: self._node(some, within) for value, some in classes.items()}))
            entries = left
        for start in range(0, len(entries), BLOCK):
            parts.append(self._leaf(entries[start : start + BLOCK], done))
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _keys(self, entry: Entry, slot: int) -> tuple[Any, ...] | None:
        """The only values of a field with which a conjunction can hold, if they are few."""
        values = entry.conjunction.allowed.get(slot)
        if values is None:
            return None
        keys: tuple[Any, ...] | None = values.only_texts
        if keys is None and self._probes.is_number(slot):
            keys = values.only_numbers
        return keys if keys is not None and len(keys) <= _MAX_COPIES else None

    def _best_split(self, entries: list[Entry], done: frozenset[int]) -> int | None:
        """The field whose equality tests tell most conjunctions apart."""
        sizes: dict[int, dict[Any, int]] = {}
        counts: dict[int, int] = {}
        for entry in entries:
            for slot in entry.conjunction.allowed.keys() - done:
                keys = self._keys(entry, slot)
                if keys is None:
                    continue
                counts[slot] = counts.get(slot, 0) + 1
                classes = sizes.setdefault(slot, {})
                for key in keys:
                    classes[key] = classes.get(key, 0) + 1
        best, saved = None, 0.0
        for slot, count in counts.items():
            average = sum(sizes[slot].values()) / len(sizes[slot])
            if count >= _WORTH_SPLITTING and average <= count / 3 and count - average > saved:
                best, saved = slot, count - average
        return best

    def _leaf(self, entries: list[Entry], done: frozenset[int]) -> Match:
        probe = self._probes.make([entry.conjunction.allowed for entry in entries], done)
        if probe is None:
            return _listed([(entry.position, entry.test) for entry in entries])
        return _probed(probe, [(entry.position, entry.test) for entry in entries])


def _split(slot: int, classes: dict[Any, Match]) -> Match:
    get = classes.get

    def split(slots: Slots, found: list[int]) -> None:
        value = slots[slot]
        # A boolean would be found under 0.0 and 1.0, a list can't be looked up.
        match = get(value) if value.__class__ is str or value.__class__ is float else None
        if match is not None:
            match(slots, found)

    return split


def _all_of(parts: list[Match]) -> Match:
    def several(slots: Slots, found: list[int]) -> None:
        for match in parts:
            match(slots, found)

    return several


def _listed(rows: list[tuple[int, Test | None]]) -> Match:
    """Conjunctions of residual tests alone."""

    def listed(slots: Slots, found: list[int]) -> None:
        for position, test in rows:
            if test is None or test(slots):
                found.append(position)

    return listed


def _probed(probe: Probe, rows: list[tuple[int, Test | None]]) -> Match:
    def probed(slots: Slots, found: list[int]) -> None:
        alive = probe(slots)
        while alive:
            last = alive.bit_length() - 1
            alive ^= 1 << last
            position, test = rows[last]
            if test is None or test(slots):
                found.append(position)

    return probed
