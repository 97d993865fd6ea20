"""Reference facts as a worker reads them.  Redis -> [facts] -> tasks.shared_facts.provider

One MGET for all that a job or a chunk needs, and a small memory of what was asked a moment ago: a nightly run asks for
the same customer again and again. Writes nothing; `rulefarm.reference_facts` does."""

import time
from collections.abc import Callable, Collection
from typing import TypeAlias

from rulefarm.reference_facts import ReferenceFacts

#: Name of a fact, and its key.
Wanted: TypeAlias = tuple[str, str]

#: Characters of a fact that is remembered; with the number of them it bounds the memory. Longer ones are rare.
LONGEST_REMEMBERED = 4_000


class CachedFacts:
    """What one process of a worker knows of the reference facts."""

    def __init__(
        self, facts: ReferenceFacts, *, fresh_s: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember nothing yet.

        Args:
            facts: where they are kept.
            fresh_s: seconds for which one that was read is believed.
            most: how many are remembered at most; of absent ones, that they are absent.
            clock: seconds.
        """
        self._facts = facts
        self._fresh_s = fresh_s
        self._most = most
        self._clock = clock
        #: When it ceases to be fresh, and its text. All are fresh for the same time, so the first is the oldest.
        self._known: dict[Wanted, tuple[float, str | None]] = {}

    def texts(self, wanted: Collection[Wanted]) -> dict[Wanted, str | None]:
        """The canonical texts of facts; None where there is none.

        Args:
            wanted: which; what is not remembered is read in one round trip.

        Raises:
            FactsUnreachable: something had to be read, and Redis does not answer.
        """
        now = self._clock()
        found: dict[Wanted, str | None] = {}
        missing = []
        for pair in wanted:
            known = self._known.get(pair)
            if known is not None and known[0] > now:
                found[pair] = known[1]
            else:
                missing.append(pair)
        for pair, text in zip(missing, self._facts.texts(missing), strict=True):
            found[pair] = text
            # At the end, also if it was known before: there the youngest stand.
            self._known.pop(pair, None)
            if text is None or len(text) <= LONGEST_REMEMBERED:
                self._known[pair] = (now + self._fresh_s, text)
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return found
