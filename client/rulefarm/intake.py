"""What one farm does with work that is ready to be taken.  farm -> [intake] -> job row and message; verdict row

Row first, message then. Knows one farm, and no other region: to which of several it goes is for `rulefarm.regions` to
say. Makes no job and no id."""

import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rulefarm.errors import BrokerUnreachable, DatabaseUnreachable, NotFound, SettingsError
from rulefarm.jobs import Batch, Job
from rulefarm.known_domains import KnownDomains
from rulefarm.messaging import Ask, MessageSender, TaskMessage, at_once, create_app, job_message, warm_up_broker
from rulefarm.optional_imports import require_extra
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from rulefarm.waiting import Watch, wait_for, warm_up_results

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from rulefarm.database import Ledger


class Intake:
    """A producer's way into one farm. Safe to share between threads."""

    def __init__(self, settings: Settings, *, most_s: float | None = None) -> None:
        """Connect when first asked.

        Args:
            settings: where the farm is.
            most_s: seconds that a server of it may take to answer. Default: as for a farm without fallback.

        Raises:
            SettingsError: nothing names a broker, or a database is named and `rulefarm[ledger]` is not installed.
        """
        self.settings = settings
        limits = {} if most_s is None else {"most_s": most_s}
        self.app = create_app(settings, **limits)
        self.ledger: Ledger | None = None
        if settings.database_url:
            # An optional extra: a producer without a database needs no SQLAlchemy.
            self.ledger = require_extra("rulefarm.database", "ledger").Ledger(settings, **limits)
            self.app.farm_id = self.ledger.farm_id
        count_open = self.ledger.count_open if self.ledger else None
        self.sender = MessageSender(self.app, limit=settings.queue_limit, count_open=count_open)
        self._domains = KnownDomains(self.ledger)
        #: The process that has connections to the broker.
        self._warm_in = 0
        #: Has a question answered; one of several regions gives up when the region is silent.
        self.ask: Ask = at_once

    @property
    def broker_is_away(self) -> bool:
        """Whether the broker has just not answered."""
        return self.sender.is_away

    def warm_up(self, heard: Callable[[], None]) -> None:
        """Make the connections to the database, and read what every job needs of it.

        Args:
            heard: called after each answer.

        Raises:
            DatabaseUnreachable: no answer.
        """
        self.require_ledger().warm_up(heard)
        self._domains.read()
        heard()
        self.app.farm_id()

    def lateness_s(self) -> dict[str, float]:
        """For each published domain, seconds that the job that is due next has waited; see `database.lateness`.

        Raises:
            DatabaseUnreachable: no answer.
        """
        engine, grace_s = self.require_ledger().engine, self.settings.reconcile_grace_s
        found: dict[str, float] = require_extra("rulefarm.database", "ledger").lateness_s(engine, grace_s)
        return found

    def ask_broker(self) -> None:
        """Ask the broker, so that `broker_is_away` tells how it is now; first, make all connections to it."""
        if self._warm_in != os.getpid():
            with suppress(BrokerUnreachable):
                warm_up_broker(self.app)
                warm_up_results(self.app)
        self.sender.ask()
        self._warm_in = 0 if self.broker_is_away else os.getpid()

    def take(self, job: Job, text: str, wait_for_room: float | None) -> Job:
        """Take one job.

        Args:
            job: ready to be taken.
            text: its canonical facts.
            wait_for_room: seconds to wait while the queue is full; None waits for ever.

        Raises:
            JobRejected, QueueFull, DatabaseUnreachable, BrokerUnreachable: as `Farm.submit`.
        """
        self._domains.check(job.domain)
        self._domains.check_pin(job.domain, job.digest)
        job = self._homed(job)
        queue = queue_name(job.domain)
        self.sender.wait_for_slot(queue, wait_for_room)
        wanted = self.sender.wanted(queue)
        recorded = self.ledger.add(job, text, sent=wanted > 0) if self.ledger else job
        return replace(recorded, sent=self._send([job_message(recorded, text)][:wanted], jobs_of=[job.id]))

    def take_within(self, connection: "Connection | Session", job: Job, text: str) -> Job:
        """Write a job in a transaction of the caller's.

        Args:
            connection: on this farm's database; or a session.
            job: ready to be taken.
            text: its canonical facts.

        Raises:
            JobRejected, DatabaseUnreachable: as `Farm.submit`.
        """
        self._domains.check(job.domain)
        self._domains.check_pin(job.domain, job.digest)
        # In the end it may not exist: neither its message nor a free slot for one is a matter of now.
        return replace(self.require_ledger().add_within(connection, job, text), sent=False)

    def take_many(
        self, domain: str, new: Iterable[tuple[Job, str]], wait_for_room: float | None, digest: str | None = None
    ) -> list[Job]:
        """Take many jobs of one domain and one moment at once, all or none.

        Args:
            domain: who judges.
            new: jobs that are ready to be taken, with their canonical facts; each may be made when it is asked for.
            wait_for_room: as for `take`.
            digest: that all of them are pinned to. Default: to none.

        Raises:
            JobRejected, QueueFull, DatabaseUnreachable, BrokerUnreachable: as `Farm.submit_many`.
        """
        self._domains.check(domain)
        self._domains.check_pin(domain, digest)
        queue = queue_name(domain, bulk=True)
        self.sender.wait_for_slot(queue, wait_for_room)
        wanted, homed = self.sender.wanted(queue), ((self._homed(job), text) for job, text in new)
        recorded = list(homed) if self.ledger is None else self.ledger.add_many(homed, sent=wanted)
        messages = [job_message(job, text, bulk=True) for job, text in recorded[:wanted]]
        sent = self._send(messages, jobs_of=[job.id for job, _ in recorded[:wanted]])
        return [job if sent else replace(job, sent=False) for job, _ in recorded]

    def take_batch(self, domain: str, source: str | os.PathLike[str], options: Any, terms: Any) -> Batch:
        """Put a source on record as a batch.

        Args:
            domain: who judges.
            source: as for `Farm.submit_batch`.
            options: how it is to be read: `rulefarm.batch.SourceOptions`.
            terms: what the batch is: `rulefarm.batch.BatchTerms`.

        Raises:
            JobRejected, SourceRejected, DatabaseUnreachable, SettingsError: as `Farm.submit_batch`.
        """
        engine = self.require_ledger().engine
        self._domains.check(domain)
        batches = require_extra("rulefarm.batch", "batch")
        how = {"free_slots": self.free_slots(domain), "options": options, "terms": terms}
        return self.send_batch(*batches.record_batch(engine, self.settings, domain, source, **how))

    def free_slots(self, domain: str) -> int:
        """Messages that the bulk queue of a domain may still take; all that it may hold while the broker is away."""
        return self.sender.free_slots(queue_name(domain, bulk=True))

    def send_batch(self, batch: Batch, messages: list[TaskMessage]) -> Batch:
        """Send the messages of a batch that is on record; gives the batch, with whether they were sent.

        Args:
            batch: as recorded.
            messages: of as many of its chunks as the queue takes.
        """
        sent = self._send(messages, batch=batch.id)
        return replace(batch, sent=sent, farm=self, region=self.settings.region)

    def _homed(self, job: Job) -> Job:
        """A job as one of this farm's; its id and its instants stay."""
        return job if job.farm is self else replace(job, farm=self, region=self.settings.region)

    def _send(self, messages: list[TaskMessage], **of: Any) -> bool:
        sent = self.sender.send(messages)
        # What could not be sent is due at once; if the database can't be told now, after the grace.
        with suppress(DatabaseUnreachable):
            if messages and not sent and self.ledger:
                self.ledger.mark_unsent(**of)
        return sent

    def wait(self, job: Job, timeout: float | None = 30.0, *, silence_s: float | None = None) -> Verdict:
        """Wait for the verdict of a job of this farm; as `Job.wait`.

        Args:
            job: as it was taken.
            timeout: seconds; None waits for ever.
            silence_s: seconds after which a broker that says nothing is not waited for. Default: the row is looked at.
        """
        return wait_for(self.watch(job, timeout, silence_s=silence_s))

    def watch(self, job: Job, timeout: float | None, *, silence_s: float | None = None) -> Watch:
        """What looks for the verdict of a job of this farm; as `wait`.

        Args:
            job: as it was taken.
            timeout: seconds; None waits for ever.
            silence_s: as for `wait`.

        Raises:
            BrokerUnreachable: it has just not answered, and is not to be waited for.
        """
        if silence_s is not None and self.broker_is_away:
            raise BrokerUnreachable("broker-unreachable", "the broker has just not answered", "it is asked again soon")
        return Watch(job, self.app, self.ledger, timeout, silence_s=silence_s, ask=self.ask)

    def verdict(self, job_id: uuid.UUID) -> Verdict | None:
        """The verdict of a job, or of a row of a batch; None while there is none yet.

        Args:
            job_id: the job's id.

        Raises:
            NotFound, JobDead, SettingsError: as `Farm.verdict`.
        """
        ledger = self.require_ledger()
        verdict = ledger.answer(job_id)
        if verdict is None and not ledger.has_job(job_id):
            raise NotFound("no-such-job", f"no job {job_id} is on record")
        return verdict

    def batch(self, batch_id: uuid.UUID) -> dict[str, Any]:
        """A batch's row, and its region; as `Farm.batch`.

        Raises:
            NotFound, SettingsError: as `Farm.batch`.
        """
        return self.require_ledger().batch(batch_id) | {"region": self.settings.region}

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
        if self.ledger:
            self.ledger.engine.dispose()
