"""The face of the farm for an order service.  facts -> [farm] -> job row and message; verdict row -> [farm] -> verdict

    farm = Farm.from_env()
    job = farm.submit("payment", {"Order": {...}}, key="4711")
    verdict = job.wait(timeout=5)

Writes the row first and sends its message then: a job that `submit` accepted is judged, whatever dies afterwards.
Judges nothing itself. Safe to share between threads, and to go on with after a fork."""

import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rulefarm.errors import DatabaseUnreachable, NotFound, SettingsError
from rulefarm.jobs import Batch, Job, id_of, new_jobs
from rulefarm.known_domains import KnownDomains
from rulefarm.messaging import MessageSender, TaskMessage, create_app, job_message
from rulefarm.optional_imports import require_extra
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from rulefarm.tracing import traced
from rulefarm.verdict import Verdict
from rulefarm.waiting import wait_for

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from rulefarm.database import Ledger


class Farm:
    """A producer's connection to a farm.

    Args:
        settings: where the farm is. Without a database_url the facts travel in the message alone, and a job is only as
            durable as the broker.

    Raises:
        SettingsError: nothing names a broker, or a database is named and `rulefarm[ledger]` is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app = create_app(settings)
        self.ledger: Ledger | None = None
        if settings.database_url:
            # An optional extra: a producer without a database needs no SQLAlchemy.
            self.ledger = require_extra("rulefarm.database", "ledger").Ledger(settings)
            self.app.farm_id = self.ledger.farm_id
        count_open = self.ledger.count_open if self.ledger else None
        self._sender = MessageSender(self.app, limit=settings.queue_limit, count_open=count_open)
        self._facts: ReferenceFacts | None = None
        self._domains = KnownDomains(self.ledger)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Farm":
        """A farm as the environment describes it; see `Settings`."""
        return cls(Settings.from_env(os.environ if environ is None else environ))

    @property
    def facts(self) -> ReferenceFacts:
        """The reference facts that jobs are judged with: put, get, delete, list.

        Raises:
            SettingsError: nothing names a Redis to keep them in.
        """
        if self._facts is None:
            self._facts = ReferenceFacts(self.settings.require_facts())
        return self._facts

    @traced("submit")
    def submit(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        connection: "Connection | Session | None" = None,
        wait_for_room: float | None = 0.0,
    ) -> Job:
        """Take one job.

        Args:
            domain: who judges: pricing, promotion, payment …
            facts: fact name to object, or to a list of objects.
            key: what is judged, say the order's number. The same key with the same facts (and the same `as_of`, if one
                is given) is the same job: submitted twice, it gets one verdict. Without a key every call is a new job.
            as_of: the instant to judge at, with a time zone. Default: now.
            connection: a SQLAlchemy connection or session of the caller's, on the farm's database: the job is written
                in its transaction, and exists if and only if that is committed. Its message is sent by the reconciler,
                or by `send` after the commit. Default: a transaction of its own, and a message at once.
            wait_for_room: seconds to wait while the queue is full; None waits for ever. Default: not at all.

        Returns:
            The job. It is on record, and will be judged even if the broker is away at this moment (`job.sent` tells).

        Raises:
            JobRejected: unknown domain, or facts or key that can't be taken.
            QueueFull: `queue_limit` jobs wait for the queue; DatabaseUnreachable. Nothing was kept; submit again.
            BrokerUnreachable: only for a farm without a database: nothing was kept; submit again.
        """
        [(job, text)] = new_jobs(domain, [(facts, key)], as_of=as_of, on_record=self.ledger is not None, farm=self)
        self._domains.check(domain)
        if connection is not None:
            # In the end it may not exist: neither its message nor a free slot for one is a matter of now.
            return replace(self.require_ledger().add_within(connection, job, text), sent=False)
        queue = queue_name(domain)
        self._sender.wait_for_slot(queue, wait_for_room)
        wanted = self._sender.wanted(queue)
        recorded = self.ledger.add(job, text, sent=wanted > 0) if self.ledger else job
        return replace(recorded, sent=self._send([job_message(recorded, text)][:wanted], jobs_of=[job.id]))

    @traced("submit")
    def submit_many(
        self,
        domain: str,
        items: Iterable[Mapping[str, Any] | tuple[str | None, Mapping[str, Any]]],
        *,
        as_of: datetime | None = None,
        wait_for_room: float | None = 0.0,
    ) -> list[Job]:
        """Take many jobs at once, all or none; they go to the bulk queue, behind no interactive job.

        Args:
            domain: who judges.
            items: facts, or pairs of key and facts.
            as_of: as for `submit`.
            wait_for_room: as for `submit`. Once there is room for one all are taken.

        Returns:
            One job an item, in order.

        Raises:
            JobRejected: an item can't be taken; nothing was kept. Otherwise as `submit`.
        """
        pairs = [(item[1], item[0]) if isinstance(item, tuple) else (item, None) for item in items]
        new = new_jobs(domain, pairs, as_of=as_of, on_record=self.ledger is not None, farm=self)
        self._domains.check(domain)
        queue = queue_name(domain, bulk=True)
        self._sender.wait_for_slot(queue, wait_for_room)
        wanted = self._sender.wanted(queue)
        recorded = list(new) if self.ledger is None else self.ledger.add_many(new, sent=wanted)
        messages = [job_message(job, text, bulk=True) for job, text in recorded[:wanted]]
        sent = self._send(messages, jobs_of=[job.id for job, _ in recorded[:wanted]])
        return [job if sent else replace(job, sent=False) for job, _ in recorded]

    def send(self, *jobs: Job) -> bool:
        """Send the messages of jobs, after the commit of the transaction that `submit` wrote them in.

        Args:
            jobs: what `submit` returned.

        Returns:
            Whether all were sent; if not, the reconciler does it.

        Raises:
            DatabaseUnreachable: none was sent.
            SettingsError: no database is named.
        """
        return self._sender.send(self.require_ledger().messages([job.id for job in jobs]))

    def evaluate(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        timeout: float | None = 30.0,
    ) -> Verdict:
        """Submit one job and wait for its verdict.

        Args:
            domain: as for `submit`, likewise facts, key and as_of.
            facts: fact name to object, or to a list of objects.
            key: what is judged. Default: every call is a new job.
            as_of: the instant to judge at. Default: now.
            timeout: seconds to wait for the verdict; None waits for ever.

        Raises:
            VerdictPending: none came in time; the job is still on record.
            JobDead: none will come. Otherwise as `submit`.
        """
        return self.submit(domain, facts, key=key, as_of=as_of).wait(timeout)

    def submit_batch(
        self,
        domain: str,
        source: str | os.PathLike[str],
        *,
        subject: str | None = None,
        key: str | None = None,
        as_of: datetime | None = None,
        strict: bool = False,
        sheet: str | None = None,
        encoding: str | None = None,
        decimal: str | None = None,
    ) -> Batch:
        """Take every row of a file as a subject to judge. Needs `rulefarm[batch]`; docs/batch.md has all about sources.

        Args:
            domain: who judges.
            source: a csv, xlsx, parquet or jsonl file, a folder of parts, or a .sql file, asked of `source_url`.
            subject: the column that names the subject (for whole facts a path, `Order.order_id`). Default: the first.
            key: the same key is the same batch, submitted twice or not. Default: every call is a new batch.
            as_of: the instant to judge at. Default: now.
            strict: refuse a source whose columns and the domain's fields do not match. Default: `Batch.remarks` has it.
            sheet: of a workbook. Default: the first that is not hidden.
            encoding: of text. Default: UTF-8.
            decimal: what decimals stand behind in text. Default: as the domain says.

        Returns:
            The batch: its chunks are on record.

        Raises:
            JobRejected: unknown domain.
            SourceRejected: it can't be read as docs/batch.md says; on record is a batch that failed.
            DatabaseUnreachable: nothing was kept.
            SettingsError: no database is named: a batch needs one.
        """
        engine = self.require_ledger().engine
        self._domains.check(domain)
        # An optional extra: a producer that sends no batches needs no polars.
        batches = require_extra("rulefarm.batch", "batch")
        options = batches.SourceOptions(subject=subject, sheet=sheet, encoding=encoding, decimal=decimal)
        terms = batches.BatchTerms(key=key, as_of=as_of, strict=strict)
        how = {"free_slots": self.free_slots(domain), "options": options, "terms": terms}
        return self.send_batch(*batches.record_batch(engine, self.settings, domain, source, **how))

    def free_slots(self, domain: str) -> int:
        """Messages that the bulk queue of a domain may still take; all that it may hold while the broker is away."""
        return self._sender.free_slots(queue_name(domain, bulk=True))

    def send_batch(self, batch: Batch, messages: list[TaskMessage]) -> Batch:
        """Send the messages of a batch that is on record; gives the batch, with whether they were sent.

        Args:
            batch: as recorded.
            messages: of as many of its chunks as the queue takes.
        """
        return replace(batch, sent=self._send(messages, batch=batch.id), farm=self)

    def _send(self, messages: list[TaskMessage], **of: Any) -> bool:
        sent = self._sender.send(messages)
        # What could not be sent is due at once; if the database can't be told now, after the grace.
        with suppress(DatabaseUnreachable):
            if messages and not sent and self.ledger:
                self.ledger.mark_unsent(**of)
        return sent

    def wait(self, job: Job, timeout: float | None = 30.0) -> Verdict:
        """Wait for the verdict of a job; see `Job.wait`.

        Args:
            job: as `submit` returned it.
            timeout: seconds; None waits for ever.

        Raises:
            VerdictPending, JobDead: as `Job.wait`.
        """
        return wait_for(job, self.app, self.ledger, timeout)

    def verdict(self, job_id: uuid.UUID | str) -> Verdict | None:
        """The verdict of a job, or of a row of a batch; None while there is none yet.

        Args:
            job_id: the job's id.

        Raises:
            NotFound: no job of that id is on record.
            JobDead: it is a dead letter.
            SettingsError: no database is named.
        """
        ledger, wanted = self.require_ledger(), id_of(job_id)
        verdict = ledger.answer(wanted)
        if verdict is None and not ledger.has_job(wanted):
            raise NotFound("no-such-job", f"no job {wanted} is on record")
        return verdict

    def batch(self, batch_id: uuid.UUID | str) -> dict[str, Any]:
        """A batch's row: id, domain, source, rows, chunks, as_of, state, enqueued_at, finished_at, outcomes.

        Raises:
            NotFound: no such batch.
            SettingsError: no database is named.
        """
        return self.require_ledger().batch(id_of(batch_id))

    def require_ledger(self) -> "Ledger":
        """The producer's side of Postgres.

        Raises:
            SettingsError: no database is named.
        """
        if self.ledger is None:
            raise SettingsError("no-database", "it needs the database, and none is named", "set RULEFARM_DATABASE_URL")
        return self.ledger

    def close(self) -> None:
        """Close the connections."""
        self.app.close()
        if self._facts:
            self._facts.close()
        if self.ledger:
            self.ledger.engine.dispose()

    def __enter__(self) -> "Farm":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
