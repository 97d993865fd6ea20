"""Where a job stands.  id or key -> [job_status] -> its row, its verdict or its dead letter

Answers `rulefarm jobs` and `rulefarm explain` for a job or one row of a batch. Reads only; without the facts, of which
`explain` shows what matters."""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, null, select, union_all

from rulefarm.database import batches, chunks, dead_letters, jobs, still_open, translate_errors, verdicts
from rulefarm.errors import NotFound, VerdictPending
from rulefarm.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What is on record of a job, or of a row of a batch."""

    #: Its row but for the facts, with the seconds of its age, of its lease and to its next message; None for a row of a
    #: batch, and when it was pruned.
    job: dict[str, Any] | None = None
    #: Of a row of a batch: the batch's row.
    batch: dict[str, Any] | None = None
    #: Of a dead row of a batch: the chunk in which it stands alone, as the job's row. Of one that was judged
    #: `tasks.judged_facts` finds it, which has to look into chunks.
    chunk: dict[str, Any] | None = None
    verdict: Verdict | None = None
    letter: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        rows = {"job": self.job, "batch": self.batch, "chunk": self.chunk}
        return {**rows, "verdict": self.verdict.to_json() if self.verdict else None, "dead_letter": self.letter}


def find_job_status(engine: Engine, name: uuid.UUID | str, *, domain: str | None = None) -> JobStatus:
    """Where a job, or a row of a batch, stands.

    Args:
        engine: the database.
        name: its id; or as text its id, or the key that it was submitted with, of which the newest job counts.
        domain: of this domain only.

    Raises:
        NotFound: nothing of that name is on record.
        DatabaseUnreachable: no answer.
    """
    names: list[uuid.UUID | str] = [name]
    # A key may look like an id.
    if isinstance(name, str) and (job_id := _id(name)) is not None:
        names.insert(0, job_id)
    with translate_errors(engine), engine.connect() as connection:
        for id_or_key in names:
            status = _find(connection, id_or_key, domain)
            if status is not None:
                return status
    raise NotFound(
        "no-such-job",
        f"no job {name} is on record",
        "a row of a batch is found once it has its verdict or is dead; 'rulefarm jobs list' lists what is open",
    )


def open_jobs(engine: Engine, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Of jobs, those that may still get a verdict.

    Args:
        engine: the database.
        ids: of jobs, on record or not.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(jobs.c.id).where(jobs.c.id.in_(ids), still_open(jobs))
    with translate_errors(engine), engine.connect() as connection:
        return set(connection.scalars(statement))


def find_jobs(engine: Engine, *, state: str, domain: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """Jobs in one state, oldest first.

    Args:
        engine: the database.
        state: open, done or dead.
        domain: of this domain only.
        limit: at most so many.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = (
        select(*_columns(jobs)).where(jobs.c.state == state).order_by(jobs.c.enqueued_at, jobs.c.id).limit(limit)
    )
    if domain is not None:
        statement = statement.where(jobs.c.domain == domain)
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def _find(connection: Connection, id_or_key: uuid.UUID | str, domain: str | None) -> JobStatus | None:
    def newest(table: Table, columns: list[Any], moment: Any) -> dict[str, Any] | None:
        column = table.c.id if isinstance(id_or_key, uuid.UUID) else table.c.subject
        statement = select(*columns).where(column == id_or_key).order_by(moment.desc()).limit(1)
        if domain is not None:
            statement = statement.where(table.c.domain == domain)
        return _first_row(connection, statement)

    job = newest(jobs, _columns(jobs), jobs.c.enqueued_at)
    if job is not None:
        verdict = _first_row(connection, select(verdicts).where(verdicts.c.id == job["id"]))
        letter = _first_row(connection, select(dead_letters).where(dead_letters.c.id == job["id"]))
        return JobStatus(job=job, verdict=Verdict.from_json(verdict) if verdict else None, letter=letter)
    letter = newest(dead_letters, [dead_letters], dead_letters.c.died_at)
    verdict = newest(verdicts, [verdicts], verdicts.c.enqueued_at)
    if letter is None and verdict is None:
        return None
    batch = (letter or verdict or {})["batch"]
    return JobStatus(
        batch=_first_row(connection, select(batches).where(batches.c.id == batch)),
        chunk=_chunk(connection, letter) if letter else None,
        verdict=Verdict.from_json(verdict) if verdict else None,
        letter=letter,
    )


def _chunk(connection: Connection, letter: dict[str, Any]) -> dict[str, Any] | None:
    place = (chunks.c.batch == letter["batch"]) & (chunks.c.n == letter["chunk"])
    return _first_row(connection, select(*_columns(chunks)).where(place))


