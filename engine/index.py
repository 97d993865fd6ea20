"""Find the rules that match, without testing each.  normal_form -> [index] -> cycle

One bit per conjunction, one table per field: the constants that any conjunction compares a field with cut its values
into intervals, and each interval has the bits of the conjunctions that it leaves alive. A match looks up one vector per
field and ands them; residual tests run for what is still alive. When equality on one field tells many conjunctions
apart, that field is looked up first, and each of its values has an index of its own.

Takes conjunctions, gives a function over slots. The functions that look up are made by `engine.probes`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.layout import Slots
from engine.probes import Entry, Probe, Probes
from engine.sequences import is_worth_it, sequence

#: Conjunctions in one table: with more, memory would grow with their square.
BLOCK = 1_024
#: A split has to tell at least so many conjunctions apart, into classes of at most a third of them on average.
_WORTH_SPLITTING = 12
#: An equality with more values than that is not split on, because its conjunction would stand in as many classes.
_MAX_COPIES = 16


class Index:
    """The conjunctions of one program."""

    def __init__(self, entries: Sequence[Entry], probes: Probes) -> None:
        """Build it.

        Args:
            entries: the conjunctions, in agenda order.
            probes: makes the functions that look up.
        """
        self._probes = probes
        #: Whether a rule has several conjunctions, more than one of which may hold.
        self._repeats = len({entry.position for entry in entries}) < len(entries)
        self._probe = self._node(list(entries), frozenset())

    def match(self, slots: Slots) -> list[int]:
        """The places of all rules whose condition holds, in agenda order."""
        found: list[int] = []
        self._probe(slots, found)
        if len(found) > 1:
            if self._repeats:
                return sorted(set(found))
            found.sort()
        return found

    def _node(self, entries: list[Entry], done: frozenset[int]) -> Probe:
        parts: list[Probe] = []
        for slot, classes, left in splits(entries, self._probes.kinds, done):
            parts.append(self._split(slot, classes, done | {slot}))
            entries = left
        if entries and is_worth_it(entries, done):
            parts.append(sequence(entries, done, self._probes.kinds))
            entries = []
        for start in range(0, len(entries), BLOCK):
            parts.append(self._probes.make(entries[start : start + BLOCK], done))
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _split(self, slot: int, entries: dict[Any, list[Entry]], done: frozenset[int]) -> Probe:
        classes: dict[Any, Probe] = {}
        for value, some in entries.items():
            classes[value] = self._later(classes, value, some, done)
        get = classes.get

        def split(slots: Slots, found: list[int]) -> None:
            value = slots[slot]
            # A boolean would be found under 0.0 and 1.0, a list can't be looked up.
            probe = get(value) if value.__class__ is str or value.__class__ is float else None
            if probe is not None:
                probe(slots, found)

        return split

    def _later(self, classes: dict[Any, Probe], value: Any, entries: list[Entry], done: frozenset[int]) -> Probe:
        """The index of a class, made when a fact of that class comes: most programs never see all of theirs."""

        def first(slots: Slots, found: list[int]) -> None:
            # Two threads may both make it; either one will do.
            classes[value] = probe = self._node(entries, done)
            probe(slots, found)

        return first


def splits(
    entries: list[Entry], kinds: Mapping[int, str], done: frozenset[int] = frozenset()
) -> Iterator[tuple[int, dict[Any, list[Entry]], list[Entry]]]:
    """Split conjunctions by the field whose equality tests tell most of them apart, again and again.

    Args:
        entries: the conjunctions.
        kinds: slot to the kind of its values, where the schema says so.
        done: slots that were split on already.

    Returns:
        Field, the conjunctions by its value, and those that are left for the next split.
    """
    while len(entries) >= _WORTH_SPLITTING:
        slot = _best_split(entries, kinds, done)
        if slot is None:
            return
        classes: dict[Any, list[Entry]] = {}
        left = []
        for entry in entries:
            values = _keys(entry, slot, kinds)
            if values is None:
                left.append(entry)
            for value in values or ():
                classes.setdefault(value, []).append(entry)
        yield slot, classes, left
        entries = left


def _keys(entry: Entry, slot: int, kinds: Mapping[int, str]) -> tuple[Any, ...] | None:
    """The only values of a field with which a conjunction can hold, if they are few."""
    values = entry.conjunction.allowed.get(slot)
    if values is None:
        return None
    keys: tuple[Any, ...] | None = values.only_texts
    if keys is None and kinds.get(slot) == "number":
        keys = values.only_numbers
    return keys if keys is not None and len(keys) <= _MAX_COPIES else None


def _best_split(entries: list[Entry], kinds: Mapping[int, str], done: frozenset[int]) -> int | None:
    """The field whose equality tests tell most conjunctions apart."""
    sizes: dict[int, dict[Any, int]] = {}
    counts: dict[int, int] = {}
    for entry in entries:
        for slot in entry.conjunction.allowed.keys() - done:
            keys = _keys(entry, slot, kinds)
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


def _all_of(parts: list[Probe]) -> Probe:
    def several(slots: Slots, found: list[int]) -> None:
        for probe in parts:
            probe(slots, found)

    return several
