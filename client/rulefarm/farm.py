"""The face of the farm for an order service.  facts -> [farm] -> job row and message; verdict row -> [farm] -> verdict

    farm = Farm.from_env()
    job = farm.submit("payment", {"Order": {...}}, key="4711")
    verdict = job.wait(timeout=5)

Writes the row first and sends its message then: a job that `submit` accepted is judged, whatever dies afterwards.
Judges nothing itself. Safe to share between threads, and to go on with after a fork."""

import os
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from rulefarm.errors import FarmUnreachable
from rulefarm.intake import Intake
from rulefarm.jobs import Batch, Items, Job, id_of, new_jobs, pairs_of
from rulefarm.messaging import TaskMessage
from rulefarm.optional_imports import require_extra
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.regions import Regions, producer_regions
from rulefarm.seconds import wait_seconds
from rulefarm.settings import Settings
from rulefarm.tracing import traced
from rulefarm.verdict import Verdict

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from rulefarm.database import Ledger


class Farm:
    """A producer's connection to a farm.

    Args:
        settings: where the farm is. Without a database_url the facts travel in the message alone, and a job is only as
            durable as the broker. Default: as the environment says.
        region: whose farm it is, of those that the settings know. Default: `settings.region`.
        fallback: regions that take what this one does not, see docs/regions.md. Default: `settings.region_fallback`.

    Raises:
        SettingsError: nothing names a broker, or a database is named and `rulefarm[ledger]` is not installed; or a
            region is unknown.
    """

    def __init__(
        self, settings: Settings | None = None, *, region: str | None = None, fallback: Sequence[str] | None = None
    ) -> None:
        given = Settings.from_env(os.environ) if settings is None else settings
        names = producer_regions(given, region, fallback)
        self.settings = settings = given.in_region(names[0]) if names else given
        self._home = Intake(settings, most_s=settings.region_budget_s if len(names) > 1 else None)
        self.app, self.ledger = self._home.app, self._home.ledger
        others = [Intake(given.in_region(name), most_s=settings.region_budget_s) for name in names[1:]]
        self._regions = Regions([self._home, *others])
        self._facts: ReferenceFacts | None = None

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
        digest: str | None = None,
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
            digest: of the ruleset that judges, whole. Default: what is active when it is judged; the verdict names it.
            connection: a SQLAlchemy connection or session on the farm's database: the job exists if and only if its
                transaction is committed; then `send` it, or the reconciler does. Default: a transaction of its own.
            wait_for_room: seconds to wait while the queue is full; None waits for ever. Default: not at all.

        Returns:
            The job. It is on record, and will be judged even if the broker is away at this moment (`job.sent` tells).

        Raises:
            JobRejected: unknown domain or ruleset, or facts or key that can't be taken.
            QueueFull: `queue_limit` jobs wait for the queue; DatabaseUnreachable. Nothing was kept; submit again.
            BrokerUnreachable: only for a farm without a database: nothing was kept; submit again.
        """
        room_s = wait_seconds(wait_for_room, "wait_for_room")
        [(job, text)] = self._new(domain, [(facts, key)], as_of, digest)
        if connection is not None:
            return self._home.take_within(connection, job, text)
        return self._take(job, text, room_s)

    @traced("submit")
    def submit_many(
        self,
        domain: str,
        items: Iterable[Mapping[str, Any] | tuple[str | None, Mapping[str, Any]]],
        *,
        as_of: datetime | None = None,
        digest: str | None = None,
        wait_for_room: float | None = 0.0,
    ) -> list[Job]:
        """Take many jobs at once, all or none; they go to the bulk queue, behind no interactive job.

        Args:
            domain: who judges.
            items: facts, or pairs of key and facts.
            as_of: as for `submit`.
            digest: as for `submit`.
            wait_for_room: as for `submit`. Once there is room for one all are taken.

        Returns:
            One job an item, in order.

        Raises:
            JobRejected: an item can't be taken; nothing was kept. Otherwise as `submit`.
        """
        room_s = wait_seconds(wait_for_room, "wait_for_room")
        new = self._new(domain, list(pairs_of(items)), as_of, digest)
        # The next region takes what the one before has begun to.
        new = list(new) if self._regions.are_several else new
        return self._regions.take(domain, room_s, lambda farm, wait: farm.take_many(domain, new, wait, digest))

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
        return self._home.sender.send(self.require_ledger().messages([job.id for job in jobs]))

    def evaluate(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        digest: str | None = None,
        timeout: float | None = 30.0,
    ) -> Verdict:
        """Submit one job and wait for its verdict.

        Args:
            domain: as for `submit`, likewise facts, key, as_of and digest.
            facts: fact name to object, or to a list of objects.
            key: what is judged. Default: every call is a new job.
            as_of: the instant to judge at. Default: now.
            digest: of the ruleset that judges. Default: the active one.
            timeout: seconds to wait; None waits for ever.

        Raises:
            VerdictPending: none came in time; the job is still on record.
            JobDead: none will come. Otherwise as `submit`.
        """
        timeout = wait_seconds(timeout)
        [(job, text)] = self._new(domain, [(facts, key)], as_of, digest)
        ends = None if timeout is None else time.monotonic() + timeout
        taken = self._take(job, text, 0.0)
        try:
            return cast(Intake, taken.farm).wait(taken, timeout, silence_s=self._regions.silence_s)
        except FarmUnreachable as error:
            # Its region went away with it: the same job is judged by the next.
            self._regions.leave(taken.region, error)
            return self._take(job, text, 0.0).wait(None if ends is None else max(0.0, ends - time.monotonic()))

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
            The batch: its chunks are on record, and judged by the ruleset that is active now (`Batch.digest`).

        Raises:
            JobRejected: unknown domain.
            SourceRejected: it can't be read as docs/batch.md says; on record is a batch that failed.
            DatabaseUnreachable: nothing was kept.
            SettingsError: no database is named: a batch needs one.
        """
        self.require_ledger()
        # An optional extra: a producer that sends no batches needs no polars.
        batches = require_extra("rulefarm.batch", "batch")
        options = batches.SourceOptions(subject=subject, sheet=sheet, encoding=encoding, decimal=decimal)
        # A region that did not answer may have it: with a key it is the same batch in the next.
        terms = batches.BatchTerms(
            key=str(uuid.uuid4()) if key is None and self._regions.are_several else key, as_of=as_of, strict=strict
        )
        return self._regions.take(domain, 0.0, lambda farm, _: farm.take_batch(domain, source, options, terms))

    def free_slots(self, domain: str) -> int:
        """Messages that the bulk queue of a domain may still take; all that it may hold while the broker is away."""
        return self._home.free_slots(domain)

    def send_batch(self, batch: Batch, messages: list[TaskMessage]) -> Batch:
        """Send the messages of a batch that is on record; gives the batch, with whether they were sent.

        Args:
            batch: as recorded.
            messages: of as many of its chunks as the queue takes.
        """
        return self._home.send_batch(batch, messages)

    def wait(self, job: Job, timeout: float | None = 30.0) -> Verdict:
        """Wait for the verdict of a job; see `Job.wait`.

        Args:
            job: as `submit` returned it.
            timeout: seconds; None waits for ever.

        Raises:
            VerdictPending, JobDead: as `Job.wait`.
        """
        home = job.farm if isinstance(job.farm, Intake) else self._home
        return home.wait(job, timeout)

    def verdict(self, job_id: uuid.UUID | str) -> Verdict | None:
        """The verdict of a job, or of a row of a batch, in whichever region; None while there is none yet.

        Args:
            job_id: the job's id.

        Raises:
            NotFound: no job of that id is on record.
            JobDead: it is a dead letter.
            SettingsError: no database is named.
        """
        wanted = id_of(job_id)
        return self._regions.ask(lambda farm: farm.verdict(wanted))

    def batch(self, batch_id: uuid.UUID | str) -> dict[str, Any]:
        """A batch's row: id, domain, source, rows, chunks, as_of, state, enqueued_at, finished_at, outcomes.

        Raises:
            NotFound, SettingsError: no such batch; no database is named.
        """
        wanted = id_of(batch_id)
        return self._regions.ask(lambda farm: farm.batch(wanted))

    def require_ledger(self) -> "Ledger":
        """The producer's side of Postgres.

        Raises:
            SettingsError: no database is named.
        """
        return self._home.require_ledger()

    def _new(self, domain: str, items: Items, as_of: datetime | None, digest: str | None) -> Iterable[tuple[Job, str]]:
        pin: dict[str, str | None] = {"region": self.settings.region, "digest": digest}
        return new_jobs(domain, items, as_of=as_of, on_record=self.ledger is not None, farm=self._home, **pin)

    def _take(self, job: Job, text: str, wait_for_room: float | None) -> Job:
        return self._regions.take(job.domain, wait_for_room, lambda farm, wait: farm.take(job, text, wait))

    def close(self) -> None:
        """Close the connections."""
        self._regions.close()
        for farm in self._regions.farms:
            farm.close()
        if self._facts:
            self._facts.close()

    def __enter__(self) -> "Farm":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
