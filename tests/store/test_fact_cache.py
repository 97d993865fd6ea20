"""A worker remembers the facts that it looked up, for a while and up to a limit."""

from collections.abc import Sequence
from typing import Any

import pytest

from rulefarm.reference_facts import ReferenceFacts
from store.fact_cache import LONGEST_REMEMBERED, CachedFacts


class Counted(ReferenceFacts):
    """Facts that note what is read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.read: list[list[tuple[str, str | int]]] = []

    def texts(self, wanted: Sequence[tuple[str, str | int]]) -> Sequence[str | None]:
        if wanted:
            self.read.append(list(wanted))
        return super().texts(wanted)


@pytest.fixture
def counted(facts: ReferenceFacts, services: Any) -> Counted:
    return Counted(services.broker_url)


def test_a_worker_reads_at_once_what_it_does_not_know_and_believes_it_for_a_while(counted: Counted, fact: str) -> None:
    now = [100.0]
    reference = CachedFacts(counted, ttl_s=5.0, size=100, clock=lambda: now[0])
    counted.put(fact, "a", {"n": 1})
    assert reference.texts([(fact, "a"), (fact, "b")]) == {(fact, "a"): '{"n":1}', (fact, "b"): None}
    counted.put(fact, "b", {"n": 2})
    now[0] = 104.9
    assert reference.texts([(fact, "b"), (fact, "c"), (fact, "a")])[fact, "b"] is None
    assert counted.read == [[(fact, "a"), (fact, "b")], [(fact, "c")]]
    now[0] = 105.0
    assert reference.texts([(fact, "b"), (fact, "c")])[fact, "b"] == '{"n":2}'
    assert counted.read[2:] == [[(fact, "b")]]


def test_what_a_worker_remembers_is_bounded(counted: Counted, fact: str) -> None:
    reference = CachedFacts(counted, ttl_s=60.0, size=3, clock=lambda: 0.0)
    counted.put(fact, "long", {"n": "x" * LONGEST_REMEMBERED})
    reference.texts([(fact, "long")])
    reference.texts([(fact, str(n)) for n in range(5)])
    reference.texts([(fact, "4"), (fact, "3"), (fact, "2"), (fact, "1"), (fact, "long")])
    assert counted.read[2:] == [[(fact, "1"), (fact, "long")]]
