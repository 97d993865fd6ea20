"""What waits for a verdict, counted by queue.  open jobs, chunks -> [open_work] -> `rulefarm status`, signals

By the rows, and so whatever the broker holds: most of a backlog has no message of its own. Reads only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Float, cast, func, select

from rulefarm.database import batches, chunks, jobs


@dataclass(frozen=True, slots=True)
class OpenWork:
    """How much of one queue waits for a verdict."""

    domain: str
    #: Whether of the bulk queue of the domain.
    bulk: bool
    #: Jobs without a verdict.
    jobs: int
    #: Chunks without their verdicts; and the subjects in them.
    chunks: int
    rows: int
    #: Of the jobs and chunks: somebody holds the lease of it. A job's first delivery takes none.
    leased: int
    #: Attempts that were counted at them, in all.
    attempts: int
    #: When the oldest of them was submitted, and how many seconds ago that is.
    oldest: datetime
    age_s: float


def open_work(connection: Connection) -> list[OpenWork]:
    """What is open, by domain and queue, in this order; a queue of which nothing is open is left out.

    Args:
        connection: to the database.
    """
    of_jobs = select(jobs.c.domain, jobs.c.bulk, *_counted(jobs, jobs)).where(jobs.c.state == "open")
    of_chunks = select(batches.c.domain, *_counted(chunks, batches), func.sum(chunks.c.rows).label("rows"))
    of_chunks = of_chunks.join_from(chunks, batches).where(chunks.c.state == "open").group_by(batches.c.domain)
    found: dict[tuple[str, bool], OpenWork] = {}
    for row in connection.execute(of_jobs.group_by(jobs.c.domain, jobs.c.bulk)):
        found[row.domain, row.bulk] = OpenWork(
            row.domain, row.bulk, row.number, 0, 0, row.leased, row.attempts, row.oldest, row.age_s
        )
    for row in connection.execute(of_chunks):
        work = found.get((row.domain, True), OpenWork(row.domain, True, 0, 0, 0, 0, 0, row.oldest, row.age_s))
        found[row.domain, True] = OpenWork(
            row.domain,
            True,
            work.jobs,
            row.number,
            row.rows,
            work.leased + row.leased,
            work.attempts + row.attempts,
            min(work.oldest, row.oldest),
            max(work.age_s, row.age_s),
        )
    return [found[place] for place in sorted(found)]


def _counted(table: Any, submitted: Any) -> list[Any]:
    oldest = func.min(submitted.c.enqueued_at)
    return [
        func.count().label("number"),
        func.count().filter(table.c.lease_until > func.now()).label("leased"),
        func.sum(table.c.attempts).label("attempts"),
        oldest.label("oldest"),
        cast(func.extract("epoch", func.now() - oldest), Float).label("age_s"),
    ]
