"""The simulated farm does what the real one does: nothing is lost, what waits is drained in groups."""

import random
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.arrivals import DAY, Burst, arrivals, peak_rate
from planning.calibration import Calibration
from planning.place import Place, Times, on_one_machine
from planning.simulation import simulate
from planning.trial_farm import share
from tests.planning.conftest import COSTS

PLACE = Place(nodes=2, processes=1, cores=2.0, database_cores=2.0, rules=1_000)


def waiting_s(times: Times) -> float:
    """For how long at least one job waited for its verdict."""
    spans = sorted((taken, taken + waited) for taken, waited in zip(times.taken_s, times.waited_s, strict=True))
    total, until = 0.0, 0.0
    for begin, end in spans:
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


def test_a_job_that_comes_alone_takes_what_its_parts_take(costs: Calibration) -> None:
    times = simulate(replace(costs, waits_s=(0.005,)), PLACE, [float(n) for n in range(20)], 1)
    # Postgres's part of submit, the wait, the worker with a thousand rules, Postgres; half of the message comes after.
    assert times.waited_s == pytest.approx([0.0003 + 0.005 + 0.002 - 0.0004 + 0.0002 + 0.001] * 20)
    assert times.taken_s == pytest.approx([n + 0.0005 for n in range(20)])


def test_a_backlog_is_drained_in_groups(costs: Calibration) -> None:
    count = 4_000
    waiting = replace(PLACE, nodes=1, away_until_s=60.0)
    times = simulate(costs, waiting, [0.0] * count, 1)
    assert times.done == count
    each = costs.job_s + costs.record_cost_s(1_000)
    # A fixed part for each group of 200, and for each of a hundred messages; one by one it would be four times that.
    # Each group waits for two commits.
    assert count * each < times.worker_s < count * each + (count / 200 + 100) * costs.alone_s + 0.2
    assert times.last_s - 60 < count * (each + costs.job_database_s) * 1.2 + count / 200 * max(costs.waits_s)


@pytest.mark.parametrize("rate", [1.0, 40.0, 400.0])
def test_every_job_gets_its_verdict_though_a_node_dies(costs: Calibration, rate: float) -> None:
    at_s = list(arrivals(rate, 800 / rate, None, random.Random(1)))
    dying = replace(PLACE, domains=2, node_dies=(400 / rate, 10.0), nightly=(0.1, 9_000))
    times = simulate(costs, dying, at_s, 1)
    assert times.done == 2 * len(at_s) == len(times.waited_s)
    assert min(times.waited_s) > 0
    assert times.nightly_s > 9_000 * costs.verdict_s / 4


def test_what_a_dying_node_held_waits_until_it_is_sent_again(costs: Calibration) -> None:
    dying = replace(PLACE, nodes=1, node_dies=(5.0, 1.0))
    alone = simulate(replace(costs, alone_s=10.0), dying, [0.0], 1)
    # It dies after five seconds. Its first message took no lease: after half a minute it is sent again.
    assert alone.waited_s[0] == pytest.approx(30 + 10, abs=0.1)
    # Those behind it are claimed together when the first is done, by a process that dies: their lease is of 35 s.
    slow = replace(costs, alone_s=3.0)
    times = simulate(slow, dying, [0.0, 0.1, 0.2], 1)
    assert times.done == 3
    assert times.waited_s[0] == pytest.approx(3.0, abs=0.1)
    assert [waited + 0.1 * n for n, waited in enumerate(times.waited_s)][1:] == pytest.approx([43.0, 46.0], abs=0.1)


def test_a_job_whose_message_is_late_is_taken_by_whoever_is_awake(costs: Calibration) -> None:
    slow = replace(costs, alone_s=0.1, waits_s=(0.0,))
    times = simulate(slow, replace(PLACE, nodes=1), [0.0] * 50, 1)
    # The others are a group while their messages wait, each of which then costs no more than itself.
    group_s = slow.alone_s - slow.message_s + 48 * slow.job_s + 49 * slow.record_cost_s(1_000)
    messages_s = slow.message_s * 50
    assert times.worker_s == pytest.approx(slow.alone_s - slow.message_s + 0.0002 + group_s + messages_s, abs=0.005)
    # In time each has its message's process to itself.
    apart = simulate(slow, replace(PLACE, nodes=1), [float(n) for n in range(50)], 1)
    assert apart.worker_s == pytest.approx(50 * (slow.alone_s + 0.0002))


