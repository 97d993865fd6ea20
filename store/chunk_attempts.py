"""Attempts at a chunk.  chunk row -> [chunk_attempts] -> a claim, smaller chunks, or the dead letter of one row

A chunk takes seconds, so that every attempt at it is counted and leased, the first one too. One that has used up its
attempts is split, again and again, until the row that kept it from being judged stands alone: its neighbours get their
verdicts. For jobs: `store.attempts`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Interval, Update, bindparam, case, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert

from rulefarm.batch import SUBJECT_COLUMN, decode, encode
from rulefarm.database import batches, chunks, still_open, translate_errors, verdicts
from rulefarm.messaging import TaskMessage, chunk_message
from store.attempts import WORKER_SILENT, LeaseTerms, is_free, released
from store.dead_letters import Failure, storable, write_dead_letter

#: Into how many a chunk is split: 2,500 rows stand alone after two splits, and few are judged for nothing.
PARTS = 50
#: How long whoever split a chunk has to send the messages of its parts, before the reconciler does.
_SENDING = timedelta(seconds=10)
#: How long a chunk waits that the worker which had it can't judge.
_POSTPONED = timedelta(seconds=15)


def _claiming() -> Update:
    is_same_attempt = chunks.c.attempts == bindparam("attempt")
    until = func.now() + bindparam("lease", type_=Interval)
    return (
        update(chunks)
        .where(chunks.c.batch == bindparam("of_batch"), chunks.c.n == bindparam("of_n"), still_open(chunks))
        .where(is_free(chunks) | is_same_attempt, (chunks.c.attempts < bindparam("most")) | is_same_attempt)
        .where(batches.c.id == chunks.c.batch)
        .values(attempts=case((is_same_attempt, chunks.c.attempts), else_=chunks.c.attempts + 1))
        .values(worker=bindparam("by"), lease_until=until, resend_at=until)
        .returning(
            chunks, batches.c.domain, batches.c.as_of, batches.c.enqueued_at, batches.c.traceparent, batches.c.digest
        )
    )


def _finishing() -> Update:
    unfinished = select(chunks.c.n).where(chunks.c.batch == bindparam("of_batch"), still_open(chunks)).exists()
    # How many there are and of which outcome is found in one go through its verdicts.
    answered = (
        select(verdicts.c.outcome, func.count().label("number"))
        .where(verdicts.c.batch == batches.c.id, verdicts.c.enqueued_at == batches.c.enqueued_at)
        .group_by(verdicts.c.outcome)
        .lateral("answered")
    )
    outcomes = func.jsonb_object_agg(answered.c.outcome, answered.c.number).filter(answered.c.outcome.is_not(None))
    counted = (
        select(
            batches.c.id,
            func.coalesce(func.sum(answered.c.number), 0).label("number"),
            func.coalesce(outcomes, text("'{}'::jsonb")).label("outcomes"),
        )
        .select_from(batches.outerjoin(answered, true()))
        .where(batches.c.id == bindparam("of_batch"), batches.c.state == "open", ~unfinished)
        .group_by(batches.c.id)
        .subquery("counted")
    )
    # A row that was refused has a verdict that says so, and was not judged.
    judged = counted.c.number - func.coalesce(batches.c.refused, 0)
    return (
        update(batches)
        .where(batches.c.id == counted.c.id)
        .values(state="done", finished_at=func.now(), judged=judged, outcomes=counted.c.outcomes)
    )


# Built once: to build one takes as long as Postgres takes for it.
_CLAIM, _FINISH = _claiming(), _finishing()
_LOCK = select(batches.c.id).where(batches.c.id == bindparam("of_batch")).with_for_update()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A chunk that was taken."""

    #: Its row, with its batch's domain, as_of, enqueued_at, traceparent and digest.
    chunk: Mapping[str, Any]
    #: Number of the attempt.
    attempt: int


def claim_chunk(
    engine: Engine, batch: uuid.UUID, n: int, terms: LeaseTerms, *, attempt: int | None = None
) -> Claim | list[TaskMessage]:
    """Count an attempt at a chunk, take its lease and read it, in one commit.

    Args:
        engine: the database.
        batch: the batch's id.
        n: which chunk.
        terms: of the attempt.
        attempt: an attempt of this caller that goes on: it is not counted again. Default: a new one.

    Returns:
        The claim. When there is none to be had, the messages to send instead: those of the smaller chunks, if its
        attempts were used up; none if the chunk is closed or unknown, or somebody else holds its lease.

    Raises:
        DatabaseUnreachable: nothing was counted.
    """
    values = {"of_batch": batch, "of_n": n, "attempt": attempt or -1, "by": terms.worker}
    values |= {"most": terms.max_attempts, "lease": timedelta(seconds=terms.lease_s)}
    with translate_errors(engine), engine.begin() as connection:
        row = connection.execute(_CLAIM, values).mappings().first()
        if row is not None:
            return Claim(chunk=dict(row), attempt=row["attempts"])
        is_spent = [is_free(chunks), chunks.c.attempts >= terms.max_attempts]
        return _split_or_close(connection, batch, n, terms, WORKER_SILENT, is_spent)


