"""A window holds what was recorded by the time of its events, by whomever, in whatever order and however often."""

import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.schema import Stream
from rulefarm.reference_facts import ReferenceFacts
from store.event_windows import Event, RedisWindows

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: Ten minutes, at most five events, kept for twenty minutes more.
STREAM = Stream("payments", ("Payment", "card"), 600, 5, 1200)


@pytest.fixture
def domain(facts: ReferenceFacts) -> Iterator[str]:
    name = f"d{uuid.uuid4().hex}"
    yield name
    for place in facts.redis.scan_iter(match=f"rulefarm:stream:{{{name}:*", count=1000):
        facts.redis.delete(place)


@pytest.fixture
def windows(facts: ReferenceFacts) -> RedisWindows:
    return RedisWindows(facts, clock=lambda: (START + timedelta(days=1)).timestamp())


def event(n: int, seconds: float, key: str = "c") -> Event:
    return Event(f"job{n:04}", key, START + timedelta(seconds=seconds), json.dumps({"n": n}))


def ids(windows: list[list[str]]) -> list[list[int]]:
    return [[json.loads(text)["n"] for text in window] for window in windows]


def test_a_window_reaches_back_from_its_own_event_and_no_further(windows: RedisWindows, domain: str) -> None:
    seen = [ids(windows.record(domain, STREAM, [event(n, s)]))[0] for n, s in enumerate((0, 1, 599.999999, 600, 601))]
    assert seen == [[0], [0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]


def test_keys_and_domains_have_windows_of_their_own(windows: RedisWindows, domain: str) -> None:
    windows.record(domain, STREAM, [event(0, 0)])
    assert ids(windows.record(domain, STREAM, [event(1, 1, "other")])) == [[1]]
    assert ids(windows.record(f"{domain}x", STREAM, [event(2, 1)])) == [[2]]


def test_the_same_job_is_one_event_and_sees_the_same_window_again(windows: RedisWindows, domain: str) -> None:
    for n in range(3):
        windows.record(domain, STREAM, [event(n, n)])
    first = windows.record(domain, STREAM, [event(3, 3)])
    for n in range(4, 8):
        windows.record(domain, STREAM, [event(n, n)])
    assert ids(first) == [[0, 1, 2, 3]]
    assert windows.record(domain, STREAM, [event(3, 3)]) == first


def test_the_newest_are_seen_and_twice_as_many_are_kept(
    windows: RedisWindows, domain: str, facts: ReferenceFacts
) -> None:
    for n in range(40):
        assert len(windows.record(domain, STREAM, [event(n, n)])[0]) <= STREAM.max_events
    assert ids(windows.record(domain, STREAM, [event(40, 40)])) == [[36, 37, 38, 39, 40]]
    place = f"rulefarm:stream:{{{domain}:payments:c}}"
    assert facts.redis.zcard(f"{place}:times") == facts.redis.hlen(f"{place}:events") == 2 * STREAM.max_events
    assert 0 < facts.redis.pttl(f"{place}:times") <= 1_800_000
    assert 0 < facts.redis.pttl(f"{place}:events") <= 1_800_000


def test_what_is_too_old_goes_and_a_late_job_sees_what_is_still_kept(
    windows: RedisWindows, domain: str, facts: ReferenceFacts
) -> None:
    for n, seconds in enumerate((0, 100, 1_700)):
        windows.record(domain, STREAM, [event(n, seconds)])
    assert ids(windows.record(domain, STREAM, [event(3, 150)])) == [[0, 1, 3]]
    windows.record(domain, STREAM, [event(4, 1_800)])
    assert ids(windows.record(domain, STREAM, [event(5, 160)])) == [[1, 3, 5]]
    windows.record(domain, STREAM, [event(6, 4_000)])
    assert ids(windows.record(domain, STREAM, [event(7, 170)])) == [[7]]
    assert facts.redis.zcard(f"rulefarm:stream:{{{domain}:payments:c}}:times") <= 2


def test_an_event_from_the_future_pushes_out_no_other(facts: ReferenceFacts, domain: str) -> None:
    today = RedisWindows(facts, clock=lambda: START.timestamp())
    today.record(domain, STREAM, [event(0, -10)])
    today.record(domain, STREAM, [event(1, 10_000_000)])
    assert ids(today.record(domain, STREAM, [event(2, 0)])) == [[0, 2]]


def test_the_clock_of_redis_says_what_is_the_future_and_not_that_of_this_host(
    facts: ReferenceFacts, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    # A month later than it is here, and the event is not of the future any more.
    monkeypatch.setattr(time, "time", lambda: (now + timedelta(days=30)).timestamp())
    windows = RedisWindows(facts)

    def seen(n: int, at: datetime) -> list[list[int]]:
        return ids(windows.record(domain, STREAM, [Event(f"job{n}", "c", at, json.dumps({"n": n}))]))

    assert seen(0, now) == [[0]]
    assert seen(1, now + timedelta(days=20)) == [[1]]
    assert seen(2, now) == [[0, 2]]


def test_of_more_events_of_one_instant_than_are_seen_its_own_is_one(windows: RedisWindows, domain: str) -> None:
    for n in range(8):
        assert ids(windows.record(domain, STREAM, [event(n, 0)]))[0][-1] == n or n < STREAM.max_events
    [window] = ids(windows.record(domain, STREAM, [event(0, 0)]))
    assert len(window) == STREAM.max_events
    assert 0 in window


def test_the_events_of_a_chunk_see_each_other_whatever_their_order(windows: RedisWindows, domain: str) -> None:
    events = [event(n, 0, f"c{n % 150}") for n in range(450)]
    seen = ids(windows.record(domain, STREAM, events))
    assert [sorted(window) for window in seen] == [[n % 150, n % 150 + 150, n % 150 + 300] for n in range(450)]
    assert ids(windows.record(domain, STREAM, events[::-1])) == seen[::-1]


def expected(events: list[Event], one: Event) -> list[str]:
    """The window as docs/facts.md defines it."""
    since = one.at - timedelta(seconds=STREAM.window_s)
    held = sorted((e.at, e.job_id, e.text) for e in events if since < e.at <= one.at)
    window = [text for _, _, text in held[-STREAM.max_events :]]
    return window if one.text in window else [*window[1:], one.text]


@pytest.mark.parametrize("seed", range(5))
def test_the_events_of_a_chunk_may_be_far_apart_and_in_any_order(windows: RedisWindows, domain: str, seed: int) -> None:
    pick = random.Random(seed)
    # A day, while a key is kept for half an hour; and four times as many events of one key as are kept.
    events = [event(n, pick.randrange(0, 86_400, 50), pick.choice("ccd")) for n in range(120)]
    for order in (events, events[::-1], pick.sample(events, len(events))):
        seen = windows.record(domain, STREAM, order)
        assert seen == [expected([e for e in events if e.key == one.key], one) for one in order]


def test_after_a_chunk_there_is_left_what_its_oldest_event_of_a_key_may_need(
    windows: RedisWindows, domain: str, facts: ReferenceFacts
) -> None:
    windows.record(domain, STREAM, [event(0, -1_800)])
    windows.record(domain, STREAM, [event(1, -1_799)])
    windows.record(domain, STREAM, [event(3, 9_000), event(2, 0)])
    place = f"rulefarm:stream:{{{domain}:payments:c}}"
    assert facts.redis.zrange(f"{place}:times", 0, -1) == ["job0001", "job0002", "job0003"]
    windows.record(domain, STREAM, [event(n, n) for n in range(4, 60)])
    assert facts.redis.zcard(f"{place}:times") == facts.redis.hlen(f"{place}:events") == 2 * STREAM.max_events


@pytest.mark.parametrize("seed", range(5))
def test_in_any_order_the_last_reading_is_what_the_definition_says(
    windows: RedisWindows, domain: str, seed: int
) -> None:
    pick = random.Random(seed)
    events = [event(n, pick.randrange(0, 1_100, 50)) for n in range(9)]
    pick.shuffle(events)
    for one in events:
        windows.record(domain, STREAM, [one])
    for one in events:
        assert windows.record(domain, STREAM, [one]) == [expected(events, one)]


def test_workers_that_record_at_once_lose_nothing(facts: ReferenceFacts, domain: str) -> None:
    stream = Stream("payments", ("Payment", "card"), 600, 500, 1200)

    def record(worker: int) -> None:
        own = ReferenceFacts(facts.url)
        windows = RedisWindows(own)
        for n in range(50):
            windows.record(domain, stream, [event(worker * 50 + n, n)])
        own.close()

    threads = [threading.Thread(target=record, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(RedisWindows(facts).record(domain, stream, [event(200, 60)]))[0]) == list(range(201))
