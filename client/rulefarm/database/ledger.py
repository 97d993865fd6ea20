"""A producer's side of Postgres: job rows in, verdict rows out.  farm -> [ledger] -> jobs, verdicts

Needs the extra `rulefarm[ledger]`. Every write is one statement or one transaction, and can be repeated. Judges
nothing and sends nothing."""

import json
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Interval, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from rulefarm.database.alone import again_once, as_text, execute_alone
from rulefarm.database.batch_record import read_batch
from rulefarm.database.connection import connect, translate_errors
from rulefarm.database.identity import FarmIdentity
from rulefarm.database.many_jobs import take_in
from rulefarm.database.open_rows import still_open
from rulefarm.database.silence import SHORT_S
from rulefarm.database.tables import active_rulesets, chunks, jobs, rulesets, verdicts
from rulefarm.errors import JobDead, JobRejected
from rulefarm.jobs import Job
from rulefarm.messaging import JobMessage, TaskMessage
from rulefarm.routing import domain_of_queue
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def _inserting() -> ReturningInsert[Any]:
    columns = ("id", "domain", "subject", "facts", "as_of", "enqueued_at", "times_sent", "traceparent", "digest")
    values = {name: bindparam(name, type_=jobs.c[name].type) for name in columns}
    resend_at = func.now() + bindparam("grace", type_=Interval)
    statement = insert(jobs).values(**values, resend_at=resend_at)
    # Not DO NOTHING: only an updated row is returned, and the caller needs the first as_of.
    statement = statement.on_conflict_do_update(index_elements=["id"], set_={"id": statement.excluded.id})
    return statement.returning(jobs.c.as_of, jobs.c.enqueued_at)


#: Built once, and written once: to do so takes longer than to execute it.
_INSERT = _inserting()
_INSERT_TEXT = as_text(_INSERT)
# Whoever waits looks again and again: in one round trip each time.
_COLUMNS = [column.name for column in verdicts.columns]
_VERDICT = f"select {', '.join(_COLUMNS)} from verdicts where id = %(id)s"
# A row of a batch has a letter and no job. A job is dead even when somebody has dropped its letter.
_DEAD = (
    "select 1 as place, attempts, code, reason from dead_letters where id = %(id)s union all"
    " select 2, attempts, code, reason from jobs where id = %(id)s and state = 'dead' order by place limit 1"
)


