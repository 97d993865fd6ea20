"""What is not tried any more, with the reason.  attempts, refused messages -> [dead_letters] -> one row each

Writes rows. What is dead is decided by `store.attempts` and `store.chunk_attempts`; `store.dead_letter_retry` reopens
it when the operator asks for that."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql import insert

from rulefarm.database import dead_letters, translate_errors
from rulefarm.errors import RulefarmError

#: Characters of a reason, and of a refused message, that are kept.
MAX_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed."""

    #: Stable, kebab-case: worker-lost, worker-silent, time-limit, evaluation-failed, or that of one of our errors.
    code: str
    #: In words.
    reason: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """What an exception says: the code of one of ours, `evaluation-failed` for any other."""
        if isinstance(error, RulefarmError):
            return cls(error.code, error.message)
        return cls("evaluation-failed", f"{type(error).__name__}: {error}")

    def __str__(self) -> str:
        return f"{self.reason} [{self.code}]"


def write_dead_letter(
    connection: Connection, failure: Failure, *, id: uuid.UUID, kind: str, row: Mapping[str, Any], **where: Any
) -> None:
    """Write the dead letter of a job, or of a row of a batch, in the caller's transaction.

    Args:
        connection: in a transaction.
        failure: written if the row holds no failure of its own.
        id: of the job, or of the verdict that the row of the batch would have had.
        kind: `job` or `row`.
        row: of the ledger: domain, subject, attempts, worker, and code and reason of the last failure, if any.
        where: batch and chunk, of a row of a batch.
    """
    if row["code"]:
        failure = Failure(row["code"], row["reason"])
    copied = {name: row[name] for name in ("domain", "subject", "attempts", "worker")}
    values = {"id": id, "kind": kind, "code": failure.code, "reason": storable(failure.reason), **copied, **where}
    connection.execute(insert(dead_letters).values(values).on_conflict_do_nothing())


def record_message(
    engine: Engine,
    failure: Failure,
    *,
    worker: str,
    id: uuid.UUID | None = None,
    domain: str | None = None,
    content: str = "",
) -> None:
    """Write the dead letter of a message that was refused.

    Args:
        engine: the database.
        failure: why.
        worker: name of the worker that refused it.
        id: of its task, if it has one that is no job's; default: a new one.
        domain: of the queue that it came from, if known.
        content: the message; its beginning is kept.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    values = {
        "id": id or uuid.uuid4(),
        "kind": "message",
        "domain": domain,
        "code": failure.code,
        "reason": storable(failure.reason),
        "worker": worker,
        "attempts": 1,
        "content": storable(content),
    }
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(insert(dead_letters).values(values).on_conflict_do_nothing())


def storable(text: str) -> str:
    """The beginning of a text, without what Postgres can't store."""
    return text[:MAX_CHARACTERS].replace("\0", "\ufffd").encode(errors="replace").decode()
