"""What was judged, read back.  job id or key -> [jobs] -> verdict, facts, chunks

For whoever asks why a verdict was given. Reads only."""

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, select

from rulefarm.errors import NotFound, VerdictPending
from rulefarm.ledger import reachable
from rulefarm.tables import chunks, jobs, verdicts
from rulefarm.verdict import Verdict


def verdict_of(engine: Engine, job: str) -> Verdict:
    """The verdict of a job, or of a row of a batch.

    Args:
        engine: the database.
        job: its id; or the key it was submitted with, of which the newest verdict counts.

    Raises:
        NotFound: no such job is on record.
        VerdictPending: it is on record, and not judged yet.
        DatabaseUnreachable: no answer.
    """
    job_id = _id(job)
    named = [verdicts.c.subject == job] if job_id is None else [verdicts.c.id == job_id, verdicts.c.subject == job]
    waiting = jobs.c.subject == job if job_id is None else (jobs.c.id == job_id) | (jobs.c.subject == job)
    with reachable(engine), engine.connect() as connection:
        for wanted in named:
            statement = select(verdicts).where(wanted).order_by(verdicts.c.evaluated_at.desc()).limit(1)
            row = connection.execute(statement).mappings().first()
            if row is not None:
                return Verdict.from_json(dict(row))
        if connection.execute(select(jobs.c.id).where(waiting).limit(1)).first() is not None:
            raise VerdictPending("verdict-pending", f"job {job} has no verdict yet")
    raise NotFound(
        "no-such-job", f"no job or row of a batch {job} is on record", "'rulefarm verdicts --json' lists ids"
    )


def job_facts(engine: Engine, job_id: uuid.UUID) -> dict[str, Any] | None:
    """The facts of a job, as it was submitted; None when its row is gone.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with reachable(engine), engine.connect() as connection:
        facts: dict[str, Any] | None = connection.execute(select(jobs.c.facts).where(jobs.c.id == job_id)).scalar()
    return facts


def chunks_of(engine: Engine, batch: uuid.UUID) -> Iterator[dict[str, Any]]:
    """The chunks of a batch, one after the other: n, form, facts.

    Raises:
        DatabaseUnreachable: no answer.
    """
    columns = select(chunks.c.n, chunks.c.form, chunks.c.facts)
    n = -1
    # One at a time: all chunks of a nightly run would not fit into memory, and the row is mostly found before the end.
    while True:
        statement = columns.where(chunks.c.batch == batch, chunks.c.n > n).order_by(chunks.c.n).limit(1)
        with reachable(engine), engine.connect() as connection:
            row = connection.execute(statement).mappings().first()
        if row is None:
            return
        n = row["n"]
        yield dict(row)


def _id(job: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(job)
    except ValueError:
        return None
