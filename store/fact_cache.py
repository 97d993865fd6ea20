"""Reference facts as a worker reads them.  Redis -> [fact_cache] -> tasks.shared_facts.provider

One MGET for all that a job or a chunk needs, and a small memory of what was asked a moment ago: a nightly run asks for
the same customer again and again. Writes nothing; `rulefarm.reference_facts` does."""

import time
from collections.abc import Callable, Collection
from typing import TypeAlias

from cachetools import TTLCache

from rulefarm.reference_facts import ReferenceFacts

#: Name of a fact, and its key.
FactKey: TypeAlias = tuple[str, str]

#: Characters of a fact that is remembered; with the number of them it bounds the memory. Longer ones are rare.
LONGEST_REMEMBERED = 4_000


class CachedFacts:
    """What one process of a worker remembers of the reference facts."""

    def __init__(
        self, facts: ReferenceFacts, *, ttl_s: float, size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember nothing yet.

        Args:
            facts: where they are kept.
            ttl_s: seconds for which one that was read is used again.
            size: how many are remembered at most; of absent ones, that they are absent.
            clock: seconds.
        """
        self._facts = facts
        self._texts: TTLCache[FactKey, str | None] = TTLCache(size, ttl_s, timer=clock)

    def texts(self, keys: Collection[FactKey]) -> dict[FactKey, str | None]:
        """The canonical texts of facts; None where there is none.

        Args:
            keys: which; what is not remembered is read in one round trip.

        Raises:
            FactsUnreachable: something had to be read, and Redis does not answer.
        """
        texts: dict[FactKey, str | None] = {}
        missing = []
        # One reading of the clock for all of them, before Redis is asked: what was read is no younger than that.
        with self._texts.timer:
            for key in keys:
                try:
                    texts[key] = self._texts[key]
                except KeyError:
                    missing.append(key)
            for key, text in zip(missing, self._facts.texts(missing), strict=True):
                texts[key] = text
                if text is None or len(text) <= LONGEST_REMEMBERED:
                    self._texts[key] = text
        return texts
