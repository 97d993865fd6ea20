"""Dead letters, looked at and tried again.  dead_letters -> [dead_letter_retry] -> open jobs and chunks, messages

For the operator, once the cause is mended. A letter is deleted by the transaction that reopens what it is about, so
that at any moment there is one or the other. A refused message can't be tried again: only its beginning is kept. Who
tries again and who drops stands on the trail of `store.operator_actions`."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, or_, select, tuple_, update

from rulefarm.database import batches, chunks, dead_letters, jobs, message_of_row, still_open, translate_errors
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.messaging import TaskMessage, chunk_message
from store.attempts import is_free
from store.operator_actions import Operator, record_action

#: Rows that one transaction reopens or deletes, and messages that are sent at once: the reconciler, which keeps to the
#: limit of the queues, sends the rest.
PORTION = 1000
#: A job or chunk as it was before its first attempt.
_FRESH: dict[str, Any] = {
    "state": "open",
    "attempts": 0,
    "lease_until": None,
    "worker": None,
    "code": None,
    "reason": None,
    "resend_at": func.now(),
}


class NotRetryable(RulefarmError):
    """What a dead letter is about can't be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which dead letters: those that all of this is true of; without anything, all."""

    ids: Sequence[uuid.UUID] = ()
    domain: str | None = None
    code: str | None = None
    batch: uuid.UUID | None = None
    #: Of one of these domains; None: of any, and of none.
    domains: Collection[str] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL."""
        columns = {"domain": self.domain, "code": self.code, "batch": self.batch}
        conditions = [dead_letters.c[name] == value for name, value in columns.items() if value is not None]
        if self.domains is not None:
            conditions.append(dead_letters.c.domain.in_(sorted(self.domains)))
        return [*conditions, dead_letters.c.id.in_(self.ids)] if self.ids else conditions

    def to_json(self) -> dict[str, Any]:
        """What is asked for, as plain data."""
        columns = {"domain": self.domain, "code": self.code, "batch": self.batch}
        lists = {"ids": [str(letter) for letter in self.ids], "domains": sorted(self.domains or ())}
        said: dict[str, Any] = {name: str(value) for name, value in columns.items() if value is not None}
        return said | {name: values for name, values in lists.items() if values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What was reopened."""

    #: How many jobs and rows of batches.
    count: int
    #: To be sent now; the reconciler sends those of the others.
    messages: list[TaskMessage]
    #: Letters that were left: refused messages, and what is no longer on record.
    left: int


def find_letters(
    engine: Engine, wanted: LetterFilter, *, limit: int | None = None, after: tuple[datetime, uuid.UUID] | None = None
) -> list[dict[str, Any]]:
    """Dead letters, newest first.

    Args:
        engine: the database.
        wanted: which.
        limit: at most so many.
        after: `died_at` and `id` of the last one of the page before. Default: from the newest on.

    Raises:
        NotFound: one of the ids is no dead letter's.
        DatabaseUnreachable: no answer.
    """
    newest = select(dead_letters).order_by(dead_letters.c.died_at.desc(), dead_letters.c.id).limit(limit)
    if after is not None:
        died_at, last = after
        older = or_(dead_letters.c.died_at < died_at, dead_letters.c.id > last)
        newest = newest.where(dead_letters.c.died_at <= died_at, older)
    with translate_errors(engine), engine.connect() as connection:
        letters = [dict(row) for row in connection.execute(newest.where(*wanted.conditions())).mappings()]
    missing = set(wanted.ids) - {letter["id"] for letter in letters} if limit is None else None
    if missing:
        raise NotFound(
            "no-such-letter", f"there is no dead letter {min(missing)}", "'rulefarm dead-letters list' lists them"
        )
    return letters


