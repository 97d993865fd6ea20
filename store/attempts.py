"""Attempts at a job: claimed, failed, used up.  job row -> [attempts] -> a claim, or a dead letter

The first delivery of a job says so in its row, and waits for no disk; every repeat is counted and committed before the
work starts, so that a job that kills its worker is tried `max_attempts` times and no more. A claim holds a lease: while
it lasts no other worker begins. All clocks are Postgres's. For chunks: `store.chunk_attempts`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, case, func, or_, update
from sqlalchemy.dialects.postgresql import insert

from rulefarm.database import STILL_OPEN, execute_alone, jobs, still_open, translate_errors
from store.dead_letters import Failure, storable, write_dead_letter

#: Failure recorded when a lease expired and the worker reported nothing: it died whole, or can't be reached.
WORKER_SILENT = Failure("worker-silent", "its attempts ended without a word: the workers that made them died, or hung")
#: Seconds before the next attempt at what failed; doubles with every attempt.
_FIRST_PAUSE_S = 1.0
# A mark that is lost with Postgres costs no more than a second judging, whose verdict finds the job closed: so nobody
# waits until it is on the disk.
_BEGIN = (
    f"update jobs set attempts = 1, worker = %(worker)s where id = %(id)s and {STILL_OPEN} and lease_until is null"
    " and attempts <= %(begun)s and set_config('synchronous_commit', 'off', true) = 'off' returning id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """On what terms an attempt is made."""

    #: Name of the worker that makes it.
    worker: str
    #: Seconds for which nobody else may begin.
    lease_s: float
    #: Attempts before a dead letter.
    max_attempts: int


def write_job(connection: Connection, row: Mapping[str, Any] | None) -> None:
    """Write the row of a job whose producer wrote none; one that is there stays as it is.

    Args:
        connection: in the transaction of what is done with the job: nobody else is to find it before.
        row: id, domain, subject, facts, as_of, enqueued_at; None: its producer wrote it.
    """
    if row is not None:
        connection.execute(insert(jobs).values(dict(row)).on_conflict_do_nothing(index_elements=["id"]))


def begin_job(engine: Engine, job_id: uuid.UUID, worker: str, *, goes_on: bool = False) -> bool:
    """Mark a job as begun by its first message, so that nobody takes it with others meanwhile.

    There is no lease: if its worker says nothing more, the reconciler's clock finds it, as if it had not been begun.

    Args:
        engine: the database.
        job_id: which.
        worker: who begins.
        goes_on: whether this message has begun it already, or may have. Default: it has not.

    Returns:
        Whether it is this caller's; False when it is closed, unknown, begun, or claimed with others.

    Raises:
        DatabaseUnreachable: nobody knows whether it was marked.
    """
    values = {"id": str(job_id), "worker": worker, "begun": int(goes_on)}
    return bool(execute_alone(engine, _BEGIN, values))


def claim_job(
    engine: Engine,
    job_id: uuid.UUID,
    terms: LeaseTerms,
    *,
    attempt: int | None = None,
    job: Mapping[str, Any] | None = None,
) -> int | None:
    """Count an attempt at a job, and take its lease, in one commit.

    Args:
        engine: the database.
        job_id: which.
        terms: of the attempt.
        attempt: an attempt of this caller that goes on: it is not counted again. Default: a new one.
        job: as for `write_job`.

    Returns:
        The attempt's number, from 2 on; None when there is nothing to do: the job is closed or unknown, somebody else
        holds its lease, or its attempts are used up: then it is a dead letter now.

    Raises:
        DatabaseUnreachable: nothing was counted.
    """
    begun = func.greatest(jobs.c.attempts, 1)
    is_same_attempt = jobs.c.attempts == (attempt or -1)
    counted = (
        update(jobs)
        .where(jobs.c.id == job_id, still_open(jobs), is_free(jobs) | is_same_attempt)
        .where((begun < terms.max_attempts) | is_same_attempt)
        .values(attempts=case((is_same_attempt, jobs.c.attempts), else_=begun + 1), **leased(terms))
        .returning(jobs.c.attempts)
    )
    with translate_errors(engine), engine.begin() as connection:
        write_job(connection, job)
        number = connection.execute(counted).scalar()
        if number is None:
            _close_as_dead(connection, job_id, [is_free(jobs), begun >= terms.max_attempts], WORKER_SILENT)
    return number


def fail_job(
    engine: Engine,
    job_id: uuid.UUID,
    terms: LeaseTerms,
    failure: Failure,
    *,
    attempt: int | None = None,
    job: Mapping[str, Any] | None = None,
) -> bool:
    """Count an attempt that failed, and let the next begin after a pause.

    Args:
        engine: the database.
        job_id: which.
        terms: of the attempt; `worker` is who made it.
        failure: how it failed.
        attempt: its number; default: unknown, for whoever made it is dead.
        job: as for `write_job`.

    Returns:
        Whether it was the last: the job is a dead letter now.

    Raises:
        DatabaseUnreachable: nothing was counted.
    """
    number = func.greatest(jobs.c.attempts, attempt or 1)
    # An attempt that a later one has overtaken does not touch the row. One of unknown number is the one that this
    # worker has the lease of, or the first delivery, which has none.
    current = jobs.c.attempts <= attempt if attempt else is_free(jobs) | (jobs.c.worker == terms.worker)
    failed = (
        update(jobs)
        .where(jobs.c.id == job_id, still_open(jobs), current)
        .values(attempts=number, **released(number, terms, failure))
        .returning(jobs.c.attempts)
    )
    with translate_errors(engine), engine.begin() as connection:
        write_job(connection, job)
        attempts = connection.execute(failed).scalar()
        return (
            attempts is not None and attempts >= terms.max_attempts and _close_as_dead(connection, job_id, [], failure)
        )


def is_free(table: Table) -> ColumnElement[bool]:
    """Whether a job or chunk has no lease, or one that has expired."""
    return or_(table.c.lease_until.is_(None), table.c.lease_until < func.now())


def leased(terms: LeaseTerms) -> dict[str, Any]:
    """The columns that a claim writes; no message is sent again while the lease lasts."""
    until = func.now() + timedelta(seconds=terms.lease_s)
    return {"worker": terms.worker, "lease_until": until, "resend_at": until}


def released(attempt: ColumnElement[int], terms: LeaseTerms, failure: Failure) -> dict[str, Any]:
    """The columns that a failed attempt writes.

    Args:
        attempt: its number; the pause before the next doubles with it, from 1 s on.
        terms: `worker` is who made it.
        failure: how it failed.
    """
    pause = func.make_interval(0, 0, 0, 0, 0, 0, _FIRST_PAUSE_S * func.power(2, func.least(attempt, 10) - 1))
    last = {"worker": terms.worker, "code": failure.code, "reason": storable(failure.reason)}
    return {"lease_until": None, "resend_at": func.now() + pause, **last}


def _close_as_dead(
    connection: Connection, job_id: uuid.UUID, conditions: list[ColumnElement[bool]], failure: Failure
) -> bool:
    """Close a job that is not tried any more, and write its dead letter; False if it is closed or a condition fails."""
    closed = (
        update(jobs)
        .where(jobs.c.id == job_id, still_open(jobs), *conditions)
        .values(state="dead", lease_until=None)
        .returning(jobs.c.domain, jobs.c.subject, jobs.c.attempts, jobs.c.worker, jobs.c.code, jobs.c.reason)
    )
    row = connection.execute(closed).mappings().first()
    if row is None:
        return False
    write_dead_letter(connection, failure, id=job_id, kind="job", row=dict(row))
    return True