class Ledger:
    """Job rows and verdict rows, as a producer sees them."""

    def __init__(self, settings: Settings, *, most_s: float | None = None) -> None:
        """Connect when first asked.

        Args:
            settings: name the database.
            most_s: seconds for a statement, and for a connection, but no less than two. Default: as for any producer.
        """
        if most_s is None:
            self.engine = connect(settings, silence_s=SHORT_S)
        else:
            self.engine = connect(settings, silence_s=most_s, connect_s=most_s)
        self.farm_id = FarmIdentity(self.engine)
        self._grace = timedelta(seconds=settings.reconcile_grace_s)
        self._limit = settings.queue_limit
        self._most_connections = settings.database_pool_size

    def warm_up(self, heard: Callable[[], None]) -> None:
        """Make the connections of one who writes and of one who asks beside, so that neither waits for them.

        Args:
            heard: called after each that is made.

        Raises:
            DatabaseUnreachable: no answer.
        """
        with translate_errors(self.engine), ExitStack() as stack:
            for _ in range(min(2, self._most_connections)):
                stack.enter_context(self.engine.connect())
                heard()

    def domains(self) -> dict[str, str]:
        """The domains that have a published ruleset, each with the digest of its active one."""
        return active_digests(self.engine)

    def has_ruleset(self, domain: str, digest: str) -> bool:
        """Whether a ruleset is on record.

        Args:
            domain: whose.
            digest: of it, whole.
        """
        there = select(rulesets.c.digest).where(rulesets.c.domain == domain, rulesets.c.digest == digest)
        with translate_errors(self.engine), self.engine.connect() as connection:
            return connection.execute(there).first() is not None

    def add(self, job: Job, facts: str, *, sent: bool = True) -> Job:
        """Write the row of a job; one that is there already stays as it is.

        Args:
            job: as accepted.
            facts: its canonical facts.
            sent: whether its message is sent right afterwards; if not, the reconciler sends it.

        Returns:
            The job as recorded: if it was there already, with its first as_of and enqueued_at.

        Raises:
            DatabaseUnreachable: nothing was written.
        """
        values = _values(job, times_sent=int(sent), grace=self._grace if sent else timedelta())
        values |= {"id": str(job.id), "facts": facts}
        # A second time it finds its own row, and leaves it as it is.
        [(as_of, enqueued_at)] = execute_alone(self.engine, _INSERT_TEXT, values, repeatable=True)
        return job.recorded(as_of, enqueued_at)

    def add_within(self, connection: "Connection | Session", job: Job, facts: str) -> Job:
        """Write the row of a job in a transaction of the caller's; its message is to be sent once that is committed.

        Args:
            connection: on the farm's database; or a session.
            job: as accepted.
            facts: its canonical facts.

        Raises:
            JobRejected: it is neither a connection nor a session.
            DatabaseUnreachable: nothing was written.
        """
        connection = _connection_of(connection)
        if not isinstance(connection, Connection):
            raise JobRejected(
                "bad-connection",
                f"connection is a {type(connection).__name__}, not a Connection or Session of SQLAlchemy",
                "an Engine has no transaction: engine.begin(); of an async one give run_sync what it hands over",
            )
        with translate_errors(connection.engine):
            values = _values(job, times_sent=0, grace=timedelta()) | {"facts": json.loads(facts)}
            row = connection.execute(_INSERT, values).one()
            return job.recorded(row.as_of, row.enqueued_at)

    def add_many(self, new: Iterator[tuple[Job, str]], *, sent: int) -> list[tuple[Job, str]]:
        """Write the rows of bulk jobs by COPY, all or none; those that are there already stay as they are.

        Args:
            new: jobs of one domain and one moment, with their canonical facts. They are made while Postgres takes those
                before them.
            sent: for how many of them, from the first on, a message is sent right afterwards; the reconciler sends the
                others as the queue takes them.

        Returns:
            The jobs as recorded, with their facts.

        Raises:
            DatabaseUnreachable: nothing was written; likewise whatever is raised by who makes them.
        """
        made = list(islice(new, 1))
        if not made:
            return []
        terms = {
            name: getattr(made[0][0], name) for name in ("domain", "as_of", "enqueued_at", "traceparent", "digest")
        }
        with translate_errors(self.engine):
            first = again_once(lambda: take_in(self.engine, new, made, terms, sent=sent, grace=self._grace))
        return [(job.recorded(*first[job.id]) if job.id in first else job, facts) for job, facts in made]

    def mark_unsent(self, *, jobs_of: Sequence[uuid.UUID] = (), batch: uuid.UUID | None = None) -> None:
        """Have the reconciler send, at its next run, the messages that could not be sent.

        Args:
            jobs_of: ids of jobs, unless it is a batch.
            batch: id of a batch: those of its chunks.

        Raises:
            DatabaseUnreachable: nothing was changed; the reconciler sends them after the grace.
        """
        table = jobs if batch is None else chunks
        these = jobs.c.id.in_(jobs_of) if batch is None else chunks.c.batch == batch
        waiting = update(table).where(these, still_open(table), table.c.times_sent == 1)
        waiting = waiting.where(table.c.lease_until.is_(None)).values(times_sent=0, resend_at=func.now())
        with translate_errors(self.engine), self.engine.begin() as connection:
            connection.execute(waiting)

    def messages(self, ids: Sequence[uuid.UUID]) -> list[TaskMessage]:
        """The messages of open jobs, counted as sent.

        Args:
            ids: of the jobs.

        Raises:
            DatabaseUnreachable: none was counted.
        """
        statement = update(jobs).where(jobs.c.id.in_(ids), still_open(jobs))
        statement = statement.values(times_sent=jobs.c.times_sent + 1, resend_at=func.now() + self._grace)
        with translate_errors(self.engine), self.engine.begin() as connection:
            return [message_of_row(row) for row in connection.execute(statement.returning(*jobs.columns))]

    def answer(self, job_id: uuid.UUID, enqueued_at: datetime | None = None) -> Verdict | None:
        """The verdict of a job or of a row of a batch; None while it may still come.

        Args:
            job_id: its id.
            enqueued_at: as for `verdict`.

        Raises:
            JobDead: none will come.
        """
        verdict = self.verdict(job_id, enqueued_at)
        if verdict is not None:
            return verdict
        dead = execute_alone(self.engine, _DEAD, {"id": str(job_id)}, repeatable=True)
        if not dead:
            return None
        [(_, attempts, code, reason)] = dead
        why = f" [{code}]: {reason}" if code else ""
        raise JobDead("job-dead", f"job {job_id} is dead after {attempts} attempts{why}", "see 'rulefarm jobs show'")

    def verdict(self, job_id: uuid.UUID, enqueued_at: datetime | None = None) -> Verdict | None:
        """The verdict of a job or of a row of a batch, if there is one.

        Args:
            job_id: its id.
            enqueued_at: when it was submitted, if known: then one partition is read, not all.
        """
        return read_verdict(self.engine, job_id, enqueued_at)

    def has_job(self, job_id: uuid.UUID) -> bool:
        """Whether a job of that id is on record."""
        with translate_errors(self.engine), self.engine.connect() as connection:
            return connection.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None

    def count_open(self, queue: str) -> int:
        """Jobs that wait for a queue, counted up to its limit.

        Args:
            queue: its name.

        Raises:
            DatabaseUnreachable: no answer.
        """
        domain, bulk = domain_of_queue(queue)
        waiting = select(jobs.c.id).where(jobs.c.state == "open", jobs.c.domain == domain, jobs.c.bulk == bulk)
        counted = select(func.count()).select_from(waiting.limit(self._limit).subquery())
        with translate_errors(self.engine), self.engine.connect() as connection:
            return connection.execute(counted).scalar_one()

    def batch(self, batch_id: uuid.UUID) -> dict[str, Any]:
        """A batch's row, how many of its subjects have which outcome, and how many are dead letters.

        Raises:
            NotFound: no such batch.
        """
        return read_batch(self.engine, batch_id)