def count_letters(engine: Engine, wanted: LetterFilter) -> int:
    """How many dead letters there are.

    Args:
        engine: the database.
        wanted: which.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(func.count()).select_from(dead_letters).where(*wanted.conditions())
    with translate_errors(engine), engine.connect() as connection:
        return connection.execute(statement).scalar_one()


def retry_letters(
    engine: Engine, wanted: LetterFilter, operator: Operator, *, grace_s: float, portion: int = PORTION
) -> Retried:
    """Reopen what dead letters are about: no attempt counted, due now.

    Args:
        engine: the database.
        wanted: those to try again.
        operator: who does it.
        grace_s: seconds before the reconciler sends again what is sent now.
        portion: how many one transaction reopens, and how many messages are to be sent now.

    Raises:
        DatabaseUnreachable: what was reopened before stays so; repeat it for the rest.
    """
    count, messages = 0, list[TaskMessage]()
    for ids in _portions(engine, [*wanted.conditions(), dead_letters.c.kind != "message"], portion):
        with translate_errors(engine), engine.begin() as connection:
            letters = _locked(connection, ids)
            is_first = not messages
            sending = {
                "times_sent": int(is_first),
                "resend_at": func.now() + func.make_interval(0, 0, 0, 0, 0, 0, grace_s),
            }
            opened = _FRESH | (sending if is_first else {"times_sent": 0})
            reopened, their_messages = _reopen(connection, letters, opened)
            connection.execute(delete(dead_letters).where(dead_letters.c.id.in_(reopened)))
            record_action(connection, operator, "retry", wanted.to_json(), reopened)
        count += len(reopened)
        messages += their_messages if is_first else []
    return Retried(count=count, messages=messages, left=count_letters(engine, wanted))


def drop(engine: Engine, wanted: LetterFilter, operator: Operator, *, portion: int = PORTION) -> int:
    """Delete dead letters. Their jobs and rows stay closed, without a verdict.

    Args:
        engine: the database.
        wanted: the ones to delete.
        operator: who does it.
        portion: how many one transaction deletes.

    Returns:
        How many.

    Raises:
        DatabaseUnreachable: what was deleted before is gone.
    """
    dropped = 0
    for ids in _portions(engine, wanted.conditions(), portion):
        with translate_errors(engine), engine.begin() as connection:
            gone = delete(dead_letters).where(dead_letters.c.id.in_(ids)).returning(dead_letters.c.id)
            deleted = list(connection.execute(gone).scalars())
            record_action(connection, operator, "drop", wanted.to_json(), deleted)
        dropped += len(deleted)
    return dropped


def resume(engine: Engine, batch: uuid.UUID, *, grace_s: float) -> tuple[int, list[TaskMessage]]:
    """Make everything due that is open in a batch and that nobody works on.

    Args:
        engine: the database.
        batch: the batch's id.
        grace_s: seconds before the reconciler sends again what is sent now.

    Returns:
        How many chunks, and the messages to send now; the reconciler sends those of the others.

    Raises:
        NotFound: no such batch.
        DatabaseUnreachable: nothing was changed.
    """
    waiting = (chunks.c.batch == batch, still_open(chunks), is_free(chunks))
    grace = func.make_interval(0, 0, 0, 0, 0, 0, grace_s)
    with translate_errors(engine), engine.begin() as connection:
        domain = connection.execute(select(batches.c.domain).where(batches.c.id == batch)).scalar()
        if domain is None:
            raise NotFound("no-such-batch", f"no batch {batch} is on record")
        due = connection.execute(update(chunks).where(*waiting).values(resend_at=func.now())).rowcount
        first = select(chunks.c.n).where(*waiting).order_by(chunks.c.n).limit(PORTION)
        statement = update(chunks).where(*waiting, chunks.c.n.in_(first))
        statement = statement.values(times_sent=chunks.c.times_sent + 1, resend_at=func.now() + grace)
        taken = sorted(connection.execute(statement.returning(chunks.c.n)).scalars())
    return due, [chunk_message(domain, batch, n) for n in taken]


def _portions(engine: Engine, conditions: Sequence[ColumnElement[bool]], portion: int) -> Iterator[list[uuid.UUID]]:
    """The ids of letters that the conditions are true of, a portion at a time; each once, even if it stays a letter."""
    last: uuid.UUID | None = None
    while True:
        after = [] if last is None else [dead_letters.c.id > last]
        statement = select(dead_letters.c.id).where(*conditions, *after).order_by(dead_letters.c.id).limit(portion)
        with translate_errors(engine), engine.connect() as connection:
            ids = list(connection.execute(statement).scalars())
        if not ids:
            return
        last = ids[-1]
        yield ids


def _locked(connection: Connection, ids: Sequence[uuid.UUID]) -> list[Any]:
    # In one order, for two people may do this at once; who comes second finds the letters gone.
    statement = select(dead_letters).where(dead_letters.c.id.in_(ids)).order_by(dead_letters.c.id).with_for_update()
    return list(connection.execute(statement))


def _reopen(
    connection: Connection, letters: Sequence[Any], opened: dict[str, Any]
) -> tuple[list[Any], list[TaskMessage]]:
    """Reopen the jobs and the one-row chunks of letters, and the batches of these."""
    ids = [letter.id for letter in letters if letter.kind == "job"]
    again = update(jobs).where(jobs.c.id.in_(ids), jobs.c.state == "dead").values(opened)
    rows = connection.execute(again.returning(*jobs.columns)).all()
    reopened, messages = [row.id for row in rows], [message_of_row(row) for row in rows]
    places = {(letter.batch, letter.chunk): letter for letter in letters if letter.kind == "row"}
    if not places:
        return reopened, messages
    place = tuple_(chunks.c.batch, chunks.c.n)
    parted = update(chunks).where(place.in_(list(places)), chunks.c.state == "dead").values(finished_at=None, **opened)
    for row in connection.execute(parted.returning(chunks.c.batch, chunks.c.n)):
        letter = places[row.batch, row.n]
        reopened.append(letter.id)
        messages.append(chunk_message(letter.domain, row.batch, row.n))
    parents = sorted({batch for batch, _ in places})
    connection.execute(select(batches.c.id).where(batches.c.id.in_(parents)).order_by(batches.c.id).with_for_update())
    has_open = select(chunks.c.n).where(chunks.c.batch == batches.c.id, still_open(chunks)).exists()
    connection.execute(
        update(batches).where(batches.c.id.in_(parents), has_open).values(state="open", finished_at=None, outcomes=None)
    )
    return reopened, messages
