"""Verdict rows: written for a job or a chunk.  judge -> [verdicts] -> the tables verdicts, jobs, chunks

Every write can be repeated: a job that has its verdict keeps it. A chunk is written with COPY. Judges nothing."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2.errors import UniqueViolation
from sqlalchemy import Connection, Engine, bindparam, func, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from rulefarm.database import STILL_OPEN, chunks, copy_columns, execute_alone, still_open, translate_errors, verdicts
from rulefarm.verdict import Verdict
from store.attempts import write_job
from store.chunk_attempts import finish_batch
from store.verdict_columns import COLUMNS, JSON_COLUMNS, VerdictColumns, json_text

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
#: Their types in SQL, for the table that rows are copied into on their way.
SQL_TYPES = {column.name: str(column.type.compile(dialect=_DIALECT)) for column in verdicts.columns}


def _storing() -> str:
    picked = (
        "closed." + name if name in ("id", "enqueued_at") else f"%({name})s::{SQL_TYPES[name]}" for name in COLUMNS
    )
    return (
        f"with closed as (update jobs set state = 'done', lease_until = null where id = %(id)s and {STILL_OPEN}"
        " and as_of = %(as_of)s and attempts <= %(attempt)s returning id, enqueued_at)"
        f" insert into verdicts ({', '.join(COLUMNS)}) select {', '.join(picked)} from closed"
        " on conflict do nothing returning id"
    )


# The job's row decides: it is locked and closed by this statement, so of two workers with the same job one closes it
# and the other finds it closed; and no verdict can exist without its job.
_STORE = _storing()
_OF_CHUNK = (chunks.c.batch == bindparam("of_batch"), chunks.c.n == bindparam("of_n"))
_CLOSE_CHUNK = (
    update(chunks)
    .where(*_OF_CHUNK, still_open(chunks))
    .where(chunks.c.attempts == bindparam("attempt"))
    .values(state="done", lease_until=None, finished_at=func.now(), outcomes=bindparam("counted", type_=JSONB))
)
_NAMES = ", ".join(COLUMNS)
_ADD_STAGED = (
    f"with new as (insert into verdicts ({_NAMES}) select {_NAMES} from staged on conflict do nothing returning id)"
    " select id from staged except all select id from new"
)
# Some of its verdicts were there before, and are not counted twice: whoever wants to know counts what is on record.
_UNCOUNT = update(chunks).where(*_OF_CHUNK).values(outcomes=None)


def store_verdict(engine: Engine, verdict: Verdict, *, attempt: int = 1, job: Mapping[str, Any] | None = None) -> bool:
    """Record the verdict of one job and close the job, in one commit.

    Args:
        engine: the database.
        verdict: of a job.
        attempt: number of the attempt that reached it; one that a later attempt has overtaken stores nothing.
        job: the job's row, see `job_row`, if its producer wrote none: then it is written too.

    Returns:
        Whether this verdict is the one on record; False when the job had one, is unknown or dead, or a
        later attempt has begun.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    values = {name: _written(name, getattr(verdict, name)) for name in COLUMNS} | {"attempt": attempt}
    if job is None:
        return bool(execute_alone(engine, _STORE, values))
    with translate_errors(engine), engine.begin() as connection:
        write_job(connection, job)
        return connection.exec_driver_sql(_STORE, values).first() is not None


def store_chunk(
    engine: Engine, batch: uuid.UUID, n: int, rows: Sequence[Verdict] | VerdictColumns, *, attempt: int
) -> int | None:
    """Record the verdicts of one chunk and close the chunk, and its batch with the last one, in one commit.

    Args:
        engine: the database.
        batch: the batch's id.
        n: which chunk.
        rows: one verdict a subject.
        attempt: number of the attempt that reached them.

    Returns:
        How many verdicts were new; None when nothing was written, for the chunk is closed or with a later attempt.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    columns = rows if isinstance(rows, VerdictColumns) else VerdictColumns.of(rows)
    with translate_errors(engine), engine.begin() as connection:
        place, outcomes = {"of_batch": batch, "of_n": n}, columns.outcomes()
        closed = connection.execute(_CLOSE_CHUNK, {**place, "attempt": attempt, "counted": outcomes})
        if not closed.rowcount:
            return None
        known = add_verdicts(connection, columns)
        if known:
            connection.execute(_UNCOUNT, place)
        finish_batch(connection, batch)
    return len(columns) - len(known)


def add_verdicts(connection: Connection, rows: VerdictColumns) -> set[uuid.UUID]:
    """Write verdicts of jobs or of a chunk that this transaction has closed.

    Args:
        connection: in that transaction.
        rows: the verdicts.

    Returns:
        The ids of those that had a verdict already, and keep it.
    """
    try:
        with connection.begin_nested():
            copy_columns(connection, "verdicts", rows.stored(COLUMNS))
        return set()
    except UniqueViolation:
        # One of them is there already. That is rare, and COPY knows no other way than to take all or none.
        columns = ", ".join(f"{name} {SQL_TYPES[name]}" for name in COLUMNS)
        connection.execute(text(f"create temporary table staged ({columns}) on commit drop"))
        copy_columns(connection, "staged", rows.stored(COLUMNS))
        return {row.id for row in connection.execute(text(_ADD_STAGED))}


def row_json(row: Verdict) -> str:
    """A verdict as one object of JSON, which has the columns of its row."""
    return json_text(row.to_json())


def _written(name: str, value: Any) -> Any:
    """A value of a column as the driver writes it."""
    if isinstance(value, uuid.UUID):
        return str(value)
    return json_text(value) if name in JSON_COLUMNS and value is not None else value
