"""Windows in memory are those of Redis, and forget what nobody can ask for."""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.schema import Stream
from rulefarm.reference_facts import ReferenceFacts
from store.event_windows import Event, RedisWindows
from tasks.shared_facts import MemoryWindows
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: Ten minutes, at most five events, kept for twenty minutes more.
STREAM = Stream("payments", ("Payment", "card"), 600, 5, 1200)


@pytest.fixture
def domain(facts: ReferenceFacts) -> Iterator[str]:
    name = f"d{uuid.uuid4().hex}"
    yield name
    for place in facts.redis.scan_iter(match=f"rulefarm:stream:{{{name}:*", count=1000):
        facts.redis.delete(place)


def sequence(seed: int) -> list[list[Event]]:
    """Events as they arrive, one or a chunk at a time: mostly later than the one before, some late, again, or from the
    future, several at one instant."""
    pick = random.Random(seed)
    made: list[Event] = []
    arrivals, now = [], 0.0
    for _ in range(300):
        now += pick.choice((0, 0, 1, 30, 200, 599.999999, 600, 1_800, 4_000))
        arrived = []
        for _ in range(pick.choice((1, 1, 1, 1, 3, 12))):
            if made and pick.random() < 0.1:
                arrived.append(pick.choice(made[-20:]))
                continue
            # Later than `late`, what is left is anybody's guess.
            seconds = now - pick.choice((0, 0, 0, 1, 600, 1_199)) + pick.choice((0,) * 20 + (10_000_000,))
            name = f"job{pick.randrange(10**6):06}"
            arrived.append(Event(name, pick.choice("abc"), START + timedelta(seconds=seconds), json.dumps({"n": name})))
            made.append(arrived[-1])
        # One job is one event.
        arrivals.append(list({event.job_id: event for event in arrived}.values()))
    return arrivals


@pytest.mark.parametrize("seed", range(8))
def test_windows_in_memory_are_those_of_redis(facts: ReferenceFacts, domain: str, seed: int) -> None:
    arrivals = sequence(seed)
    last = max(event.at for events in arrivals for event in events if event.at < START + timedelta(days=100))
    kept, held = RedisWindows(facts, clock=last.timestamp), MemoryWindows(last.timestamp)
    for events in arrivals:
        assert held.record(domain, STREAM, events) == kept.record(domain, STREAM, events)


def test_old_keys_are_forgotten(facts: ReferenceFacts) -> None:
    windows = MemoryWindows((START + timedelta(days=400)).timestamp)
    most = 0
    for n in range(30_000):
        # One in a thousand claims to be of next year.
        at = START + timedelta(seconds=n) + timedelta(days=365 if n % 1_000 == 500 else 0)
        windows.record("d", STREAM, [Event(f"{n:012}", f"card{n % 7_919}-{n // 7_919}", at, "{}")])
        if n % 20 == 0:
            most = max(most, windows.held())
    # As many as come in the half hour of the window, while the sweep is due, and those from the future.
    assert most <= 1_800 + 2 * 1_000 + 30
    one = MemoryWindows((START + timedelta(days=400)).timestamp)
    for n in range(5_000):
        one.record("d", STREAM, [Event(f"{n:012}", "card", START + timedelta(seconds=n / 100), "{}")])
        assert n % 20 or one.held() <= 2 * STREAM.max_events
