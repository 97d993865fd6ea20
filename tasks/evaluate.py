"""The two tasks that judge.  message -> [evaluate] -> judge -> verdict row -> Celery result

Store first, acknowledge after: a crash in between repeats the task, and the closed row makes the repeat harmless. A
database that is away is waited out; nothing else is retried here, for the reconciler rings what stays open."""

import logging
import uuid
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from rulefarm.errors import RulefarmError
from store.open_work import read_chunk
from store.verdicts import store_chunk, store_verdict
from tasks.judge import judge_chunk, judge_job
from tasks.process import held
from tasks.retry import Retry, decide

log = logging.getLogger("rulefarm.tasks")


def evaluate_job(task: Task, **message: Any) -> dict[str, Any] | None:
    """Judge one job and record its verdict.

    Args:
        task: the running Celery task.
        message: what `rulefarm.bell.job_bell` sent.

    Returns:
        The verdict on record, as JSON: this one, or the one that was there first. None for a job that is not on record.
    """
    process = held()
    try:
        job_id = uuid.UUID(message["job_id"])
        # A later ring mostly means a busy queue, not a lost message: look before judging again.
        recorded = process.ledger.verdict(job_id) if message["rings"] > 1 else None
        if recorded is None:
            verdict = judge_job(process.ruleset(message["domain"]), message, task.request.hostname)
            facts = None if message["on_record"] else message["facts"]
            if store_verdict(process.ledger.engine, verdict, facts=facts):
                return verdict.to_json()
            recorded = process.ledger.verdict(job_id)
    except (RulefarmError, SoftTimeLimitExceeded) as error:
        _retry_or_raise(task, error, f"job {message.get('job_id')}")
    if recorded is None:
        log.warning("job %s is not on record: its message is dropped", message["job_id"])
    return recorded.to_json() if recorded else None


def evaluate_chunk(task: Task, batch: str, n: int) -> int | None:
    """Judge one chunk and record its verdicts.

    Args:
        task: the running Celery task.
        batch: the batch's id.
        n: which chunk of it.

    Returns:
        How many verdicts were new; None for a chunk that is done, or not on record.
    """
    process = held()
    try:
        chunk = read_chunk(process.ledger.engine, uuid.UUID(batch), n)
        if chunk is None or chunk["state"] != "open":
            return None
        rows = judge_chunk(process.ruleset(chunk["domain"]), chunk, task.request.hostname)
        return store_chunk(process.ledger.engine, chunk["batch"], n, rows)
    except (RulefarmError, SoftTimeLimitExceeded) as error:
        _retry_or_raise(task, error, f"chunk {n} of batch {batch}")


def _retry_or_raise(task: Task, error: BaseException, what: str) -> NoReturn:
    decision = decide(error, task.request.retries)
    if isinstance(decision, Retry):
        log.warning("%s: %s; trying again in %g s", what, error, decision.in_s)
        raise task.retry(exc=error, countdown=decision.in_s, max_retries=None)
    log.error("%s was not judged [%s]: %s; its row stays open", what, decision.code, error)
    raise error
