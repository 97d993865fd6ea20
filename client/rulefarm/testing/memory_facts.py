"""Reference facts in memory.  [memory_facts] -> memory_farm

The same checks of names, keys and fields as `ReferenceFacts`, and a dict where that has a Redis."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rulefarm.reference_facts import ReferenceFacts


class MemoryFacts(ReferenceFacts):
    """Reference facts that are gone with their farm."""

    def __init__(self) -> None:
        self.url = "memory"
        self._texts = _Texts()

    @property
    def redis(self) -> Any:
        """What stands for it: the few commands that are asked of it."""
        return self._texts

    def by_pair(self, pairs: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None]:
        """The texts of facts by fact and key, as who judges asks for them."""
        wanted = list(pairs)
        return dict(zip(wanted, self.texts(wanted), strict=True))

    @contextmanager
    def reachable(self) -> Iterator[None]:
        """It always is."""
        yield

    def close(self) -> None:
        """Nothing to close; the facts stay."""


class _Texts(dict[str, str]):
    """Texts by their place, under the names that Redis has for it."""

    def mset(self, texts: Mapping[str, str]) -> None:
        self.update(texts)

    def mget(self, places: Sequence[str]) -> list[str | None]:
        return [self.get(place) for place in places]

    def delete(self, *places: str) -> int:
        return sum(self.pop(place, None) is not None for place in places)

    def scan_iter(self, match: str, count: int) -> Iterator[str]:
        yield from [place for place in self if place.startswith(match.removesuffix("*"))]