def active_digests(engine: Engine) -> dict[str, str]:
    """The domains that have a published ruleset, each with the digest of its active one.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(select(active_rulesets.c.domain, active_rulesets.c.digest))
        return {row.domain: row.digest for row in rows}


def read_verdict(engine: Engine, job_id: uuid.UUID, enqueued_at: datetime | None = None) -> Verdict | None:
    """The verdict of a job or of a row of a batch, if there is one.

    Args:
        engine: the database.
        job_id: its id.
        enqueued_at: when it was submitted, if known: then one partition is read, not all.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = _VERDICT if enqueued_at is None else f"{_VERDICT} and enqueued_at = %(enqueued_at)s"
    rows = execute_alone(engine, statement, {"id": str(job_id), "enqueued_at": enqueued_at}, repeatable=True)
    return Verdict.from_json(dict(zip(_COLUMNS, rows[0], strict=True))) if rows else None


def message_of_row(row: Any) -> TaskMessage:
    """The message of a job's row, all columns of it."""
    # What was begun is never the first message, though it was begun without one: its next attempt is counted.
    times_sent = max(row.times_sent, row.attempts + 1)
    return replace(JobMessage.of_row(row), times_sent=times_sent).to_task(bulk=row.bulk)


def _connection_of(given: Any) -> Any:
    """The connection of a session; whatever else it is, as it is."""
    # Whoever has a session has loaded what it is made of. All others, every worker among them, start sooner without.
    orm = sys.modules.get("sqlalchemy.orm")
    return given.connection() if orm is not None and isinstance(given, orm.Session) else given


def _values(job: Job, *, times_sent: int, grace: timedelta) -> dict[str, Any]:
    names = ("id", "domain", "subject", "as_of", "enqueued_at", "traceparent", "digest")
    values = {name: getattr(job, name) for name in names}
    return values | {"times_sent": times_sent, "grace": grace}
