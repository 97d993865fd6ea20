"""Some conjunctions that are looked up together: the lowest part of the index.

A `Leaf` has a function that gives one bit for each of its conjunctions (`engine.matching.probes`,
`engine.matching.linear_probe`), and turns the bits into rules. Most rules only decide, with constant reasons; when no
other rule matches, a leaf gives the whole evaluation, and no cycle is run."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.evaluation import Evaluation, Outcome, ReasonTable
from engine.facts import Slots
from engine.matching.probes import Entry, Probe

#: With more rules than that, NumPy tells the bits apart faster than a loop.
_MANY = 24


class Leaf:
    """Some conjunctions, the lowest bit for the first of them."""

    __slots__ = ("_acting", "_bits", "_names", "_positions", "_probe", "_reasons", "_rejecting", "_reviewing")

    def __init__(self, entries: Sequence[Entry], probe: Probe, reasons: ReasonTable) -> None:
        """Prepare.

        Args:
            entries: the conjunctions, in agenda order.
            probe: finds which of them hold.
            reasons: the independent reasons of all rules of the program.
        """
        positions = [entry.position for entry in entries]
        self._probe = probe
        #: By bit.
        self._reasons = reasons.select(positions)
        # A bit is found by its bit length, which begins at one: the first items of these lists are never asked for.
        self._bits = self._reasons.single_bits
        self._positions = [0, *positions]
        self._names = ["", *self._reasons.names]
        self._acting = self._rejecting = self._reviewing = 0
        for i, (position, constant) in enumerate(zip(positions, self._reasons.reasons, strict=True)):
            # A rule with several conjunctions may hold twice, and fires once: whoever takes positions sees to that.
            if constant is None or positions[max(i - 1, 0) : i + 2].count(position) > 1:
                self._acting |= 1 << i
                continue
            outcomes = {reason.outcome for reason in constant}
            self._rejecting |= ("reject" in outcomes) << i
            self._reviewing |= ("review" in outcomes) << i

    def find(self, slots: Slots, matched: list[int]) -> None:
        """As of an `IndexPart`.

        Args:
            slots: the facts.
            matched: gets the positions of the rules that match, the last one first.
        """
        self._add(self._probe(slots), matched)

    def match_or_evaluate(self, slots: Slots, given: Any) -> Evaluation | list[int]:
        """As of an `IndexPart`.

        Args:
            slots: the facts.
            given: the same as they were passed in, for the evaluation.
        """
        alive = left = self._probe(slots)
        if alive & self._acting:
            positions: list[int] = []
            self._add(alive, positions)
            return positions
        if left.bit_count() > _MANY:
            fired = self._names_of(left)
        else:
            fired = []
            bits, names = self._bits, self._names
            while left:
                last = left.bit_length()
                left ^= bits[last]
                fired.append(names[last])
            fired.reverse()
        outcome: Outcome = "reject" if alive & self._rejecting else "review" if alive & self._reviewing else "accept"
        return Evaluation(outcome, fired, (self._reasons, alive), {}, [], given)

    def _add(self, alive: int, matched: list[int]) -> None:
        """Add the positions of some bits to a list, the highest first."""
        bits, positions = self._bits, self._positions
        while alive:
            last = alive.bit_length()
            alive ^= bits[last]
            matched.append(positions[last])

    def _names_of(self, alive: int) -> list[str]:
        """The names of many rules."""
        rules = self._reasons.name_array
        size = len(rules)
        octets = np.frombuffer(alive.to_bytes((size + 7) // 8, "little"), np.uint8)
        names: list[str] = rules[np.unpackbits(octets, None, size, "little").view(np.bool_)].tolist()
        return names