def fail_chunk(
    engine: Engine, batch: uuid.UUID, n: int, terms: LeaseTerms, failure: Failure, *, attempt: int | None = None
) -> list[TaskMessage]:
    """Count an attempt that failed, and let the next begin after a pause; after the last one, split the chunk.

    An attempt of unknown number is counted by a process that forks others, and polars' threads do not survive a fork:
    the chunk is split by whoever claims it next.

    Args:
        engine: the database.
        batch: the batch's id.
        n: which chunk.
        terms: of the attempt; `worker` is who made it.
        failure: how it failed.
        attempt: its number; default: unknown, for whoever made it is dead: the one that this worker holds.

    Returns:
        The messages of the smaller chunks, if it was split.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    is_this_attempt = chunks.c.attempts == attempt if attempt else chunks.c.worker == terms.worker
    columns = released(chunks.c.attempts, terms, failure)
    # What is to be split needs no pause before.
    columns["resend_at"] = case((chunks.c.attempts < terms.max_attempts, columns["resend_at"]), else_=func.now())
    failed = (
        update(chunks)
        .where(chunks.c.batch == batch, chunks.c.n == n, still_open(chunks), is_this_attempt)
        .values(**columns)
        .returning(chunks.c.attempts)
    )
    with translate_errors(engine), engine.begin() as connection:
        attempts = connection.execute(failed).scalar()
        if attempt is None or attempts is None or attempts < terms.max_attempts:
            return []
        return _split_or_close(connection, batch, n, terms, failure, [])


def postpone_chunk(
    engine: Engine, batch: uuid.UUID, n: int, terms: LeaseTerms, failure: Failure, *, attempt: int
) -> None:
    """Give a chunk back that this worker can't judge, though nothing is wrong with it: another may, in a moment.

    Its attempts are as they were, so that it is not split, and none of its rows dies of it.

    Args:
        engine: the database.
        batch: the batch's id.
        n: which chunk.
        terms: of the attempt.
        failure: why it can't be judged here.
        attempt: its number.

    Raises:
        DatabaseUnreachable: nothing was written; the lease expires.
    """
    told = {"worker": terms.worker, "code": failure.code, "reason": storable(failure.reason)}
    given = (
        update(chunks)
        .where(chunks.c.batch == batch, chunks.c.n == n, still_open(chunks), chunks.c.attempts == attempt)
        .values(attempts=attempt - 1, lease_until=None, resend_at=func.now() + _POSTPONED, **told)
    )
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(given)


def finish_batch(connection: Connection, batch: uuid.UUID) -> None:
    """Close a batch if none of its chunks is open.

    Args:
        connection: in the transaction that closed one of them.
        batch: the batch's id.
    """
    # Chunks that finish together wait for each other here, or neither would see that the other was the last.
    connection.execute(_LOCK, {"of_batch": batch})
    connection.execute(_FINISH, {"of_batch": batch})


def _split_or_close(
    connection: Connection, batch: uuid.UUID, n: int, terms: LeaseTerms, failure: Failure, conditions: list[Any]
) -> list[TaskMessage]:
    """Close a chunk that is not tried any more: split it, or write the dead letter of its only row.

    Returns the messages of the parts; none if the chunk is closed already or a condition fails."""
    closed = (
        update(chunks)
        .where(chunks.c.batch == batch, chunks.c.n == n, still_open(chunks), *conditions)
        .where(batches.c.id == chunks.c.batch)
        .values(state=case((chunks.c.rows > 1, "split"), else_="dead"), lease_until=None, finished_at=func.now())
        .returning(chunks, batches.c.domain)
    )
    row = connection.execute(closed).mappings().first()
    if row is None:
        return []
    if row["state"] == "dead":
        [subject] = decode(row["facts"])[SUBJECT_COLUMN]
        letter_id = uuid.uuid5(batch, subject)
        of_subject = {**row, "subject": subject}
        write_dead_letter(connection, failure, id=letter_id, kind="row", row=of_subject, batch=batch, chunk=n)
        finish_batch(connection, batch)
        return []
    connection.execute(_LOCK, {"of_batch": batch})
    last = connection.execute(select(func.max(chunks.c.n)).where(chunks.c.batch == batch)).scalar_one()
    frame = decode(row["facts"])
    parts = enumerate(encode(frame, -(-len(frame) // PARTS)), last + 1)
    # The whole chunk was tried often enough: each part has one attempt, and keeps the last failure of the whole. A row
    # alone has two, for it is dead if they fail, and one may fail for a reason that is not its own.
    shared = {name: row[name] for name in ("form", "worker", "code", "reason")} | {"resend_at": func.now() + _SENDING}
    shared |= {"batch": batch, "attempts": terms.max_attempts - 1}
    values = [{**shared, "n": m, "rows": rows, "facts": facts} for m, (rows, facts) in parts]
    for value in values:
        if value["rows"] == 1:
            value["attempts"] = max(0, terms.max_attempts - 2)
    connection.execute(insert(chunks).values(values))
    return [chunk_message(row["domain"], batch, value["n"]) for value in values]
