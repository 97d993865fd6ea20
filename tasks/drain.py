"""Judge what waits, many jobs at a time.  an awake worker -> [drain] -> claimed group -> verdicts -> closed jobs

The row is the truth and a message only wakes a worker: one that is awake takes what waits from Postgres, for as long as
its slice lasts, and wakes another if more is left. Each job is judged exactly as a single one; what fails, fails for
itself alone, and what was claimed and not begun is given back. Takes nothing that somebody has begun before."""

import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded

from rulefarm.errors import BrokerUnreachable, DatabaseRejected, DatabaseUnreachable, FarmUnreachable
from rulefarm.messaging import JobMessage, queue_depths, send_messages
from rulefarm.routing import queue_name
from rulefarm.tracing import is_on
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from store.attempts import fail_job
from store.dead_letters import Failure
from store.job_groups import ClaimedJob, claim_group, free_lost_group, give_back, holder, store_group
from store.pending_work import claim_due
from store.verdicts import store_verdict
from tasks.job_results import put_results
from tasks.judge import complete_jobs, judge_complete
from tasks.judged_spans import trace_failed_job, trace_verdicts
from tasks.program_versions import RulesetUnusable
from tasks.retry import pause_s
from tasks.shared_facts import CompleteFacts
from tasks.worker_context import WorkerContext

log = logging.getLogger("rulefarm.tasks")

#: Seconds of judging before no further job of a group is begun, and before no further group is claimed: what waits
#: elsewhere is delayed by little more. Not counted is what a claim waits for: on a busy machine that may be longer than
#: the slice, and a group of one job costs as much as one of many.
SLICE_S = 0.2
#: Seconds for which a job is left to its message alone. One that takes longer waits behind others, or in the hands of a
#: worker that is busy; and of many that wait, each would wait for as many slices.
MESSAGE_S = 0.02
#: Seconds from submit to verdict after which no result is kept: whoever still waits looks at the row by then, and twice
#: a second. A backlog's results would cost a sixth of its time, and hardly anybody waits for one.
YOUNG_S = 2.0
#: Messages that are sure to wake whoever has nothing to do. With fewer, of processes whose slices end together each
#: would count on the other's message, and all but one would sleep on beside a backlog.
ENOUGH = 4
#: Seconds between two tries to store what was judged, while the database is away: at first, and at most.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 2.0

_Answer = TypeVar("_Answer")


def drain(context: WorkerContext, domain: str, worker: str, *, bulk: bool, until: float | None = None) -> int:
    """Judge jobs of a domain that are due or whose message is late, until there is none or the slice is used.

    Args:
        context: what this process works with.
        domain: one that it serves.
        worker: name of its worker.
        bulk: whether to take the jobs of the bulk queue.
        until: when no group is begun any more, by `time.monotonic`. Default: the slice alone says so.

    Returns:
        How many verdicts were stored.
    """
    most = context.settings.group_size
    stored = 0
    began = time.monotonic()
    try:
        while until is None or time.monotonic() < until:
            group = _Group(context, context.ruleset(domain), worker, bulk=bulk)
            claimed = group.claim(domain, most)
            if claimed:
                stored += group.judge()
            if claimed < most and not group.gave_back:
                _shadow_when_idle(context, domain, worker, bulk=bulk)
                return stored
            if time.monotonic() - began > SLICE_S:
                break
        _wake_another(context, domain, bulk=bulk)
    except (FarmUnreachable, SoftTimeLimitExceeded) as error:
        # What is not given back is due when its lease ends, and is judged alone then.
        log.warning("%s: what waits is left to the next: %s", domain, error or type(error).__name__)
    except Exception:
        # Whatever it is, the message that woke this process is done with, and the reconciler still has to send others.
        log.exception("%s: what waits is left to the next", domain)
    return stored


