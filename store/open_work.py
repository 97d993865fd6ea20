"""What has a row and no verdict.  jobs, chunks -> [open_work] -> the reconciler, the status page

Rows that are due are locked while they are rung, so two reconcilers share the work instead of doubling it; if the
broker is away the transaction is undone, and they stay due."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Interval, case, cast, func, select, tuple_, update

from rulefarm import wire
from rulefarm.bell import Bell, chunk_bell, job_bell
from rulefarm.jobs import Job
from rulefarm.ledger import reachable
from rulefarm.tables import batches, chunks, jobs

#: Graces that a job of a busy queue waits for its turn before it is rung all the same: its message may be lost, and a
#: queue that is always busy must not hide that for ever.
PATIENCE = 10
#: A ring that brings no verdict makes the next one wait twice as long, but never longer.
LONGEST_WAIT_S = 3600.0
_SECOND = cast("1 second", Interval)


@dataclass(frozen=True, slots=True)
class OpenWork:
    """How much of a domain waits for a verdict."""

    domain: str
    #: Jobs without a verdict.
    jobs: int
    #: Chunks without their verdicts.
    chunks: int
    #: When the oldest of them was submitted.
    oldest: datetime


@contextmanager
def due(engine: Engine, *, grace_s: float, limit: int, busy: Iterable[tuple[str, bool]] = ()) -> Iterator[list[Bell]]:
    """The bells to ring again; what was taken counts as rung if the block ends well.

    Args:
        engine: the database.
        grace_s: seconds that the first ring gave; doubles with every ring.
        limit: jobs, and chunks, at most.
        busy: (domain, bulk) of the queues that have a backlog: what is due there most likely waits for its turn.

    Raises:
        DatabaseUnreachable: nothing was taken.
    """
    busy = list(busy)
    long_ago = func.now() - timedelta(seconds=PATIENCE * grace_s)
    with reachable(engine), engine.begin() as connection:
        in_turn = tuple_(jobs.c.domain, jobs.c.bulk).in_(busy) & (jobs.c.ring_at > long_ago)
        picked = select(jobs.c.id).where(jobs.c.state == "open", jobs.c.ring_at <= func.now(), ~in_turn)
        picked = picked.order_by(jobs.c.ring_at).limit(limit).with_for_update(skip_locked=True)
        rung = update(jobs).where(jobs.c.id.in_(picked)).values(rings=jobs.c.rings + 1, ring_at=_next(jobs, grace_s))
        bells = [_bell(row) for row in connection.execute(rung.returning(*jobs.columns))]
        in_turn = batches.c.domain.in_([domain for domain, bulk in busy if bulk]) & (chunks.c.ring_at > long_ago)
        picked = select(chunks.c.batch, chunks.c.n).join(batches)
        picked = picked.where(chunks.c.state == "open", chunks.c.ring_at <= func.now(), ~in_turn)
        picked = picked.order_by(chunks.c.ring_at).limit(limit).with_for_update(skip_locked=True, of=chunks)
        rung = (
            update(chunks)
            .where(tuple_(chunks.c.batch, chunks.c.n).in_(picked), batches.c.id == chunks.c.batch)
            .values(rings=chunks.c.rings + 1, ring_at=_next(chunks, grace_s))
        )
        found = connection.execute(rung.returning(batches.c.domain, chunks.c.batch, chunks.c.n))
        bells.extend(chunk_bell(row.domain, row.batch, row.n) for row in found)
        yield bells


def open_work(engine: Engine) -> list[OpenWork]:
    """What waits, by domain."""
    waiting_jobs = (
        select(jobs.c.domain, func.count().label("n"), func.min(jobs.c.enqueued_at).label("oldest"))
        .where(jobs.c.state == "open")
        .group_by(jobs.c.domain)
    )
    waiting_chunks = (
        select(batches.c.domain, func.count().label("n"), func.min(batches.c.enqueued_at).label("oldest"))
        .join(chunks, chunks.c.batch == batches.c.id)
        .where(chunks.c.state == "open")
        .group_by(batches.c.domain)
    )
    with reachable(engine), engine.connect() as connection:
        by_job = {row.domain: row for row in connection.execute(waiting_jobs)}
        by_chunk = {row.domain: row for row in connection.execute(waiting_chunks)}
    return [
        OpenWork(
            domain,
            by_job[domain].n if domain in by_job else 0,
            by_chunk[domain].n if domain in by_chunk else 0,
            min(rows[domain].oldest for rows in (by_job, by_chunk) if domain in rows),
        )
        for domain in sorted(by_job.keys() | by_chunk.keys())
    ]


def read_chunk(engine: Engine, batch: uuid.UUID, n: int) -> dict[str, Any] | None:
    """A chunk's row with its batch's domain, as_of and enqueued_at; None if there is no such chunk."""
    statement = select(chunks, batches.c.domain, batches.c.as_of, batches.c.enqueued_at).join(batches)
    with reachable(engine), engine.connect() as connection:
        row = connection.execute(statement.where(chunks.c.batch == batch, chunks.c.n == n)).mappings().first()
    return dict(row) if row else None


def _next(table: Any, grace_s: float) -> Any:
    # 2**rings overflows long before anybody gives up on a job.
    doublings = case((table.c.rings < 20, table.c.rings), else_=20)
    return func.now() + cast(func.least(grace_s * func.power(2, doublings), LONGEST_WAIT_S) * _SECOND, Interval)


def _bell(row: Any) -> Bell:
    job = Job(id=row.id, domain=row.domain, subject=row.subject, as_of=row.as_of, enqueued_at=row.enqueued_at)
    # Through canonical, for jsonb keeps the values but not the text: the digest must be that of the first ring.
    facts = wire.canonical(row.facts)
    return job_bell(job, facts, bulk=row.bulk, rings=row.rings)
