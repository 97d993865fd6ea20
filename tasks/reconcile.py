"""Ring again what was not heard.  jobs and chunks without a verdict -> [reconcile] -> bells

A beat task on the control queue. Safe to run twice at once; bounded per run; a broker that is away leaves everything
due. Makes the coming months' partitions on the side, so that no other clock is needed."""

import logging
from datetime import UTC, datetime

from celery import Task

from rulefarm.bell import ring
from rulefarm.depth import queue_depths
from rulefarm.errors import FarmUnreachable
from rulefarm.ledger import reachable
from rulefarm.routing import queue_name
from store.open_work import due
from store.partitions import ensure_partitions
from tasks.process import Process, held

log = logging.getLogger("rulefarm.tasks")

#: Messages in a queue that mean it has a backlog. Below, a ring too many costs less than a lost job's wait.
BACKLOG = 100


def reconcile(task: Task) -> int:
    """Ring for every job and chunk that is due.

    Args:
        task: the running Celery task.

    Returns:
        How many were rung; 0 as well when the database or the broker is away, for the next run is near.
    """
    process = held()
    settings = process.settings
    grace_s, limit = settings.reconcile_grace_s, settings.reconcile_limit
    try:
        busy = _busy_queues(process)
        with due(process.ledger.engine, grace_s=grace_s, limit=limit, busy=busy) as bells:
            rung = ring(process.app, bells) if bells else 0
        with reachable(process.ledger.engine), process.ledger.engine.begin() as connection:
            ensure_partitions(connection, datetime.now(UTC))
    except FarmUnreachable as error:
        log.warning("nothing rung: %s", error)
        return 0
    if rung:
        log.warning("rang again for %d jobs and chunks that had no verdict", rung)
    return rung


def _busy_queues(process: Process) -> list[tuple[str, bool]]:
    queues = {
        (domain, bulk): queue_name(domain, bulk=bulk) for domain in process.ledger.domains() for bulk in (False, True)
    }
    depths = queue_depths(process.app, queues.values())
    return [which for which, name in queues.items() if depths[name] > BACKLOG]
