"""Throughput around each fault, and how long recovery took.  injected faults, verdicts -> [impact] -> report

Reads Postgres once, after the drill: when each verdict was stored, and by which worker. Times are Unix times of this
machine."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import psycopg2

from workers.drill.moved_clock import CLOCKS

#: Seconds before a fault, and after the recovery, over which the throughput is taken.
WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault as it was injected."""

    fault: str
    #: What it hit, in a few words.
    what: str
    #: The worker it hit, by its name before the `@`; None: all, or none.
    worker: str | None
    #: When it began, and when it was over, as Unix times.
    began: float
    ended: float
    #: Jobs, and chunks as `batch n`, that were open when it began.
    open: frozenset[str]


@dataclass(frozen=True, slots=True)
class FaultImpact:
    """What one fault did to the farm's work."""

    fault: str
    what: str
    #: Seconds after the first job.
    at_s: float
    #: Verdicts a second: before it, from its beginning until everything it met was closed, and after that.
    before: float
    during: float
    after: float
    #: Seconds from its end until a verdict was given, by the worker that was hit if it was one. None: none came.
    flows_s: float | None
    #: Seconds from its beginning until every job and chunk that was open then was closed. None: not all were.
    closed_s: float | None


def measure(
    database_url: str, faults: Iterable[InjectedFault], started: float, poison: frozenset[str]
) -> list[FaultImpact]:
    """Measure what each fault did.

    Args:
        database_url: where the verdicts are.
        faults: as they were injected.
        started: when the first job was due, as a Unix time.
        poison: ids of jobs that only a dead letter closes: recovery does not wait for them.

    Returns:
        One each, in the same order.
    """
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select id, extract(epoch from evaluated_at)::float8, worker from verdicts")
        verdicts = sorted((_verdict(*row) for row in cursor), key=itemgetter(1))
        closed = {identity: at for identity, at, _ in verdicts}
        cursor.execute("select batch || ' ' || n, extract(epoch from finished_at)::float8, state from chunks")
        for identity, at, state in cursor:
            # A chunk with poison in it is closed only when its row has failed all its attempts.
            if state in ("split", "dead"):
                poison |= {identity}
            elif at is not None:
                closed[identity] = float(at)
    times = [at for _, at, _ in verdicts]
    by_worker: dict[str, list[float]] = {}
    for _, at, worker in verdicts:
        by_worker.setdefault(worker, []).append(at)
    impacts = []
    for fault in faults:
        closed_at = [closed.get(identity) for identity in fault.open if identity not in poison]
        last = max((at for at in closed_at if at is not None), default=fault.began)
        over = max(fault.ended, last)
        times_of_worker = by_worker.get(fault.worker, []) if fault.worker else times
        first = bisect_right(times_of_worker, fault.ended)
        impacts.append(
            FaultImpact(
                fault.fault,
                fault.what,
                fault.began - started,
                _rate(times, max(started, fault.began - WINDOW_S), fault.began),
                _rate(times, fault.began, over),
                _rate(times, over, over + WINDOW_S),
                times_of_worker[first] - fault.ended if first < len(times_of_worker) else None,
                max(0.0, last - fault.began) if None not in closed_at else None,
            )
        )
    return impacts


def _verdict(identity: Any, at: float, worker: str) -> tuple[str, float, str]:
    """Id, true instant and worker's part; a worker whose clock is wrong says so in its name."""
    part, _, clock = worker.partition("@")[0].partition(".")
    return str(identity), at - CLOCKS.get(clock, 0.0), part


def _rate(times: list[float], begin: float, end: float) -> float:
    return (bisect_left(times, end) - bisect_left(times, begin)) / max(end - begin, 0.001)
