"""Count an attempt whose process died, and free its lease.  workers.consumer.request -> [worker_lost] -> store

Runs in a thread of the worker's main process, which must not stop for it: what can't be written now is found by the
reconciler when the lease ends."""

import logging
from collections.abc import Mapping
from typing import Any

from rulefarm.messaging import ChunkMessage, JobMessage
from rulefarm.routing import EVALUATE_CHUNK, EVALUATE_JOB
from store.attempts import fail_job
from store.chunk_attempts import fail_chunk
from store.dead_letters import Failure
from store.job_groups import free_lost_group, holder
from tasks.worker_context import current

log = logging.getLogger("rulefarm.tasks")


def record_worker_lost(
    task: str, kwargs: Mapping[str, Any], worker: str, failure: Failure, *, pid: int | None = None
) -> None:
    """Count the attempts that ended with a process.

    Args:
        task: name of the task.
        kwargs: of its message.
        worker: that the process belonged to.
        failure: how it ended.
        pid: of the process: the jobs that it had claimed together are freed. Default: it had begun none.
    """
    context = current()
    engine = context.database
    try:
        if pid is not None:
            freed = free_lost_group(engine, holder(worker, pid), failure)
            if freed:
                log.warning("%d jobs that a lost process had claimed together are tried alone", freed)
        if task == EVALUATE_JOB:
            job = JobMessage.from_kwargs(kwargs)
            fail_job(engine, job.job_id, context.terms(worker), failure, job=job.missing_row())
        elif task == EVALUATE_CHUNK:
            chunk = ChunkMessage.from_kwargs(kwargs)
            fail_chunk(engine, chunk.batch, chunk.n, context.terms(worker, chunk=True), failure)
    # Whatever it is, nobody above this thread would say so.
    except Exception as error:
        log.warning("a process was lost, and that could not be recorded: %s", error)
