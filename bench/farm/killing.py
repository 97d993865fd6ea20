"""The workers are killed with a backlog under way, and started again at once.  job_queue -> [killing] -> targets

SIGKILL to all their processes when two fifths of the rows are there. Told is how many jobs have no row when nothing
comes any more, how many have more than one, and how long all of it took."""

import time
from dataclasses import dataclass

from bench.farm.job_queue import JobQueue, Stuck, wait_until
from bench.farm.measures import PATIENCE_S, warmed
from bench.farm.work import Material

#: The part of the jobs that is done when the workers are killed.
_PART = 0.4
#: Seconds between two counts: before the kill, which must not come late, and after it.
_OFTEN_S, _SELDOM_S = 0.002, 0.1


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it."""

    name: str
    jobs: int
    #: Jobs without a row after `seconds`.
    lost: int
    #: Rows too many.
    doubled: int
    #: From the start of the workers until the last row; what was waited at most, if one is missing.
    seconds: float


def killed(queue: JobQueue, material: Material, jobs: int) -> Killed:
    """Kill the workers of a queue, once.

    Args:
        queue: one that stores.
        material: what is judged.
        jobs: how many.

    Raises:
        Stuck: it did not come to a kill.
    """
    queue.reset()
    servants, fleet = queue.started_servants(), queue.start()
    try:
        warmed(queue, material, "kill")
        warm = queue.rows()
        fleet.pause()
        queue.lay(material.jobs("killed", jobs))
        began = time.perf_counter()
        fleet.resume()
        wait_until(lambda: queue.rows() - warm >= _PART * jobs, PATIENCE_S, _OFTEN_S)
        fleet.kill()
        if queue.rows() - warm >= jobs:
            raise Stuck("all was done before the kill")
        fleet = queue.start()
        while (found := queue.progress()).subjects - warm < jobs:
            if time.perf_counter() - began > PATIENCE_S:
                break
            time.sleep(_SELDOM_S)
        seconds = time.perf_counter() - began
        return Killed(queue.name, jobs, jobs + warm - found.subjects, found.rows - found.subjects, seconds)
    finally:
        for each in (fleet, servants):
            if each is not None:
                each.stop()
        queue.reset()
