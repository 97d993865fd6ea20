"""How the farm bore each fault.  strikes, verdict times -> [measures] -> throughput and seconds to recover

Reads Postgres once, after the drill: when each verdict was given, and by whom. Times are Unix times of this machine."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

import psycopg2

#: Seconds before a fault, and after the recovery, over which the throughput is taken.
WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault as it happened."""

    fault: str
    #: What it hit.
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
    database_url: str, strikes: Iterable[InjectedFault], started: float, poison: frozenset[str]
) -> list[FaultImpact]:
    """What each fault did.

    Args:
        database_url: where the verdicts are.
        strikes: as they happened.
        started: when the first job was due.
        poison: ids of jobs that only a dead letter closes: nobody waits for them.
    """
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select id, extract(epoch from evaluated_at)::float8, worker from verdicts order by evaluated_at"
        )
        verdicts = [(str(identity), at, str(worker).partition("@")[0]) for identity, at, worker in cursor]
        closed = {identity: at for identity, at, _ in verdicts}
        cursor.execute("select batch || ' ' || n, extract(epoch from finished_at)::float8, state from chunks")
        for identity, at, state in cursor:
            # A chunk with poison in it is closed by the slow death of its row.
            if state in ("split", "dead"):
                poison |= {identity}
            elif at is not None:
                closed[identity] = float(at)
    times = [at for _, at, _ in verdicts]
    by_worker: dict[str, list[float]] = {}
    for _, at, worker in verdicts:
        by_worker.setdefault(worker, []).append(at)
    borne = []
    for strike in strikes:
        met = [closed.get(one) for one in strike.open if one not in poison]
        last = max((at for at in met if at is not None), default=strike.began)
        over = max(strike.ended, last)
        mine = by_worker.get(strike.worker, []) if strike.worker else times
        first = bisect_right(mine, strike.ended)
        borne.append(
            FaultImpact(
                strike.fault,
                strike.what,
                strike.began - started,
                _rate(times, max(started, strike.began - WINDOW_S), strike.began),
                _rate(times, strike.began, over),
                _rate(times, over, over + WINDOW_S),
                mine[first] - strike.ended if first < len(mine) else None,
                max(0.0, last - strike.began) if None not in met else None,
            )
        )
    return borne


def _rate(times: list[float], begin: float, end: float) -> float:
    return (bisect_left(times, end) - bisect_left(times, begin)) / max(end - begin, 0.001)
