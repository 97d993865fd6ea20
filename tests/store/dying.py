"""Ways to die, for the tests of what comes after: dead letters as the farm itself makes them."""

import uuid
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import Engine

from rulefarm.batch import SUBJECT_COLUMN, encode
from rulefarm.database import batches, chunks
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, fail_job
from store.chunk_attempts import Claim, claim_chunk, fail_chunk
from store.dead_letters import Failure
from tests.rows import AS_OF, add_job

TERMS = LeaseTerms(worker="w@here", lease_s=60, max_attempts=1)
KILLED = Failure("worker-lost", "the process that judged it died")


def dead_job(settings: Settings, engine: Engine, *, subject: str = "4711", failure: Failure = KILLED) -> uuid.UUID:
    """A job that is a dead letter."""
    job = add_job(settings, subject=subject)
    assert fail_job(engine, job.id, TERMS, failure, attempt=1)
    return job.id


def batch_of_rows(engine: Engine, *subjects: str) -> uuid.UUID:
    """A batch with a chunk for every subject."""
    batch = uuid.uuid4()
    record = {"domain": "pricing", "source": "x.csv", "rows": len(subjects), "chunks": len(subjects), "as_of": AS_OF}
    with engine.begin() as connection:
        connection.execute(batches.insert().values(id=batch, enqueued_at=datetime.now(UTC), **record))
        for n, subject in enumerate(subjects):
            frame = pl.DataFrame({SUBJECT_COLUMN: [subject], "price": ["1"]})
            [(rows, facts)] = encode(frame, 1)
            connection.execute(chunks.insert().values(batch=batch, n=n, rows=rows, form="text", facts=facts))
    return batch


def kill_row(engine: Engine, batch: uuid.UUID, n: int, *, failure: Failure = KILLED) -> None:
    """Make a dead letter of the only row of a chunk."""
    claim = claim_chunk(engine, batch, n, TERMS)
    assert isinstance(claim, Claim)
    assert fail_chunk(engine, batch, n, TERMS, failure, attempt=claim.attempt) == []
