"""The two tasks that judge.  message -> [evaluate] -> judge -> verdict row, result -> drain

Store first, acknowledge after: a crash in between repeats the task, and the closed row makes the repeat harmless. A
repeat is counted before it starts, so that what kills its workers ends as a dead letter. A database that is away is
waited out; a message that makes no sense is a dead letter at once."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from rulefarm.database import read_verdict, waited_s
from rulefarm.errors import BrokerUnreachable, DatabaseUnreachable, FarmUnreachable, JobRejected
from rulefarm.messaging import (
    ChunkMessage,
    JobMessage,
    TaskMessage,
    send_messages,
)
from rulefarm.routing import queue_name
from rulefarm.tracing import TRACEPARENT, checked_traceparent, is_on
from rulefarm.verdict import Verdict
from store.attempts import begin_job, claim_job, fail_job
from store.chunk_attempts import Claim, claim_chunk, fail_chunk, postpone_chunk
from store.dead_letters import Failure, record_message
from store.verdicts import store_chunk, store_verdict
from tasks.drain import drain
from tasks.job_results import put_results
from tasks.judge import judge_chunk, judge_job
from tasks.judged_spans import trace_chunk, trace_failed_chunk, trace_failed_job, trace_verdicts
from tasks.program_versions import RulesetUnusable
from tasks.retry import pause_s
from tasks.worker_context import WorkerContext, current

log = logging.getLogger("rulefarm.tasks")

_Message = TypeVar("_Message", JobMessage, ChunkMessage)


def evaluate_job(task: Task, **kwargs: Any) -> dict[str, Any] | None:
    """Judge one job and record its verdict; then judge what else waits for the same queue.

    Args:
        task: the running Celery task.
        kwargs: as `JobMessage.to_kwargs` writes them.

    Returns:
        outcome: of the verdict on record, this one or the one that was there first; None for a job that has none yet:
        dead, failed this time, or leased by another worker; and for one that whoever drained had taken before its first
        message came. drained: how many other jobs got their verdicts. None altogether for a message that is refused.
    """
    context, worker, began, waited = current(), task.request.hostname, time.monotonic(), waited_s()
    attempt, verdict = 1, None
    try:
        message = _read(task, JobMessage.from_kwargs, kwargs)
        if message is None:
            return None
        if is_on() and TRACEPARENT in (trace := _trace_of(task)):
            message = replace(message, traceparent=trace[TRACEPARENT])
        attempt = message.attempt or 1
        if message.times_sent > 1 or _is_redelivered(task):
            claimed = _claim_job(context, message, worker)
            if claimed is not None:
                attempt = claimed
                verdict = _judge_job(task, context, message, attempt, waited)
            else:
                verdict = _recorded(context, message)
        elif _is_begun(context, message, worker):
            verdict = _judge_job(task, context, message, attempt, waited)
    except (FarmUnreachable, SoftTimeLimitExceeded) as error:
        _retry(task, error, kwargs, attempt)
    if verdict is not None:
        # Before the others: somebody may wait for it.
        put_results(context.app, [verdict])
    drained = 0
    if message.domain in context.rulesets:
        until = _last_group_at(context, began, context.settings.job_time_limit_s)
        drained = drain(context, message.domain, worker, bulk=_is_bulk(task, message.domain), until=until)
    return {"outcome": verdict and verdict.outcome, "drained": drained}


def evaluate_chunk(task: Task, **kwargs: Any) -> int | None:
    """Judge one chunk and record its verdicts.

    Args:
        task: the running Celery task.
        kwargs: as `ChunkMessage.to_kwargs` writes them.

    Returns:
        How many verdicts were new; None for a chunk that is closed, not on record, failed this time, or leased by
        another worker.
    """
    context, worker, began, waited = current(), task.request.hostname, time.monotonic(), waited_s()
    engine, terms = context.database, context.terms(worker, chunk=True)
    attempt = None
    try:
        message = _read(task, ChunkMessage.from_kwargs, kwargs)
        if message is None:
            return None
        attempt = message.attempt
        claim = claim_chunk(engine, message.batch, message.n, terms, attempt=attempt)
        if not isinstance(claim, Claim):
            _send_parts(context, claim)
            return None
        attempt = claim.attempt
        try:
            domain, began_ns = claim.chunk["domain"], time.time_ns()
            rows = judge_chunk(context.ruleset(domain, claim.chunk["digest"]), claim.chunk, worker, context.shared)
            judged_ns = time.time_ns()
            stored = store_chunk(engine, message.batch, message.n, rows, attempt=attempt)
            trace_chunk(claim.chunk, rows, began_ns, (judged_ns, time.time_ns()), attempt=attempt)
        except FarmUnreachable:
            raise
        except RulesetUnusable as error:
            failure = Failure.of(error)
            log.error(
                "chunk %d of batch %s waits for a worker that can judge it: %s", message.n, message.batch, failure
            )
            trace_failed_chunk(claim.chunk, failure, began_ns, attempt=attempt)
            postpone_chunk(engine, message.batch, message.n, terms, failure, attempt=attempt)
            return None
        except Exception as error:
            _blame_who_kept_it_waiting(task, error, waited)
            failure = _failure_of(error)
            log.error("chunk %d of batch %s, attempt %d: %s", message.n, message.batch, attempt, failure)
            trace_failed_chunk(claim.chunk, failure, began_ns, attempt=attempt)
            _send_parts(context, fail_chunk(engine, message.batch, message.n, terms, failure, attempt=attempt))
            return None
    except (FarmUnreachable, SoftTimeLimitExceeded) as error:
        _retry(task, error, kwargs, attempt)
    # A long queue of chunks keeps no single job waiting to its end.
    until = _last_group_at(context, began, context.settings.chunk_time_limit_s)
    drain(context, domain, worker, bulk=True, until=until)
    return stored


def _last_group_at(context: WorkerContext, began: float, limit_s: float) -> float:
    """When no group may begin any more: a job of it, which has a time limit of its own, would pay for what went before.

    Args:
        context: what this process works with.
        began: when the task began, by `time.monotonic`.
        limit_s: seconds that the task may take.
    """
    return began + max(limit_s / 4, limit_s - context.settings.job_time_limit_s)


def _judge_job(task: Task, context: WorkerContext, message: JobMessage, attempt: int, waited: float) -> Verdict | None:
    """The verdict on record; None if judging it failed."""
    worker = task.request.hostname
    try:
        verdict = judge_job(context.ruleset(message.domain, message.digest), message, worker, context.shared)
        judged_ns = time.time_ns()
        stored = store_verdict(context.database, verdict, attempt=attempt, job=message.missing_row())
        if stored and message.traceparent is not None:
            traces = {message.job_id: message.traceparent}
            trace_verdicts([verdict], traces, (judged_ns, time.time_ns()), attempt=attempt)
        if stored and context.shadow is not None:
            context.shadow.note(message, verdict)
    except FarmUnreachable:
        raise
    except Exception as error:  # Whatever it is, the job is to blame, and its attempts count.
        _blame_who_kept_it_waiting(task, error, waited)
        _fail_job(context, message, worker, attempt, error)
        return None
    return verdict if stored else _recorded(context, message)


def _read(
    task: Task, from_kwargs: Callable[[Mapping[str, Any]], _Message], kwargs: Mapping[str, Any]
) -> _Message | None:
    """The message; None, and a dead letter of it, if it can be none."""
    try:
        return from_kwargs(kwargs)
    except JobRejected as error:
        log.error("a message of task %s is refused [%s]: %s", task.name, error.code, error.message)
        failure = Failure(error.code, f"{task.name}: {error.message}")
        record_message(current().database, failure, worker=task.request.hostname, content=repr(kwargs))
        return None


def _is_redelivered(task: Task) -> bool:
    return bool((task.request.delivery_info or {}).get("redelivered"))


def _is_bulk(task: Task, domain: str) -> bool:
    return (task.request.delivery_info or {}).get("routing_key") == queue_name(domain, bulk=True)


def _is_begun(context: WorkerContext, message: JobMessage, worker: str) -> bool:
    """Whether the job of a first message is this process's; if not, whoever drained it has judged it or is about to."""
    if message.missing_row() is not None:
        # Nobody else has it: it gets its row with its verdict.
        return True
    return begin_job(context.database, message.job_id, worker, goes_on=message.attempt is not None)


