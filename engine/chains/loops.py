"""Which rules of a class may have to be gone through again.  chain_rule -> [loops] -> straight_line, stepped

A rule that writes what a later rule reads leads on: one pass in agenda order sees to it. One that writes what itself or
an earlier rule reads leads back. Takes the rules of a class in agenda order, gives the stretch of them that edges lead
back over. An edge counts only if the reader can hold after it: not where the written constant excludes it, nor to the
writer itself where its own changes do not make it fire again. Costs time in proportion to what the rules read."""

from collections.abc import Iterator, Sequence

from engine.chains.chain_rule import ChainRule, Write

#: Conditions that are looked at for a constant that excludes them; beyond, every edge counts.
_LOOKS = 50_000


def readers_of(rules: Sequence[ChainRule]) -> dict[int, list[int]]:
    """Slot to the places, in a class, of the rules whose condition reads it; rising."""
    readers: dict[int, list[int]] = {}
    for place, rule in enumerate(rules):
        for slot in rule.reads:
            readers.setdefault(slot, []).append(place)
    return readers


def leading_back(rules: Sequence[ChainRule]) -> Iterator[tuple[int, int]]:
    """The rules that write what themselves or an earlier one reads.

    Args:
        rules: in agenda order.

    Yields:
        The place of each in the class, rising, and that of the first reader.
    """
    edges = _Edges(rules)
    for place, rule in enumerate(rules):
        readers = [edges.first_reader(write, place, itself=rule.fires_again) for write in rule.writes]
        if readers and min(readers) <= place:
            yield place, min(readers)


def loop_of(rules: Sequence[ChainRule]) -> range:
    """The stretch of a class that edges lead back over.

    Args:
        rules: in agenda order.

    Returns:
        Places in the class; empty where one pass is enough.
    """
    first, last = len(rules), -1
    for place, reader in leading_back(rules):
        first, last = min(first, reader), place
    return range(first, last + 1)


class _Edges:
    """The first readers of what rules write."""

    def __init__(self, rules: Sequence[ChainRule]) -> None:
        self._rules = rules
        self._readers = readers_of(rules)
        self._looks = _LOOKS
        #: Slot and constant to the first two readers that it does not exclude.
        self._found: dict[tuple[int, type, object], list[int]] = {}

    def first_reader(self, write: Write, place: int, *, itself: bool) -> int:
        """The place of the first rule that a write may make hold; beyond all rules when there is none."""
        for reader in self._first_two(write):
            if reader != place or itself:
                return reader
        return len(self._rules)

    def _first_two(self, write: Write) -> list[int]:
        readers = self._readers.get(write.slot, [])
        if not write.is_constant or self._looks < 0:
            return readers[:2]
        key = (write.slot, write.value.__class__, write.value)
        if key not in self._found:
            found: list[int] = []
            for reader in readers:
                self._looks -= 1
                if self._looks < 0 or not self._rules[reader].is_excluded_by(write):
                    found.append(reader)
                    if len(found) == 2:
                        break
            self._found[key] = found
        return self._found[key]
