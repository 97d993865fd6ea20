"""How many processes are wanted, case by case; and what holds in every case."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.scaling import Demand, Pace, Width, settle, wanted

LEAST, MOST = 1, 8


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (Demand(open=0), 1),
        (Demand(open=0, busy=3), 3),
        (Demand(open=1), 1),
        # Nothing is known yet: each has a process of its own.
        (Demand(open=5), 5),
        (Demand(open=5, leased=2, busy=2), 5),
        (Demand(open=5_000), 8),
        # Jobs of 5 ms: a process does 200 before the deadline.
        (Demand(open=100, rate=200), 1),
        (Demand(open=200, rate=200), 1),
        (Demand(open=201, rate=200), 2),
        (Demand(open=5_000, rate=200), 8),
        (Demand(open=201, rate=200, deadline_s=10), 1),
        # Those at work go on with what waits.
        (Demand(open=101, leased=1, busy=1, rate=200), 1),
        (Demand(open=4, leased=4, busy=4, rate=200), 4),
        # What others have the lease of is theirs.
        (Demand(open=4_000, leased=4_000, rate=200), 1),
        # Chunks of half a second: two before the deadline.
        (Demand(open=5, leased=1, busy=1, rate=2), 3),
        # Longer than the deadline: none waits behind another.
        (Demand(open=3, leased=1, busy=1, rate=0.1), 3),
        # Late: in a hurry, but not in any.
        (Demand(open=200, rate=200, age_s=0.5), 2),
        (Demand(open=200, rate=200, age_s=3600), 4),
        (Demand(open=10, rate=200, age_s=3600), 1),
        # No room for more, but those that are there stay.
        (Demand(open=5_000, memory=3), 3),
        (Demand(open=5_000, memory=0), 1),
        (Demand(open=5_000, memory=2, busy=6), 6),
        (Demand(open=0, memory=100), 1),
        # More at work than this worker may have: it was told to have fewer.
        (Demand(open=0, busy=9), 8),
    ],
)
def test_so_many_are_wanted(load: Demand, expected: int) -> None:
    assert wanted(load, least=LEAST, most=MOST) == expected


NUMBERS = st.integers(0, 20_000)
LOADS = st.builds(
    Demand,
    open=NUMBERS,
    leased=NUMBERS,
    age_s=st.floats(0, 1e6),
    rate=st.none() | st.floats(0.001, 1e5),
    deadline_s=st.floats(0.1, 100),
    busy=st.integers(0, 40),
    memory=st.none() | st.integers(0, 40),
)
BOUNDS = st.tuples(st.integers(1, 8), st.integers(0, 30)).map(lambda pair: {"least": pair[0], "most": sum(pair)})


@given(load=LOADS, bounds=BOUNDS)
def test_it_is_within_the_bounds_and_takes_no_busy_one(load: Demand, bounds: dict[str, int]) -> None:
    found = wanted(load, **bounds)
    assert bounds["least"] <= found <= bounds["most"]
    assert found >= min(load.busy, bounds["most"])
    if load.memory is not None:
        assert found <= max(load.memory, load.busy, bounds["least"])


@given(load=LOADS, bounds=BOUNDS, more=st.integers(1, 1000), slower=st.floats(0.01, 1), longer=st.floats(1, 100))
def test_more_work_never_wants_fewer(
    load: Demand, bounds: dict[str, int], more: int, slower: float, longer: float
) -> None:
    found = wanted(load, **bounds)
    assert wanted(replace(load, open=load.open + more), **bounds) >= found
    assert wanted(replace(load, age_s=load.age_s + more), **bounds) >= found
    assert wanted(replace(load, leased=load.leased + more), **bounds) <= found
    assert wanted(replace(load, deadline_s=load.deadline_s * longer), **bounds) <= found
    if load.rate is not None:
        assert wanted(replace(load, rate=load.rate * slower), **bounds) >= found
        assert wanted(replace(load, rate=None), **bounds) >= found
    if load.memory is not None:
        assert wanted(replace(load, memory=load.memory + more), **bounds) >= found


#: Seconds that pass, and what is wanted then.
STEPS = st.lists(st.tuples(st.floats(0.1, 40), st.integers(1, 10)), min_size=1, max_size=40)
PAUSE_S = 30.0


@given(steps=STEPS)
def test_it_is_wider_at_once_and_narrower_only_after_a_pause(steps: list[tuple[float, int]]) -> None:
    width, now, history = Width(1), 0.0, [(0.0, 1)]
    for passed, number in steps:
        before, now = width, now + passed
        history.append((now, number))
        width = settle(width, number, now=now, pause_s=PAUSE_S)
        assert width.processes >= number
        if number >= before.processes:
            assert width.processes == number
        elif width.processes != before.processes:
            # All of the pause it was calm, and it is not narrower than what was wanted in it.
            assert before.calm_since is not None
            calm = [wish for moment, wish in history if moment >= before.calm_since]
            assert now - before.calm_since >= PAUSE_S
            assert max(calm) == width.processes < before.processes


def test_a_load_that_swings_moves_nothing() -> None:
    width, seen = settle(Width(1), 6, now=0, pause_s=PAUSE_S), set()
    for second in range(1, 600):
        width = settle(width, 6 if second % 20 == 0 else 1, now=second, pause_s=PAUSE_S)
        seen.add(width.processes)
    assert seen == {6}


@given(least=st.integers(1, 8), peak=st.integers(1, 30))
def test_two_pauses_after_the_last_work_it_has_the_least(least: int, peak: int) -> None:
    width = settle(Width(least), max(least, peak), now=0, pause_s=PAUSE_S)
    for second in range(1, 2 * int(PAUSE_S) + 2):
        width = settle(width, least, now=second, pause_s=PAUSE_S)
    assert width.processes == least


def test_the_pace_is_that_of_the_last_messages() -> None:
    pace = Pace()
    for _ in range(200):
        pace.note(1.0)
    for _ in range(200):
        pace.note(0.1)
    assert pace.per_s == pytest.approx(10, rel=0.01)
    # A clock that was set back.
    pace.note(-5)
    assert pace.per_s > 10