def _claim_job(context: WorkerContext, message: JobMessage, worker: str) -> int | None:
    # A repeat is counted in the job's row, so there has to be one.
    terms, job = context.terms(worker), message.missing_row()
    return claim_job(context.database, message.job_id, terms, attempt=message.attempt, job=job)


def _fail_job(context: WorkerContext, message: JobMessage, worker: str, attempt: int, error: Exception) -> None:
    failure = _failure_of(error)
    log.error("job %s, attempt %d: %s", message.job_id, attempt, failure)
    trace_failed_job(message.job_id, message.domain, message.traceparent, failure, attempt=attempt)
    terms, job = context.terms(worker), message.missing_row()
    if fail_job(context.database, message.job_id, terms, failure, attempt=attempt, job=job):
        log.error("job %s is a dead letter now", message.job_id)


def _recorded(context: WorkerContext, message: JobMessage) -> Verdict | None:
    recorded = read_verdict(context.database, message.job_id)
    if recorded is None:
        log.warning("job %s is unknown, dead, or leased by another worker: its message is dropped", message.job_id)
    return recorded


def _blame_who_kept_it_waiting(task: Task, error: Exception, waited: float) -> None:
    """If the time ran out while Postgres was waited for, that is no fault of the job.

    Args:
        task: that ran.
        error: that ended it.
        waited: seconds that this process had waited for Postgres before the task began.

    Raises:
        DatabaseUnreachable: it is so.
    """
    kept_s = waited_s() - waited
    if isinstance(error, SoftTimeLimitExceeded) and kept_s > (task.soft_time_limit or 0) / 2:
        raise DatabaseUnreachable(
            "database-unreachable", f"Postgres kept it waiting for {kept_s:.1f} s, until its time was up"
        ) from error


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, SoftTimeLimitExceeded):
        return Failure("time-limit", "judging it took too long")
    return Failure.of(error)


