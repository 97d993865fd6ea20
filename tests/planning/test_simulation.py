"""The simulated farm does what the real one does: nothing is lost, what waits is drained in groups."""

import random
from dataclasses import replace

import pytest

from planning.arrivals import DAY, Burst, arrivals, peak_rate
from planning.calibration import Calibration
from planning.place import Place, on_one_machine
from planning.simulation import simulate
from planning.trial_farm import share

PLACE = Place(nodes=2, processes=1, cores=2.0, database_cores=2.0, rules=1_000)


def test_a_job_that_comes_alone_takes_what_its_parts_take(costs: Calibration) -> None:
    times = simulate(replace(costs, waits_s=(0.005,)), PLACE, [float(n) for n in range(20)], 1)
    # Postgres's part of submit, the wait, the worker with a thousand rules, Postgres.
    assert times.waited_s == pytest.approx([0.0003 + 0.005 + 0.002 + 0.0002 + 0.001] * 20)
    assert times.taken_s == pytest.approx([n + 0.0005 for n in range(20)])


def test_a_backlog_is_drained_in_groups(costs: Calibration) -> None:
    count = 4_000
    waiting = replace(PLACE, nodes=1, away_until_s=60.0)
    times = simulate(costs, waiting, [0.0] * count, 1)
    assert times.done == count
    each = costs.job_s + costs.record_cost_s(1_000)
    # A fixed part for each group of 200, and for each of a hundred messages; one by one it would be four times that.
    assert count * each < times.worker_s < count * each + (count / 200 + 100) * costs.alone_s + 0.2
    assert times.last_s - 60 < count * (each + costs.job_database_s) * 1.2


@pytest.mark.parametrize("rate", [1.0, 40.0, 400.0])
def test_every_job_gets_its_verdict_though_a_node_dies(costs: Calibration, rate: float) -> None:
    at_s = list(arrivals(rate, 800 / rate, None, random.Random(1)))
    dying = replace(PLACE, domains=2, node_dies=(400 / rate, 10.0), nightly=(0.1, 9_000))
    times = simulate(costs, dying, at_s, 1)
    assert times.done == 2 * len(at_s) == len(times.waited_s)
    assert min(times.waited_s) > 0
    assert times.nightly_s > 9_000 * costs.verdict_s / 4


def test_what_a_dying_node_held_waits_for_its_lease(costs: Calibration) -> None:
    slow = replace(costs, alone_s=10.0)
    times = simulate(slow, replace(PLACE, nodes=1, node_dies=(5.0, 1.0)), [0.0], 1)
    # It dies after five seconds; the lease is of 35.
    assert times.waited_s[0] == pytest.approx(5 + 35 + 10, abs=0.1)


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
