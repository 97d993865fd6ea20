"""Many open jobs after the broker has lost everything.  rulefarm_farm -> [broker_loss] -> targets

They are submitted, the broker is emptied, and only then a worker starts, with four processes, and beat. Told is how
long they take to the last verdict, and how many messages waited at most: a storm would be one for each job."""

import time
from dataclasses import dataclass

from bench.farm.job_queue import Stuck, wait_until
from bench.farm.rulefarm_farm import Rulefarm
from bench.farm.work import DOMAIN, Material

#: Processes that judge.
_PROCESSES = 4
#: Seconds that all may take; and between two looks.
_PATIENCE_S, _LOOK_S = 600.0, 0.25


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came of it."""

    jobs: int
    #: From the start of the worker to the last verdict.
    seconds: float
    #: Messages that waited in the queue at most.
    messages: int


def recovery(farm: Rulefarm, material: Material, jobs: int) -> Recovery:
    """Empty the broker, and have the jobs judged.

    Args:
        farm: that judges them.
        material: with the orders.
        jobs: how many.

    Raises:
        Stuck: they are not judged; or not one row a job was stored.
    """
    farm.reset()
    farm.submit_many(material.jobs("recovery", jobs))
    farm.empty_broker()
    most = 0
    servants = farm.started_servants()
    fleet = farm.start_worker(DOMAIN, _PROCESSES, bulk=True)
    began = time.perf_counter()

    def is_done() -> bool:
        nonlocal most
        most = max(most, farm.messages(bulk=True))
        return farm.open_jobs() == 0

    try:
        wait_until(is_done, _PATIENCE_S, _LOOK_S)
        seconds = time.perf_counter() - began
    finally:
        fleet.stop()
        servants.stop()
    if (stored := farm.rows()) != jobs:
        raise Stuck(f"{stored:,} verdicts on {jobs:,} jobs")
    farm.reset()
    return Recovery(jobs, seconds, most)
