"""A producer's side of Postgres: job rows in, verdict rows out.  farm -> [ledger] -> jobs, verdicts

Needs the extra `rulefarm[ledger]`. Every write is one statement or one transaction, and can be repeated. Judges
nothing and sends nothing."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from rulefarm.errors import DatabaseUnreachable, NotFound
from rulefarm.jobs import Job
from rulefarm.settings import Settings
from rulefarm.tables import active_rulesets, batches, jobs, verdicts
from rulefarm.verdict import Verdict

#: Rows of one INSERT; Postgres takes 65,535 parameters, a job has eight.
_ROWS_PER_INSERT = 1000


def connect(settings: Settings) -> Engine:
    """A pool of connections to Postgres.

    Raises:
        SettingsError: nothing names a database.
    """
    url = make_url(settings.require_database())
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg2")
    return create_engine(
        url,
        pool_size=settings.database_pool,
        max_overflow=0,
        # A connection that died in the pool is found when it is taken, not when it is used.
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "application_name": "rulefarm", "options": "-c timezone=UTC"},
        json_serializer=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    )


@contextmanager
def reachable(engine: Engine) -> Iterator[None]:
    """Turn what SQLAlchemy raises when Postgres is away, or empty, into an error that says so.

    Raises:
        DatabaseUnreachable: no answer, or no tables.
    """
    place = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no connection"
        raise DatabaseUnreachable(
            "database-unreachable", f"Postgres at {place} does not answer: {reason}", "is it running?"
        ) from error
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != "42P01":
            raise
        raise DatabaseUnreachable(
            "database-empty", f"Postgres at {place} has no rulefarm tables", "run 'rulefarm migrate'"
        ) from error


class Ledger:
    """Job rows and verdict rows, as a producer sees them."""

    def __init__(self, settings: Settings) -> None:
        self.engine = connect(settings)
        self._grace = timedelta(seconds=settings.reconcile_grace_s)

    def domains(self) -> dict[str, str]:
        """The domains that have a published ruleset, each with the digest of its active one."""
        with reachable(self.engine), self.engine.connect() as connection:
            rows = connection.execute(select(active_rulesets.c.domain, active_rulesets.c.digest))
            return {row.domain: row.digest for row in rows}

    def add(self, new: Sequence[tuple[Job, str]], *, bulk: bool) -> list[Job]:
        """Write job rows, all or none; those that are there already stay as they are.

        Args:
            new: jobs with their canonical facts.
            bulk: whether they go to the bulk queue.

        Returns:
            The jobs as recorded: of one that was there already, with its first as_of and enqueued_at.

        Raises:
            DatabaseUnreachable: nothing was written.
        """
        recorded: dict[uuid.UUID, Any] = {}
        # One row an id: a statement may not touch the same row twice.
        unique = list({job.id: (job, facts) for job, facts in new}.values())
        with reachable(self.engine), self.engine.begin() as connection:
            for start in range(0, len(unique), _ROWS_PER_INSERT):
                statement = insert(jobs).values(
                    [
                        {
                            "id": job.id,
                            "domain": job.domain,
                            "subject": job.subject,
                            "facts": json.loads(facts),
                            "as_of": job.as_of,
                            "bulk": bulk,
                            "enqueued_at": job.enqueued_at,
                            "ring_at": func.now() + self._grace,
                        }
                        for job, facts in unique[start : start + _ROWS_PER_INSERT]
                    ]
                )
                # Not DO NOTHING: only an updated row is returned, and the caller needs the first as_of.
                statement = statement.on_conflict_do_update(index_elements=["id"], set_={"id": statement.excluded.id})
                for row in connection.execute(statement.returning(jobs.c.id, jobs.c.as_of, jobs.c.enqueued_at)):
                    recorded[row.id] = row
        return [job.recorded(recorded[job.id].as_of, recorded[job.id].enqueued_at) for job, _ in new]

    def verdict(self, job_id: uuid.UUID, enqueued_at: datetime | None = None) -> Verdict | None:
        """The verdict of a job or of a row of a batch, if there is one.

        Args:
            job_id: its id.
            enqueued_at: when it was submitted, if known: then one partition is read, not all.
        """
        statement = select(verdicts).where(verdicts.c.id == job_id)
        if enqueued_at is not None:
            statement = statement.where(verdicts.c.enqueued_at == enqueued_at)
        with reachable(self.engine), self.engine.connect() as connection:
            row = connection.execute(statement).mappings().first()
        return Verdict.from_json(dict(row)) if row else None

    def has_job(self, job_id: uuid.UUID) -> bool:
        """Whether a job of that id is on record."""
        with reachable(self.engine), self.engine.connect() as connection:
            return connection.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None

    def batch(self, batch_id: uuid.UUID) -> dict[str, Any]:
        """A batch's row, and how many of its subjects have which outcome.

        Raises:
            NotFound: no such batch.
        """
        counted = select(verdicts.c.outcome, func.count().label("n")).where(verdicts.c.batch == batch_id)
        with reachable(self.engine), self.engine.connect() as connection:
            row = connection.execute(select(batches).where(batches.c.id == batch_id)).mappings().first()
            if row is None:
                raise NotFound("no-such-batch", f"no batch {batch_id} is on record")
            outcomes = connection.execute(counted.group_by(verdicts.c.outcome))
            return dict(row) | {"outcomes": {row.outcome: row.n for row in outcomes}}
