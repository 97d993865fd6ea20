"""How a batch is, or was.  batches, chunks, verdicts -> [batch_record] -> Farm.batch, who looks at a batch

Of a batch that is done the outcomes stand in its row, and of one that is under way in its chunks, each of which says
its own when it is closed. To count the verdicts, of which there may be a million, would take too long: whoever waits
for a batch looks again and again. Reads only."""

import uuid
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from rulefarm.database.connection import translate_errors
from rulefarm.database.tables import batches, chunks, dead_letters, verdicts
from rulefarm.errors import NotFound

_OF_CHUNKS = text(
    "select told.key, sum(cast(told.value as bigint)) from chunks, jsonb_each_text(outcomes) as told"
    " where batch = :batch and state = 'done' group by told.key"
)


def read_batch(engine: Engine, batch_id: uuid.UUID) -> dict[str, Any]:
    """A batch's row, how many of its subjects have which outcome, and how many are dead letters.

    Args:
        engine: the database.
        batch_id: its id.

    Raises:
        NotFound: no such batch.
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        row = connection.execute(select(batches).where(batches.c.id == batch_id)).mappings().first()
        if row is None:
            raise NotFound("no-such-batch", f"no batch {batch_id} is on record")
        counted = row["outcomes"] if row["state"] == "done" else None
        if counted is None and row["state"] == "open":
            counted = _told_by_chunks(connection, batch_id)
        if counted is None:
            each = select(verdicts.c.outcome, func.count()).where(verdicts.c.batch == batch_id)
            counted = {row.outcome: row[1] for row in connection.execute(each.group_by(verdicts.c.outcome))}
        letters = select(func.count()).select_from(dead_letters).where(dead_letters.c.batch == batch_id)
        dead = connection.execute(letters).scalar_one()
    return dict(row) | {"outcomes": counted, "dead": dead}


def _told_by_chunks(connection: Connection, batch_id: uuid.UUID) -> dict[str, int] | None:
    """The outcomes of the chunks that are closed; None: one was closed and says nothing of them."""
    counted = {outcome: int(number) for outcome, number in connection.execute(_OF_CHUNKS, {"batch": batch_id})}
    # Asked last: what is closed meanwhile is not counted, but is not missed either.
    silent = select(chunks.c.n).where(chunks.c.batch == batch_id, chunks.c.state == "done")
    return None if connection.execute(silent.where(chunks.c.outcomes.is_(None)).limit(1)).first() else counted
