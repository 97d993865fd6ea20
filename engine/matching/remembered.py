"""Answers that are remembered, because most values come again.  bit_tables -> [remembered] -> probes, element_probe

A table that has to search (texts by their beginning, many booleans at once) is asked once for a value; from then on its
answer is one look into a dict. How many answers are kept is bounded, for values come from outside."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from engine.matching.bit_tables import Table
from engine.matching.normal_form import Conjunction

#: So many answers are kept, and none to a longer text.
_MAX_ANSWERS, _MAX_TEXT = 4_096, 100


class Remembered(dict[Any, Any]):
    """Answers by value; a dict, so that asking again costs no call.

    >>> squares = Remembered(lambda value: value * value)
    >>> squares[7], dict(squares)
    (49, {7: 49})
    """

    def __init__(self, find: Callable[[Any], Any]) -> None:
        """Begin with none.

        Args:
            find: gives the answer to a value that can be a key.
        """
        super().__init__()
        self._find = find

    def __missing__(self, value: Any) -> Any:
        answer = self._find(value)
        if len(self) >= _MAX_ANSWERS:
            self.clear()
        if value.__class__ is not str or len(value) <= _MAX_TEXT:
            self[value] = answer
        return answer


def pack_table(conjunctions: Sequence[Conjunction], bits: Mapping[int, int]) -> Remembered:
    """Several booleans, packed into one integer, to the bits of the conjunctions that they leave alive together.

    Args:
        conjunctions: the first gets the lowest bit.
        bits: slot of each boolean to its bit in that integer.
    """
    vectors = []
    for slot, bit in bits.items():
        table = Table([conjunction.allowed.get(slot) for conjunction in conjunctions])
        vectors.append((1 << bit, table.lookup(True), table.lookup(False)))
    return Remembered(partial(_alive_with, vectors))


def _alive_with(vectors: Sequence[tuple[int, int, int]], packed: int) -> int:
    """What booleans leave alive: each has its bit, a vector for true, and one for false."""
    alive = -1
    for bit, if_true, if_false in vectors:
        alive &= if_true if packed & bit else if_false
    return alive
