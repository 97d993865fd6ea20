"""What waits for a verdict, counted by queue.  open rows -> [open_work] -> `rulefarm status`, signals, autoscaler

By the rows, and so whatever the broker holds: most of a backlog has no message of its own. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Float, cast, false, func, select, tuple_

from rulefarm.database import batches, chunks, jobs, translate_errors


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


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """What a worker could do now."""

    #: Jobs and chunks that nobody works on, and that are not to wait for their next attempt.
    waiting: int
    #: Those that somebody holds the lease of, and how many hold one: a process may hold many jobs, but one chunk.
    leased: int
    holders: int
    #: Seconds since the oldest of those that wait was submitted; 0: none does.
    age_s: float


def waiting_work(engine: Engine, domains: Sequence[str], *, bulk: bool, limit: int) -> WaitingWork:
    """What waits in the queues of a worker.

    Args:
        engine: the database.
        domains: whose queues.
        bulk: whether their bulk queues.
        limit: counted up to this, jobs and chunks each: what is not counted needs no more workers either.

    Raises:
        DatabaseUnreachable: no answer.
    """
    parts = [
        _able(select(jobs), jobs, jobs, jobs.c.worker)
        .where(jobs.c.domain.in_(domains), jobs.c.bulk == bulk)
        .limit(limit)
    ]
    if bulk:
        # A chunk's holder is the worker, but each of its processes has one chunk.
        process = tuple_(chunks.c.batch, chunks.c.n)
        of_chunks = _able(select(chunks).join_from(chunks, batches), chunks, batches, process)
        parts.append(of_chunks.where(batches.c.domain.in_(domains)).limit(limit))
    waiting = leased = holders = 0
    age_s = 0.0
    with translate_errors(engine), engine.connect() as connection:
        for part in parts:
            able = part.subquery()
            waits = ~able.c.is_leased
            age = cast(func.extract("epoch", func.now() - func.min(able.c.enqueued_at).filter(waits)), Float)
            held = func.count().filter(able.c.is_leased)
            by = func.count(able.c.holder.distinct()).filter(able.c.is_leased)
            row = connection.execute(select(func.count().filter(waits), held, by, age)).one()
            waiting, leased, holders = waiting + row[0], leased + row[1], holders + row[2]
            age_s = max(age_s, row[3] or 0.0)
    return WaitingWork(waiting, leased, holders, age_s)


def _able(statement: Any, table: Any, submitted: Any, holder: Any) -> Any:
    """What is open, but not what waits for its next attempt; of each whether somebody has it, who, and its age."""
    is_leased = func.coalesce(table.c.lease_until > func.now(), false())
    statement = statement.with_only_columns(
        is_leased.label("is_leased"), submitted.c.enqueued_at, holder.label("holder")
    )
    # One without a lease and without a failure is in its first attempt, if it was begun at all.
    is_first = (table.c.attempts == 0) | table.c.code.is_(None)
    return statement.where(table.c.state == "open", is_leased | is_first | (table.c.resend_at <= func.now()))
