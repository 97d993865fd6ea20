"""One turn of one queue: how soon, how cheap to submit, how many a second.  job_queue -> [measures] -> targets

Workers that are awake are stopped by a signal while the backlog is laid down, and the clock of the rate starts when
they may go on: no start of a process is in it. Rows are counted seldom while many are left, and often near the end, so
that the count is no load of its own, and the end is exact."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bench.farm.job_queue import Fleet, JobQueue, Pair, Stuck, wait_until
from bench.farm.work import Material

#: Seconds after which something that does not come does not come at all.
PATIENCE_S = 180.0
#: Orders that are judged before anything is timed.
_WARM = 20
#: Seconds between two looks for one row. A look takes a third of that.
_LOOK_S = 0.0003
#: Seconds between two counts of rows: at least, and at most.
_OFTEN_S, _SELDOM_S = 0.005, 0.2


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured in one turn."""

    #: Orders that are sent one by one, each waited for.
    alone: int
    #: Orders that wait when the workers start.
    backlog: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What was measured of one queue in one turn; None: it can't, or there is nothing of the kind."""

    #: Seconds from before a job is submitted until its producer knows the verdict: median, and the worst but one in a
    #: hundred.
    answer_s: tuple[float, float] | None
    #: Seconds until its row is seen in Postgres, likewise.
    row_s: tuple[float, float] | None
    #: Seconds that submitting one job takes, one by one.
    submit_s: float
    #: Jobs a second, many at once.
    many_rate: float | None
    #: Jobs a second that the workers judge and store.
    rate: float
    #: Seconds of CPU that the workers, all their processes together, use for a job.
    cpu_s: float
    #: Resident memory of the largest process that a worker started.
    child_bytes: int


def measure(queue: JobQueue, material: Material, size: Size, name: str) -> Turn:
    """One turn.

    Args:
        queue: whose.
        material: what is judged.
        size: how much of it.
        name: of the turn; no two turns of a queue have the same.

    Raises:
        Stuck: jobs were not judged; or not one row a job was stored.
    """
    backlog = size.backlog * queue.share
    queue.reset()
    with running(queue) as fleet:
        warmed(queue, material, name)
        answers, rows = None, None
        if queue.answers:
            answers = _percentiles([_timed(queue.ask, pair) for pair in material.jobs(f"{name}-ask", size.alone)])
        if queue.stores:
            rows = _percentiles([_seen(queue, pair) for pair in material.jobs(f"{name}-row", size.alone)])
        before = queue.rows()
        fleet.pause()
        queue.lay(material.jobs(f"{name}-backlog", backlog))
        cpu_s = fleet.cpu_s()
        fleet.resume()
        took_s = _drained(queue, before, backlog)
        cpu_s = (fleet.cpu_s() - cpu_s) / backlog
        child_bytes = fleet.largest_child_bytes()
    queue.reset()
    submitted = fmean(_timed(queue.submit, pair) for pair in material.jobs(f"{name}-one", size.backlog // 4))
    queue.reset()
    many = None
    if queue.takes_many:
        many = backlog / _timed(queue.submit_many, material.jobs(f"{name}-many", backlog))
        queue.reset()
    return Turn(answers, rows, submitted, many, backlog / took_s, cpu_s, child_bytes)


@contextmanager
def running(queue: JobQueue) -> Iterator[Fleet]:
    """The workers of a queue, and what they need beside them."""
    servants, fleet = queue.started_servants(), queue.start()
    try:
        yield fleet
    finally:
        for each in (fleet, servants):
            if each is not None:
                each.stop()


def warmed(queue: JobQueue, material: Material, name: str) -> None:
    """Wait until every worker judges, and nothing waits.

    Args:
        queue: whose workers run.
        material: what is judged.
        name: of the turn.

    Raises:
        Stuck: they do not judge.
    """
    sent = 0

    def is_warm() -> bool:
        nonlocal sent
        if queue.rows() < sent:
            return False
        if sent and queue.progress().workers >= queue.workers:
            return True
        for pair in material.jobs(f"{name}-warm{sent}", _WARM):
            queue.submit(pair)
        sent += _WARM
        return False

    wait_until(is_warm, PATIENCE_S)


def _drained(queue: JobQueue, before: int, backlog: int) -> float:
    """Seconds until the backlog is judged."""
    began, done = time.perf_counter(), 0
    took_s = 0.0
    while done < backlog:
        if took_s > PATIENCE_S:
            raise Stuck(f"{done:,} of {backlog:,} jobs after {PATIENCE_S:g} s")
        left_s = (backlog - done) * took_s / max(done, 1)
        time.sleep(min(max(left_s / 3, _OFTEN_S), _SELDOM_S))
        done, took_s = queue.rows() - before, time.perf_counter() - began
    if queue.stores and (found := queue.progress()).rows != found.subjects:
        raise Stuck(f"{found.rows:,} rows of {found.subjects:,} jobs")
    return took_s


def _seen(queue: JobQueue, pair: Pair) -> float:
    began = time.perf_counter()
    queue.submit(pair)
    while not queue.is_stored(pair):
        if time.perf_counter() - began > PATIENCE_S:
            raise Stuck(f"no row after {PATIENCE_S:g} s")
        time.sleep(_LOOK_S)
    return time.perf_counter() - began


def _timed(call: Callable[[Any], object], argument: object) -> float:
    began = time.perf_counter()
    call(argument)
    return time.perf_counter() - began


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2], ordered[-1 - len(ordered) // 100]