class _Group:
    """Jobs that this process has claimed together."""

    def __init__(self, context: WorkerContext, loaded: LoadedRuleset, worker: str, *, bulk: bool) -> None:
        self._context = context
        self._engine = context.database
        self._loaded = loaded
        self._worker = worker
        self._bulk = bulk
        self._terms = context.terms(holder(worker, os.getpid()))
        #: When the leases began, or a little earlier.
        self._leased_at = time.monotonic()
        #: Claimed, and neither judged nor failed.
        self._open: dict[uuid.UUID, ClaimedJob] = {}
        #: Those that were begun, if drafts are to judge them too.
        self._noted: dict[uuid.UUID, JobMessage] = {}
        #: Of those that were submitted in a trace, its traceparent.
        self._traces: dict[uuid.UUID, str] = {}

    def claim(self, domain: str, most: int) -> int:
        """Claim as many as there are, and at most so many; gives how many."""
        ahead_s = self._context.settings.reconcile_grace_s - MESSAGE_S
        rows = claim_group(self._engine, domain, self._terms, bulk=self._bulk, most=most, ahead_s=ahead_s)
        self._open = {row.id: row for row in rows}
        if is_on():
            self._traces = {row.id: row.traceparent for row in rows if row.traceparent}
        return len(rows)

    @property
    def gave_back(self) -> bool:
        """Whether some of it was not begun, and is due again."""
        return bool(self._open)

    def judge(self) -> int:
        """Judge and store; gives how many verdicts are on record that were not before."""
        try:
            judged, failed = self._judge()
            judged_ns = time.time_ns()
            stored = self._patiently(lambda: self._store(judged))
            if self._traces:
                kept = [each for each in judged if each.id in stored]
                trace_verdicts(kept, self._traces, (judged_ns, time.time_ns()), attempt=1)
            if self._context.shadow is not None:
                for each in judged:
                    if each.id in stored:
                        self._context.shadow.note(self._noted[each.id], each)
            if stored and not self._bulk:
                put_results(self._context.app, [each for each in judged if each.id in stored and _is_young(each)])
            for job_id, failure in failed.items():
                self._fail(job_id, failure)
            return len(stored)
        except (FarmUnreachable, SoftTimeLimitExceeded):
            raise
        except Exception as error:  # Whatever it is, one of them is to blame: each is tried alone.
            log.exception("%d jobs that were claimed together are tried alone", len(self._open))
            free_lost_group(self._engine, self._terms.worker, Failure.of(error))
            self._open = {}
            return 0
        finally:
            give_back(self._engine, self._open, self._terms)

    def _judge(self) -> tuple[list[Verdict], dict[uuid.UUID, Failure]]:
        judged: list[Verdict] = []
        failed: dict[uuid.UUID, Failure] = {}
        spent_s = 0.0
        for digest, rows in self._by_pin().items():
            began = time.monotonic()
            try:
                loaded = self._loaded if digest is None else self._context.ruleset(self._loaded.domain, digest)
            except RulesetUnusable as error:
                # Nothing is wrong with its neighbours.
                failed |= dict.fromkeys((row.id for row in rows), Failure.of(error))
                for row in rows:
                    del self._open[row.id]
                if isinstance(error.__context__, SoftTimeLimitExceeded):
                    break
                continue
            # Not counted is what the shared facts take; what a program takes to compile is, once a job was judged.
            compiled_s = time.monotonic() - began
            # They are read in one round trip. Without them each is read when it is begun: many are given back unread.
            read = self._read(loaded, rows) if loaded.schema.is_shared else {}
            began = time.monotonic() - compiled_s
            for row in rows:
                if (judged or failed) and spent_s + time.monotonic() - began > SLICE_S:
                    return judged, failed
                try:
                    message, complete = read[row.id] if read else self._read(loaded, [row])[row.id]
                    judged.append(judge_complete(loaded, message, complete, self._worker))
                    if self._context.shadow is not None:
                        self._noted[row.id] = message
                except SoftTimeLimitExceeded:
                    failed[row.id] = Failure("time-limit", "judging it took too long")
                    del self._open[row.id]
                    return judged, failed
                except Exception as error:  # Whatever it is, this job is to blame, and its attempts count.
                    failed[row.id] = Failure.of(error)
                del self._open[row.id]
            spent_s += time.monotonic() - began
        return judged, failed

    def _read(
        self, loaded: LoadedRuleset, rows: Sequence[ClaimedJob]
    ) -> dict[uuid.UUID, tuple[JobMessage, CompleteFacts]]:
        """Jobs as their rows have them, each with its facts and the shared ones."""
        messages = [JobMessage.of_row(row) for row in rows]
        facts = complete_jobs(loaded, messages, self._context.shared)
        return {message.job_id: (message, each) for message, each in zip(messages, facts, strict=True)}

    def _by_pin(self) -> dict[str | None, list[ClaimedJob]]:
        """The jobs by the digest that they are pinned to; None: to none."""
        by_pin: dict[str | None, list[ClaimedJob]] = {}
        for row in self._open.values():
            by_pin.setdefault(row.digest, []).append(row)
        return by_pin

    def _store(self, judged: Sequence[Verdict]) -> set[uuid.UUID]:
        try:
            return store_group(self._engine, judged)
        except DatabaseRejected:
            # One of them can't be stored, and Postgres does not say which.
            return {verdict.id for verdict in judged if self._is_stored_alone(verdict)}

    def _is_stored_alone(self, verdict: Verdict) -> bool:
        try:
            return store_verdict(self._engine, verdict)
        except DatabaseRejected as error:
            self._fail(verdict.id, Failure.of(error))
            return False

    def _fail(self, job_id: uuid.UUID, failure: Failure) -> None:
        log.error("job %s, attempt 1: %s", job_id, failure)
        trace_failed_job(job_id, self._loaded.domain, self._traces.get(job_id), failure, attempt=1)
        terms = self._context.terms(self._worker)
        if self._patiently(lambda: fail_job(self._engine, job_id, terms, failure, attempt=1)):
            log.error("job %s is a dead letter now", job_id)

    def _patiently(self, write: Callable[[], _Answer]) -> _Answer:
        """What was judged is stored as soon as the database is back, if that is before the leases end."""
        give_up = self._leased_at + self._terms.lease_s
        for tries in count():
            try:
                return write()
            except DatabaseUnreachable as error:
                pause = pause_s(tries, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
                if time.monotonic() + pause > give_up:
                    raise
                log.warning("%s; trying again in %g s", error, pause)
                time.sleep(pause)
        raise AssertionError("unreachable")


def _is_young(verdict: Verdict) -> bool:
    return (verdict.evaluated_at - verdict.enqueued_at).total_seconds() < YOUNG_S


def _shadow_when_idle(context: WorkerContext, domain: str, worker: str, *, bulk: bool) -> None:
    """Have drafts judge, if nothing waits: neither is a job due, nor is a message in the queue."""
    if context.shadow is not None:
        queue = queue_name(domain, bulk=bulk)
        context.shadow.judge(worker, lambda: not queue_depths(context.app, [queue])[queue])


def _wake_another(context: WorkerContext, domain: str, *, bulk: bool) -> None:
    """Send the message of one job that is due, if one is: whoever takes it goes on."""
    queue = queue_name(domain, bulk=bulk)
    try:
        # Messages that wait wake somebody as well. Each that is sent beside them would be taken when all is judged.
        if queue_depths(context.app, [queue])[queue] >= ENOUGH:
            return
        with claim_due(
            context.database, domain, bulk=bulk, grace_s=context.settings.reconcile_grace_s, limit=1
        ) as messages:
            send_messages(context.app, messages)
    except BrokerUnreachable as error:
        log.warning("%s; the reconciler wakes the next worker", error)