def test_a_process_waits_for_the_commit_of_what_it_judges(costs: Calibration) -> None:
    slow = replace(costs, waits_s=(0.5,), held_s=0.0)
    times = simulate(slow, replace(PLACE, nodes=1), [0.0, 0.1], 1)
    first, second = sorted(at + waited for at, waited in zip(times.taken_s, times.waited_s, strict=True))
    # The commit of its own row; then that of the first verdict, and that of its claim, for it is late by then.
    assert first == pytest.approx(0.5, abs=0.02)
    assert second == pytest.approx(1.0, abs=0.02)


@given(
    gaps_s=st.lists(st.sampled_from([0.0, 0.0005, 0.003, 0.01, 0.05]), min_size=1, max_size=60),
    processes=st.integers(1, 3),
    many=st.sampled_from([1, 150]),
)
@settings(max_examples=40, deadline=None)
def test_while_a_job_waits_for_its_verdict_no_core_is_idle(gaps_s: list[float], processes: int, many: int) -> None:
    costs = replace(COSTS, waits_s=(0.0,), held_s=0.0)
    at_s = sorted(list(accumulate(gaps_s)) * many)
    times = simulate(costs, on_one_machine(costs, processes, 1_000, 1.0), at_s, 1)
    assert times.done == len(at_s)
    computed_s = times.worker_s + times.database_s + len(at_s) * (costs.submit_s + costs.submit_database_s)
    assert waiting_s(times) <= computed_s + 1e-6


@pytest.mark.parametrize("rate", [20.0, 150.0, 600.0])
def test_what_is_computed_is_what_came(costs: Calibration, rate: float) -> None:
    at_s = list(arrivals(rate, 1_500 / rate, None, random.Random(4)))
    times = simulate(costs, on_one_machine(costs, 2, 1_000, 2.0), at_s, 1)
    jobs, record_s = len(at_s), costs.record_cost_s(1_000)
    # Between a job in a group and a job with a message of its own, and the fuller the groups the less.
    least_s, most_s = jobs * (costs.job_s + record_s), jobs * (costs.alone_s + record_s)
    assert least_s < times.worker_s < most_s * 1.001
    # What comes in a second is judged in a second, as long as there are cores for it.
    assert times.last_s - at_s[-1] < 0.5


def test_the_same_seed_gives_the_same_times(costs: Calibration) -> None:
    at_s = list(arrivals(50.0, 5.0, Burst(5, 1), random.Random(3)))
    first, second, other = (simulate(costs, PLACE, at_s, seed).waited_s for seed in (1, 1, 2))
    assert first == second != other


def test_a_wider_farm_is_no_slower(costs: Calibration) -> None:
    heavy = replace(costs, record_rule_s=0.00001)
    lasts = [
        simulate(heavy, replace(PLACE, nodes=nodes, database_cores=8.0, away_until_s=9.0), [0.0] * 1_000, 1).last_s - 9
        for nodes in (1, 2, 4)
    ]
    assert lasts[0] > 1.6 * lasts[1] > 2.2 * lasts[2]


def test_on_one_machine_all_share_its_cores(costs: Calibration) -> None:
    alone = on_one_machine(costs, 2, 1_000, 1.0)
    times = simulate(costs, alone, [0.0] * 500, 1)
    every = costs.submit_s + costs.submit_database_s + costs.job_s + costs.record_cost_s(1_000) + costs.job_database_s
    assert times.last_s > 500 * every


def test_a_day_has_its_orders_and_a_burst_its_own() -> None:
    assert peak_rate(86_400) == pytest.approx(max(DAY) / (sum(DAY) / 24))
    at_s = list(arrivals(10.0, 1_000.0, Burst(5.0, 100.0), random.Random(1)))
    within = [at for at in at_s if 450 <= at < 550]
    assert at_s == sorted(at_s)
    assert len(within) == pytest.approx(5_000, rel=0.1)
    assert len(at_s) - len(within) == pytest.approx(9_000, rel=0.1)
    assert list(arrivals(0.0, 1_000.0, None, random.Random(1))) == []


def test_a_share_of_samples() -> None:
    assert [share([5.0, 1.0, 3.0], part) for part in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 5.0, 5.0]
    assert share([], 0.5) == 0.0
