"""Some conjunctions that are looked up together, and what their rules say.  index -> [leaves] -> evaluation

A `Leaf` has a function that gives one bit for each of its conjunctions (`engine.matching.probes`,
`engine.matching.linear_probe`), and turns the bits into rules. Most rules only decide, in words that are known
beforehand; when no other rule matches, a leaf gives the whole evaluation, and no cycle is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.evaluation import Evaluation, Outcome, Reason
from engine.facts import Slots
from engine.matching.probes import Entry, Probe

#: With more rules than that, NumPy tells the bits apart faster than a loop.
_MANY = 24


@dataclass(frozen=True, slots=True)
class Speech:
    """What the rules of a program say, by their place on the agenda."""

    #: Name of each rule.
    names: Sequence[str]
    #: The reasons of each, when giving them is all that it does; None for any other.
    said: Sequence[tuple[Reason, ...] | None]


class Leaf:
    """Some conjunctions, the lowest bit for the first of them."""

    __slots__ = ("_acting", "_bits", "_names", "_places", "_probe", "_rejecting", "_reviewing", "_row", "_speech")

    def __init__(self, entries: Sequence[Entry], probe: Probe, speech: Speech) -> None:
        """Prepare.

        Args:
            entries: the conjunctions, in agenda order.
            probe: finds which of them hold.
            speech: what their rules say.
        """
        places = [entry.position for entry in entries]
        self._probe = probe
        self._speech = speech
        # A bit is found by its bit length, which begins at one: the first places are never asked for.
        self._bits = [0, *(1 << i for i in range(len(places)))]
        self._places = [0, *places]
        self._names = ["", *(speech.names[place] for place in places)]
        #: The names once more, for NumPy; made when many rules fire.
        self._row: Any = None
        self._acting = self._rejecting = self._reviewing = 0
        for i, place in enumerate(places):
            said = speech.said[place]
            # A rule with several conjunctions may hold twice, and fires once: that is for others to see to.
            if said is None or places[max(i - 1, 0) : i + 2].count(place) > 1:
                self._acting |= 1 << i
                continue
            outcomes = {reason.outcome for reason in said}
            self._rejecting |= ("reject" in outcomes) << i
            self._reviewing |= ("review" in outcomes) << i

    def find(self, slots: Slots, found: list[int]) -> None:
        """Add the places of the rules that match to a list."""
        self._add(self._probe(slots), found)

    def judge(self, slots: Slots, given: Any) -> Evaluation | list[int]:
        """What the rules say; the places of those that match, in no order, when there is more to do than saying it."""
        alive = left = self._probe(slots)
        if alive & self._acting:
            places: list[int] = []
            self._add(alive, places)
            return places
        if left.bit_count() > _MANY:
            fired = self._unpacked(left)
        else:
            fired = []
            bits, names = self._bits, self._names
            while left:
                last = left.bit_length()
                left ^= bits[last]
                fired.append(names[last])
            fired.reverse()
        outcome: Outcome = "reject" if alive & self._rejecting else "review" if alive & self._reviewing else "accept"
        return Evaluation(outcome, fired, (self, alive), {}, [], given)

    def reasons(self, bits: int) -> list[Reason]:
        """What the rules of some bits say, in order."""
        places: list[int] = []
        self._add(bits, places)
        said = self._speech.said
        return [reason for place in reversed(places) for reason in said[place] or ()]

    def _add(self, bits: int, places: list[int]) -> None:
        """Add the places of some bits to a list, the highest first."""
        singles, own = self._bits, self._places
        while bits:
            last = bits.bit_length()
            bits ^= singles[last]
            places.append(own[last])

    def _unpacked(self, bits: int) -> list[str]:
        """The names of many rules."""
        if self._row is None:
            self._row = np.array(self._names[1:], np.object_)
        size = len(self._row)
        row = np.frombuffer(bits.to_bytes((size + 7) // 8, "little"), np.uint8)
        names: list[str] = self._row[np.unpackbits(row, None, size, "little").view(np.bool_)].tolist()
        return names
