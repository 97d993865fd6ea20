"""How large a farm has to be, and what a month of it costs.  calibration, prices -> [sizing] -> capacity

The busiest hour is simulated, with a burst, the nightly and the death of a node in it, several times; the smallest farm
that keeps its times is the plan. It is laid beside one big server and beside what the farm was once promised to be."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from planning.arrivals import Burst, arrivals, peak_rate
from planning.calibration import Calibration
from planning.capacity import CapacityPlan, PlannedLoad, Spread
from planning.place import Place, Times
from planning.prices import Price, bill
from planning.simulation import simulate
from planning.trial_farm import share
from rulefarm.routing import BACKLOG
from rulefarm.settings import Settings

#: Who judges each order, and who the products of the night.
ORDER_DOMAINS, NIGHTLY_DOMAIN = ("payment", "promotion"), "pricing"
#: vCPUs of a node, and how many there are at least: one may die.
NODE_CORES, _LEAST_NODES = 2.0, 2
#: How busy parts may be in the busiest hour: what comes in bursts needs the rest.
_BUSY = 0.6
#: Jobs that a run simulates at most; runs, each from a seed of its own.
_JOBS, _SEEDS = 5_000, 3
#: Seconds that a node is away, and that all workers are in the question of how long a backlog takes.
_NODE_AWAY_S, _OUTAGE_S = 120.0, 600.0
_OUTAGE_JOBS = 2_000
_DAYS = 30.4


def make_capacity_plan(
    demand: PlannedLoad, costs: Calibration, prices: Sequence[Price], seed: int = 1, *, most_jobs: int = _JOBS
) -> CapacityPlan:
    """Find the smallest farm that is enough.

    Args:
        demand: what is asked of it.
        costs: of a machine like its nodes.
        prices: of a cloud.
        seed: of the first run; the same one gives the same plan.
        most_jobs: that a run simulates; default: what takes seconds.
    """
    rate, burst = peak_rate(demand.orders_per_day), Burst()
    domains = len(ORDER_DOMAINS)
    worker_s = domains * (costs.alone_s + costs.record_cost_s(demand.rules))
    database_s = domains * (costs.alone_database_s + costs.submit_database_s)
    nodes = max(_LEAST_NODES, math.ceil(rate * worker_s / NODE_CORES / _BUSY) + 1)
    database_cores = _even(rate * database_s / _BUSY)
    alone = sorted(wait + costs.answer_s for wait in costs.waits_s)
    place = Place(nodes, 1, NODE_CORES, float(database_cores), demand.rules, domains)
    place = _wide_enough(demand, costs, place, seed, most_jobs)
    runs = [_busiest_hour(demand, costs, place, seed + number, most_jobs, whole=True) for number in range(_SEEDS)]
    server = _server(demand, costs, place, seed, most_jobs)
    server_cores = int(server.cores)
    server_runs = [
        _busiest_hour(demand, costs, server, seed + number, most_jobs, whole=False) for number in range(_SEEDS)
    ]
    rates = [_drained_rate(costs, place, seed + number) for number in range(_SEEDS)]
    three, one = (_drained_rate(costs, _of_one_domain(place, count), seed) for count in (3, 1))
    jobs = demand.orders_per_day * domains * _DAYS
    month = jobs * (costs.job_bytes + costs.verdict_bytes) + demand.products * _DAYS * costs.row_bytes
    kept = month * demand.kept_days / _DAYS
    batch_processes = 1
    processes = place.nodes * (domains * place.processes + batch_processes)
    others = place.nodes * (domains + 1) + 2
    results = rate * burst.factor * domains * Settings().result_expires_s
    return CapacityPlan(
        demand=demand,
        calibration=costs,
        rates=(demand.orders_per_day / 86_400, rate, rate * burst.factor),
        node_rate=NODE_CORES / (domains * (costs.job_s + costs.record_cost_s(demand.rules) + costs.job_database_s)),
        nodes=place.nodes,
        processes=place.processes,
        batch_processes=batch_processes,
        database_cores=int(place.database_cores or 0),
        p50_s=_spread([share(run.waited_s, 0.5) for run in runs]),
        p99_s=_spread([share(run.waited_s, 0.99) for run in runs]),
        slowest_s=_spread([max(run.waited_s, default=0.0) for run in runs]),
        nightly_s=_spread([run.nightly_s for run in runs]),
        drain_s=_spread([_drain_s(rate * domains, each) for each in rates]),
        alone_s=(share(alone, 0.5), share(alone, 0.99)),
        month_bytes=month,
        kept_bytes=kept,
        connections=processes + others,
        most_connections=(processes + others) * Settings().database_pool_size,
        broker_bytes=costs.broker_bytes + costs.message_bytes * (BACKLOG * (domains + 1) + results),
        node_bytes=(domains * place.processes + batch_processes) * costs.process_bytes
        + (domains + 1) * costs.main_bytes,
        farm_bill=bill(prices, _farm_amounts(demand, place, costs, kept)),
        server_bill=bill(
            prices,
            {
                "node": (server_cores * demand.regions, f"{demand.regions} x {server_cores} vCPU"),
                "postgres-storage": (kept / 1e9 * demand.regions, f"{kept / 1e9 * demand.regions:.1f} GB"),
            },
        ),
        server_cores=server_cores,
        server_p99_s=_spread([share(run.waited_s, 0.99) for run in server_runs]),
        three_nodes=three / one,
        third_of_rules=costs.record_cost_s(3 * demand.rules) / costs.record_cost_s(demand.rules),
        prices=tuple(prices),
    )


def _wide_enough(demand: PlannedLoad, costs: Calibration, place: Place, seed: int, most_jobs: int) -> Place:
    """The first farm that is fast enough, of wider and wider ones; the last one, if none is."""
    tried = place
    for more_nodes, processes in product((0, 1, 2, 4), (1, 2)):
        tried = replace(place, nodes=place.nodes + more_nodes, processes=processes)
        run = _busiest_hour(demand, costs, tried, seed, most_jobs, whole=True)
        drained = _drain_s(peak_rate(demand.orders_per_day) * place.domains, _drained_rate(costs, tried, seed))
        if share(run.waited_s, 0.99) <= demand.p99_s and max(drained, run.nightly_s) <= demand.deadline_s:
            return tried
        if share([wait + costs.answer_s for wait in costs.waits_s], 0.99) > demand.p99_s:
            # What waits for broker and commit waits no less on a wider farm.
            return place
    return tried


def _server(demand: PlannedLoad, costs: Calibration, farm: Place, seed: int, most_jobs: int) -> Place:
    """The smallest server that does it all, and no larger than the farm."""
    most = _even(farm.nodes * farm.cores + (farm.database_cores or 0.0))
    cores = 2
    while True:
        server = Place(1, cores, float(cores), None, demand.rules, farm.domains)
        run = _busiest_hour(demand, costs, server, seed, most_jobs, whole=False)
        if cores >= most or (share(run.waited_s, 0.99) <= demand.p99_s and run.nightly_s <= demand.deadline_s):
            return server
        cores = min(most, 2 * cores)


def _busiest_hour(
    demand: PlannedLoad, costs: Calibration, place: Place, seed: int, most_jobs: int, *, whole: bool
) -> Times:
    """A run of it, or of as much of it as can be simulated; with a node that dies, if it is the whole farm."""
    rate, burst = peak_rate(demand.orders_per_day), Burst()
    length_s = min(3_600.0, most_jobs / max(1e-9, rate * place.domains) / (1 + (burst.factor - 1) / 10))
    burst = Burst(burst.factor, min(burst.length_s, length_s / 10))
    at_s = arrivals(rate, length_s, burst, random.Random(seed))
    dies = (length_s * 0.8, min(_NODE_AWAY_S, length_s / 10)) if whole and place.nodes > 1 else None
    busy = replace(place, node_dies=dies, nightly=(length_s * 0.2, demand.products) if demand.products else None)
    return simulate(costs, busy, at_s, seed)


def _of_one_domain(place: Place, nodes: int) -> Place:
    return Place(nodes, int(place.cores), place.cores, place.database_cores, place.rules)


def _drained_rate(costs: Calibration, place: Place, seed: int) -> float:
    """Jobs a second of a backlog."""
    begins_s = 60.0
    domains = place.domains
    waiting = replace(place, away_until_s=begins_s)
    run = simulate(costs, waiting, [0.0] * (_OUTAGE_JOBS // domains), seed)
    return run.done / max(1e-9, run.last_s - begins_s)


def _drain_s(rate: float, drained_rate: float) -> float:
    """What an outage left, beside what goes on coming; infinite, if it is never done."""
    return rate * _OUTAGE_S / (drained_rate - rate) if drained_rate > rate else math.inf


def _farm_amounts(demand: PlannedLoad, place: Place, costs: Calibration, kept: float) -> dict[str, tuple[float, str]]:
    many = demand.regions
    cores = place.nodes * place.cores * many
    # The verdicts of each region go to the others.
    out = demand.orders_per_day * place.domains * _DAYS * costs.verdict_bytes / 1e9 if many > 1 else 0.0
    stored = kept / 1e9 * many
    database = int(place.database_cores or 0)
    return {
        "node": (cores, f"{place.nodes * many} x {place.cores:g} vCPU"),
        "control-plane": (many, f"{many}"),
        "load-balancer": (many, f"{many}"),
        "postgres": (database * many, f"{many} x {database} vCPU"),
        "postgres-storage": (stored, f"{stored:.1f} GB"),
        "redis": (many, f"{many}"),
        "egress": (out, f"{out:.1f} GB"),
    }


def _spread(values: Sequence[float]) -> Spread:
    return Spread(min(values), max(values))


def _even(cores: float) -> int:
    """Servers have two vCPUs, or four, or six."""
    return max(2, 2 * math.ceil(cores / 2))
