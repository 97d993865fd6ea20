"""The index: find the rules that match without testing each.

One bit per conjunction, one table per field: the constants that any conjunction compares a field with cut its values
into intervals, and each interval has the bits of the conjunctions that it leaves alive. A match looks up one vector per
field and ands them; residual tests run for what is still alive. When equality on one field separates the conjunctions
well, that field is looked up first, and each of its values has an index of its own.

Takes conjunctions, gives the positions of the rules that match, or the whole evaluation where that is at hand
(`engine.matching.leaf`). The functions that look up are made by `engine.matching.probes`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from engine.evaluation import Evaluation, ReasonTable
from engine.facts import Slots
from engine.matching.leaf import Leaf
from engine.matching.linear_probe import is_worth_it, linear_probe
from engine.matching.probes import Entry, Probes
from engine.values import ValueSet

#: Conjunctions in one table: with more, memory would grow with their square.
BLOCK = 1_024
#: The same in the index of single records: a second look-up costs more than longer vectors.
_TABLE = 2_048
#: A split has to separate at least so many conjunctions, into classes of at most a third of them on average.
_WORTH_SPLITTING = 12
#: An equality with more values than that is not split on, because its conjunction would stand in as many classes.
_MAX_COPIES = 16

#: Takes facts in slots, and as they were passed in, for the evaluation. Positions may be repeated.
MatchOrEvaluate = Callable[[Slots, Any], Evaluation | list[int]]


class Index:
    """The conjunctions of one program."""

    def __init__(self, entries: Sequence[Entry], probes: Probes, reasons: ReasonTable) -> None:
        """Build it.

        Args:
            entries: the conjunctions, in agenda order.
            probes: makes the functions that look up.
            reasons: the independent reasons of all rules.
        """
        self._root = IndexBuilder(probes, reasons).build(list(entries), frozenset())

    def match(self, slots: Slots) -> list[int]:
        """The positions of all rules whose condition holds, in agenda order."""
        matched: list[int] = []
        self._root.find(slots, matched)
        return sorted(set(matched)) if len(matched) > 1 else matched

    @property
    def match_or_evaluate(self) -> MatchOrEvaluate:
        """Evaluates at once if every matching rule only decides, with constant reasons; else gives the positions of the
        matching rules, unsorted, perhaps repeated.
        """
        return self._root.match_or_evaluate


class IndexPart(Protocol):
    """A part of the index."""

    def find(self, slots: Slots, matched: list[int]) -> None:
        """Add the positions of the rules that match to a list, unsorted, perhaps repeated.

        Args:
            slots: the facts.
            matched: the list.
        """

    def match_or_evaluate(self, slots: Slots, given: Any) -> Evaluation | list[int]:
        """Evaluate if every matching rule has independent reasons, else give what `find` finds.

        Args:
            slots: the facts.
            given: the same as they were passed in, for the evaluation.
        """


class AnyOf:
    """Parts that each have rules of their own."""

    def __init__(self, parts: Sequence[IndexPart]) -> None:
        self._parts = parts

    def find(self, slots: Slots, matched: list[int]) -> None:
        """As of an `IndexPart`: what each part finds.

        Args:
            slots: the facts.
            matched: gets the positions.
        """
        for part in self._parts:
            part.find(slots, matched)

    def match_or_evaluate(self, slots: Slots, given: Any) -> Evaluation | list[int]:
        """As of an `IndexPart`: always the positions, for no part knows what the others find.

        Args:
            slots: the facts.
            given: not used.
        """
        matched: list[int] = []
        self.find(slots, matched)
        return matched


class _Split:
    """A part for each value of a field."""

    def __init__(
        self, slot: int, entries: Mapping[Any, list[Entry]], build: Callable[[list[Entry]], IndexPart]
    ) -> None:
        self._slot = slot
        self._build = build
        self._entries = entries
        #: Value to its part, built when the first fact with that value comes: most programs never see all of theirs.
        self._parts: dict[Any, IndexPart] = {}

    def find(self, slots: Slots, matched: list[int]) -> None:
        part = self._part(slots[self._slot])
        if part is not None:
            part.find(slots, matched)

    def match_or_evaluate(self, slots: Slots, given: Any) -> Evaluation | list[int]:
        value = slots[self._slot]
        # The usual case, without a call.
        part = self._parts.get(value) if value.__class__ is str else None
        if part is None:
            part = self._part(value)
        return [] if part is None else part.match_or_evaluate(slots, given)

    def _part(self, value: Any) -> IndexPart | None:
        # A boolean would be found under 0.0 and 1.0, a list can't be looked up.
        if value.__class__ is not str and value.__class__ is not float:
            return None
        part = self._parts.get(value)
        if part is None and value in self._entries:
            # Two threads may both make it; either one will do.
            part = self._parts[value] = self._build(self._entries[value])
        return part


class IndexBuilder:
    """Builds the parts of an index."""

    def __init__(self, probes: Probes, reasons: ReasonTable) -> None:
        self._probes = probes
        self._reasons = reasons

    def build(self, entries: list[Entry], done: frozenset[int]) -> IndexPart:
        """The part for some conjunctions.

        Args:
            entries: the conjunctions.
            done: slots whose tests hold for all facts that come here.
        """
        parts: list[IndexPart] = []
        for slot, classes, left in splits(entries, self._probes.kinds, done, _TABLE):
            parts.append(_Split(slot, classes, partial(self.build, done=done | {slot})))
            entries = left
        if entries and is_worth_it(entries, done, self._probes.packed):
            parts.append(Leaf(entries, linear_probe(entries, done, self._probes.kinds), self._reasons))
            entries = []
        for start in range(0, len(entries), _TABLE):
            some = entries[start : start + _TABLE]
            parts.append(Leaf(some, self._probes.make(some, done), self._reasons))
        return parts[0] if len(parts) == 1 else AnyOf(parts)


def splits(
    entries: list[Entry], kinds: Mapping[int, str], done: frozenset[int] = frozenset(), enough: int = 0
) -> Iterator[tuple[int, dict[Any, list[Entry]], list[Entry]]]:
    """Split conjunctions by the field whose equality tests separate most of them, again and again.

    Args:
        entries: the conjunctions.
        kinds: slot to the kind of its values, where the schema says so.
        done: slots that were split on already.
        enough: so many conjunctions are only split by a field that saves looking at most of them; default 0.

    Returns:
        Field, the conjunctions by its value, and those that are left for the next split.
    """
    while len(entries) >= _WORTH_SPLITTING:
        slot = _best_split(entries, kinds, done, len(entries) / 2 if len(entries) <= enough else 0.0)
        if slot is None:
            return
        classes: dict[Any, list[Entry]] = {}
        left = []
        for entry in entries:
            allowed = entry.conjunction.allowed.get(slot)
            keys = None if allowed is None else _keys(allowed, kinds.get(slot) == "number")
            if keys is None:
                left.append(entry)
            for value in keys or ():
                classes.setdefault(value, []).append(entry)
        yield slot, classes, left
        entries = left


def _keys(values: ValueSet, are_numbers: bool) -> tuple[Any, ...] | None:
    """The only values of a set, if they are few; numbers only of a field that has no others."""
    # Most sets are intervals of numbers, which hold no text.
    keys: tuple[Any, ...] | None = None if values.numbers.points else values.only_texts
    if keys is None and are_numbers:
        keys = values.only_numbers
    return keys if keys is not None and len(keys) <= _MAX_COPIES else None


def _best_split(entries: list[Entry], kinds: Mapping[int, str], done: frozenset[int], saved: float) -> int | None:
    """The field whose equality tests separate most conjunctions, if looking it up first saves enough.

    Args:
        entries: the conjunctions.
        kinds: slot to the kind of its values, where the schema says so.
        done: slots that were split on already.
        saved: more conjunctions than that are not looked at any more, in an average class.
    """
    sizes: dict[int, dict[Any, int]] = {}
    counts: dict[int, int] = {}
    for entry in entries:
        for slot, values in entry.conjunction.allowed.items():
            keys = None if slot in done else _keys(values, kinds.get(slot) == "number")
            if keys is None:
                continue
            counts[slot] = counts.get(slot, 0) + 1
            classes = sizes.setdefault(slot, {})
            for key in keys:
                classes[key] = classes.get(key, 0) + 1
    best = None
    for slot, count in counts.items():
        average = sum(sizes[slot].values()) / len(sizes[slot])
        if count >= _WORTH_SPLITTING and average <= count / 3 and count - average > saved:
            best, saved = slot, count - average
    return best