def _send_parts(context: WorkerContext, messages: list[TaskMessage]) -> None:
    """Send the messages of the parts of a chunk that was split.

    Args:
        context: what this process works with.
        messages: one a part.
    """
    try:
        send_messages(context.app, messages)
    except BrokerUnreachable as error:
        log.warning("%s; the reconciler sends the parts of a chunk", error)


def _trace_of(task: Task) -> dict[str, str]:
    trace = checked_traceparent(getattr(task.request, TRACEPARENT, None))
    return {} if trace is None else {TRACEPARENT: trace}


def _retry(
    task: Task, error: FarmUnreachable | SoftTimeLimitExceeded, kwargs: Mapping[str, Any], attempt: int | None
) -> NoReturn:
    if isinstance(error, SoftTimeLimitExceeded):
        # Not in judging, so in what comes before or after: a claim, or the row that says that it failed.
        error = DatabaseUnreachable("database-unreachable", "its time was up while Postgres was waited for")
    pause = pause_s(task.request.retries)
    log.warning("%s: %s; trying again in %g s", task.request.kwargsrepr, error, pause)
    # The same attempt goes on: the job is not to blame for a database that is away.
    again = {**kwargs, "attempt": attempt}
    raise task.retry(
        exc=error,
        headers={**task.app.farm_headers, **_trace_of(task)},
        countdown=pause,
        max_retries=None,
        kwargs=again,
        kwargsrepr=task.request.kwargsrepr,
        argsrepr="()",
    )
