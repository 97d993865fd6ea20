"""Batches that failed, on record.  submit -> [failures] -> batch row

A source that is refused at night would leave a line in some log. Here it leaves a batch in the state `failed`, with the
reason; a batch of the same id that is submitted again takes its place."""

from typing import Any

from sqlalchemy import Connection, Engine, func
from sqlalchemy.dialects.postgresql import insert

from rulefarm.batch.source_options import Progress
from rulefarm.database import batches, translate_errors
from rulefarm.errors import RulefarmError

#: Characters of a reason that are kept.
_MOST = 1_000


def take_id(connection: Connection, record: dict[str, Any]) -> bool:
    """Write the row of a batch that is about to be read; one that failed makes place for it.

    Args:
        connection: in the transaction that writes its chunks.
        record: the columns of its row.

    Returns:
        Whether the id is ours now; False: a batch of that id is on record, and did not fail.
    """
    statement = insert(batches).values(record)
    fresh = {name: statement.excluded[name] for name in ("source", "as_of", "nightly", "traceparent")}
    cleared = dict.fromkeys(("code", "reason", "finished_at"))
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_=fresh | cleared | {"state": "open", "enqueued_at": func.now()},
        where=batches.c.state == "failed",
    )
    return connection.execute(statement.returning(batches.c.id)).first() is not None


def record_failure(engine: Engine, record: dict[str, Any], progress: Progress, error: Exception) -> None:
    """Put on record that a batch failed; one of that id which did not is left alone.

    Args:
        engine: the database.
        record: the columns of its row.
        progress: how far its source was read.
        error: why.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    if isinstance(error, RulefarmError):
        code, reason = error.code, error.message
    else:
        code, reason = "unexpected-error", f"{type(error).__name__}: {error}"
    failed = {
        "state": "failed",
        "records": progress.read,
        "refused": progress.refused,
        "remarks": progress.remarks,
        "code": code,
        # What Postgres can't store is nothing that a reason needs.
        "reason": reason[:_MOST].replace("\x00", "\ufffd").encode(errors="replace").decode(),
        "finished_at": func.clock_timestamp(),
    }
    statement = insert(batches).values(record | failed | {"rows": 0, "chunks": 0, "attempts": 1})
    again = failed | {"source": record["source"], "attempts": batches.c.attempts + 1}
    statement = statement.on_conflict_do_update(index_elements=["id"], set_=again, where=batches.c.state == "failed")
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(statement)
