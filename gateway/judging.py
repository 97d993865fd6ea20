"""Judge in the gateway, and put what was judged on record.  jobs -> [judging] -> verdicts, and their rows

Most jobs take the engine less time than a change of threads, and are judged where they came in. One thread judges what
would hold up the others: many subjects, large ones, and domains that read shared facts, of which all that wait are
read in one round trip. A job and its verdict are recorded in one commit, those of many requests together. As in a
worker, what is on record already stays: the answer is then the verdict that is there."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from sqlalchemy import Engine

from gateway.grouped import Grouped
from gateway.problems import RequestRefused
from gateway.request_bodies import MAX_SUBJECTS
from rulefarm.database import Ledger
from rulefarm.errors import DatabaseRejected, RulefarmError, VerdictPending
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from store.judged_jobs import JudgedJob, jobs_on_record, record_judged
from store.verdicts import store_verdict
from tasks.durable_rules import host_of
from tasks.judge import judge_job
from tasks.judge_together import judge_jobs
from tasks.judged_spans import trace_verdicts
from tasks.shared_facts import SharedFacts

#: Characters of facts that are judged where they came in.
_FEW_CHARACTERS = 20_000

_Answer = TypeVar("_Answer")


class Judging:
    """The engine and the ledger, for requests that come at once."""

    def __init__(self, ledger: Ledger, shared: SharedFacts | None, name: str, threads: ThreadPoolExecutor) -> None:
        """Start nothing yet.

        Args:
            ledger: of the farm.
            shared: where the shared facts are, if anywhere.
            name: of the gateway, as verdicts name who judged.
            threads: for what waits for Postgres by itself.
        """
        self._ledger = ledger
        self._database: Engine = ledger.engine
        self._shared = shared
        self._name = name
        self._threads = threads
        self._judge: Grouped[tuple[LoadedRuleset, JobMessage], Verdict] = Grouped(
            "judge", self._judge_group, most=MAX_SUBJECTS
        )
        self._record: Grouped[JudgedJob, bool] = Grouped("record", self._record_group)

    async def judge(self, loaded: LoadedRuleset, messages: Sequence[JobMessage]) -> list[Verdict]:
        """Judge, and record nothing.

        Args:
            loaded: the ruleset of their domain.
            messages: the jobs.

        Raises:
            RequestRefused: the domain judges by the events of a key, of which each job is one.
            FactsUnreachable, SettingsError: as `tasks.judge.judge_job`.
        """
        if loaded.schema.streams:
            raise RequestRefused(
                "needs-record",
                f"{loaded.domain} judges by the recent events of a key, and every job becomes one of them",
                "leave durable=false out",
            )
        judged = await self._judged(loaded, messages)
        if messages[0].traceparent is not None:
            trace_verdicts(judged, {message.job_id: messages[0].traceparent for message in messages}, attempt=None)
        return judged

    async def judge_durably(self, loaded: LoadedRuleset, messages: Sequence[JobMessage]) -> list[Verdict]:
        """Judge jobs and put them on record with their verdicts.

        Args:
            loaded: the ruleset of their domain.
            messages: the jobs; the same one may be among them twice.

        Returns:
            The verdicts on record.

        Raises:
            VerdictPending: a job was submitted before, and a worker has it in hand.
            JobDead: it was, and is not tried any more.
            DatabaseUnreachable: ask again, with the same keys: what was recorded is not judged again.
            FactsUnreachable, SettingsError: as `tasks.judge.judge_job`.
        """
        distinct = {message.job_id: message for message in messages}
        known = {}
        if loaded.schema.streams:
            # Its event is of the instant that it was first judged at, and stands in a window since.
            known = await self._run(lambda: jobs_on_record(self._database, distinct.keys()))
        fresh = [message for message in distinct.values() if message.job_id not in known]
        judged = await self._judged(loaded, fresh)
        pairs = [JudgedJob(verdict, message.facts) for verdict, message in zip(judged, fresh, strict=True)]
        judged_ns = time.time_ns()
        recorded = await self._record.ask(*pairs)
        if fresh and fresh[0].traceparent is not None:
            traces = {message.job_id: fresh[0].traceparent for message in fresh}
            trace_verdicts(judged, traces, (judged_ns, time.time_ns()), attempt=None)
        verdicts = {each.verdict.id: each.verdict for each, is_new in zip(pairs, recorded, strict=True) if is_new}
        for job_id, message in distinct.items():
            if job_id not in verdicts:
                verdicts[job_id] = await self._settled(loaded, message)
        return [verdicts[message.job_id] for message in messages]

    def close(self) -> None:
        """Let go of the threads, once they are done."""
        self._judge.close()
        self._record.close()

    async def _judged(self, loaded: LoadedRuleset, messages: Sequence[JobMessage]) -> list[Verdict]:
        is_plain = not loaded.schema.is_shared and host_of(loaded.program) is None
        if is_plain and len(messages) == 1 and len(messages[0].facts) <= _FEW_CHARACTERS:
            return [judge_job(loaded, messages[0], self._name)]
        return await self._judge.ask(*((loaded, message) for message in messages))

    async def _settled(self, loaded: LoadedRuleset, message: JobMessage) -> Verdict:
        """The verdict of a job that was on record already."""
        found = await self._run(lambda: self._ledger.answer(message.job_id))
        if found is not None:
            return found
        rows = await self._run(lambda: jobs_on_record(self._database, [message.job_id]))
        if message.job_id in rows:
            # Open: it waits for a worker, as a first delivery does that was lost. This is as good a one.
            as_of, enqueued_at = rows[message.job_id]
            [verdict] = await self._judged(loaded, [replace(message, as_of=as_of, enqueued_at=enqueued_at)])
            if await self._run(lambda: store_verdict(self._database, verdict)):
                return verdict
            found = await self._run(lambda: self._ledger.answer(message.job_id))
        if found is None:
            raise VerdictPending(
                "verdict-pending", f"job {message.job_id} is in the hands of a worker", "ask for it: GET /v1/jobs/ID"
            )
        return found

    async def _run(self, call: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _judge_group(self, asked: Sequence[tuple[LoadedRuleset, JobMessage]]) -> list[Verdict | Exception]:
        answers: list[Verdict | Exception] = []
        for _, group in groupby(asked, key=lambda pair: id(pair[0])):
            pairs = list(group)
            loaded, messages = pairs[0][0], [message for _, message in pairs]
            try:
                answers += judge_jobs(loaded, messages, self._name, self._shared)
            except RulefarmError as error:
                answers += [error] * len(pairs)
            except Exception:  # Whatever it is, one of them is to blame, and fails alone.
                answers += [self._judged_alone(loaded, message) for message in messages]
        return answers

    def _judged_alone(self, loaded: LoadedRuleset, message: JobMessage) -> Verdict | Exception:
        try:
            return judge_job(loaded, message, self._name, self._shared)
        except Exception as error:
            return error

    def _record_group(self, judged: Sequence[JudgedJob]) -> list[bool | Exception]:
        # Two requests for one job: the second finds it on record.
        first = {each.verdict.id: each for each in reversed(judged)}
        outcome: dict[uuid.UUID, bool | Exception]
        try:
            new = record_judged(self._database, list(first.values()))
            outcome = {job_id: job_id in new for job_id in first}
        except DatabaseRejected:
            # One of them can't be stored, and Postgres does not say which.
            outcome = {job_id: self._recorded_alone(each) for job_id, each in first.items()}
        return [
            found if first[each.verdict.id] is each or isinstance(found, Exception) else False
            for each in judged
            for found in (outcome[each.verdict.id],)
        ]

    def _recorded_alone(self, judged: JudgedJob) -> bool | Exception:
        try:
            return bool(record_judged(self._database, [judged]))
        except DatabaseRejected as error:
            return error