def _columns(table: Table) -> list[ColumnElement[Any]]:
    """The columns of a job or chunk but for its facts; and its age, what is left of its lease, and the time to its next
    message, in seconds by the clock of Postgres."""

    def seconds(moment: Any) -> Any:
        return func.extract("epoch", moment)

    columns: list[ColumnElement[Any]] = [column for column in table.c if column.name != "facts"]
    if "enqueued_at" in table.c:
        columns.append(seconds(func.now() - table.c.enqueued_at).label("age_s"))
    columns.append(seconds(table.c.lease_until - func.now()).label("lease_s"))
    return [*columns, seconds(table.c.resend_at - func.now()).label("resend_in_s")]


def _first_row(connection: Connection, statement: Any) -> dict[str, Any] | None:
    """The first row of a query, with seconds as float; None if there is none."""
    row = connection.execute(statement).mappings().first()
    return (
        {name: float(value) if name.endswith("_s") and value is not None else value for name, value in row.items()}
        if row
        else None
    )


def verdict_of(engine: Engine, job: str, *, domain: str | None = None) -> Verdict:
    """The verdict of a job, or of a row of a batch.

    Args:
        engine: the database.
        job: its id; or the key it was submitted with, of which the newest verdict counts.
        domain: of this domain only.

    Raises:
        NotFound: no such job is on record.
        VerdictPending: it is on record, and not judged yet.
        DatabaseUnreachable: no answer.
    """
    job_id = _id(job)
    by_key = verdicts.c.subject == job
    conditions = [by_key] if job_id is None else [verdicts.c.id == job_id, by_key]
    waiting = jobs.c.subject == job if job_id is None else (jobs.c.id == job_id) | (jobs.c.subject == job)
    if domain is not None:
        waiting &= jobs.c.domain == domain
    with translate_errors(engine), engine.connect() as connection:
        for condition in conditions:
            statement = select(verdicts).where(condition).order_by(verdicts.c.evaluated_at.desc()).limit(1)
            if domain is not None:
                statement = statement.where(verdicts.c.domain == domain)
            row = connection.execute(statement).mappings().first()
            if row is not None:
                return Verdict.from_json(dict(row))
        if connection.execute(select(jobs.c.id).where(waiting).limit(1)).first() is not None:
            raise VerdictPending("verdict-pending", f"job {job} has no verdict yet")
    raise NotFound(
        "no-such-job", f"no job or row of a batch {job} is on record", "'rulefarm verdicts --json' lists ids"
    )


def same_key(engine: Engine, key: str, *, domain: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """What is on record under one key, newest first: id, domain, enqueued_at, outcome (None: no verdict yet).

    One key names a job in every domain that it was sent to, one for each version of its facts, and rows of batches.

    Args:
        engine: the database.
        key: the key that it was submitted with.
        domain: of this domain only.
        limit: at most so many.

    Raises:
        DatabaseUnreachable: no answer.
    """
    judged = select(verdicts.c.id, verdicts.c.domain, verdicts.c.enqueued_at, verdicts.c.outcome)
    waiting = select(jobs.c.id, jobs.c.domain, jobs.c.enqueued_at, null().label("outcome")).where(
        jobs.c.state != "done"
    )
    found = union_all(judged.where(verdicts.c.subject == key), waiting.where(jobs.c.subject == key)).subquery()
    statement = select(found).order_by(found.c.enqueued_at.desc(), found.c.id).limit(limit)
    if domain is not None:
        statement = statement.where(found.c.domain == domain)
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def job_facts(engine: Engine, job_id: uuid.UUID) -> dict[str, Any] | None:
    """The facts of a job, as it was submitted; None when its row is gone.

    Args:
        engine: the database.
        job_id: its id.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        facts: dict[str, Any] | None = connection.execute(select(jobs.c.facts).where(jobs.c.id == job_id)).scalar()
    return facts


def chunks_of(engine: Engine, verdict: Verdict) -> Iterator[dict[str, Any]]:
    """The chunks of a batch, one after the other: their rows, with their facts and the seconds of a job's row.

    First those that the worker of a verdict closed soon after it judged: it is nearly always of the first. One that was
    split is none of them: its rows are in others.

    Args:
        engine: the database.
        verdict: of a row of the batch.

    Raises:
        DatabaseUnreachable: no answer.
    """
    late = func.abs(func.extract("epoch", chunks.c.finished_at - verdict.evaluated_at))
    likely = (chunks.c.worker == verdict.worker) & (chunks.c.finished_at >= verdict.evaluated_at)
    order = select(chunks.c.n).where(chunks.c.batch == verdict.batch, chunks.c.state != "split")
    order = order.order_by(likely.desc().nulls_last(), late.nulls_last(), chunks.c.n)
    with translate_errors(engine), engine.connect() as connection:
        numbers = list(connection.execute(order).scalars())
    # One at a time: all chunks of a nightly run would not fit into memory, and the reader mostly stops before the end.
    for n in numbers:
        with translate_errors(engine), engine.connect() as connection:
            here = (chunks.c.batch == verdict.batch) & (chunks.c.n == n)
            row = _first_row(connection, select(*_columns(chunks), chunks.c.facts).where(here))
        if row is not None:
            yield row


def _id(job: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(job)
    except ValueError:
        return None
