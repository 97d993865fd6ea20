"""The latest batches, those that failed, those that wait.  batches -> [batch_status] -> `rulefarm batch list`, doctor

Reads only. A failure stands until a later batch of the domain is done: of a nightly a nightly, of another another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select

from rulefarm.database import batches, chunks, still_open, translate_errors

#: What a list of batches tells of each.
_COLUMNS = (
    "id", "domain", "source", "state", "nightly", "rows", "records", "refused", "judged", "enqueued_at", "finished_at",
    "code", "reason", "attempts", "outcomes",
)  # fmt: skip


def find_batches(
    engine: Engine,
    *,
    domain: str | None = None,
    state: str | None = None,
    limit: int = 20,
    after: tuple[datetime, UUID] | None = None,
) -> list[dict[str, Any]]:
    """The latest batches, newest first.

    Args:
        engine: the database.
        domain: of this domain only.
        state: in this state only: open, done, failed.
        limit: at most so many.
        after: enqueued_at and id of a batch: only those that come behind it. Default: from the newest on.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(*(batches.c[name] for name in _COLUMNS))
    if after is not None:
        at, last = after
        statement = statement.where(batches.c.enqueued_at <= at)
        statement = statement.where((batches.c.enqueued_at < at) | (batches.c.id > last))
    if domain is not None:
        statement = statement.where(batches.c.domain == domain)
    if state is not None:
        statement = statement.where(batches.c.state == state)
    statement = statement.order_by(batches.c.enqueued_at.desc(), batches.c.id).limit(limit)
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def open_rows(engine: Engine, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Rows of batches that wait for a verdict, by the batch; one of which none does is left out.

    Args:
        engine: the database.
        ids: of the batches.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(chunks.c.batch, func.sum(chunks.c.rows)).where(chunks.c.batch.in_(ids), still_open(chunks))
    with translate_errors(engine), engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(statement.group_by(chunks.c.batch))}


def standing_failures(engine: Engine, *, limit: int = 100) -> list[dict[str, Any]]:
    """Batches that failed, and after which none was done, newest first.

    Args:
        engine: the database.
        limit: at most so many.

    Raises:
        DatabaseUnreachable: no answer.
    """
    later = batches.alias("later")
    done = (
        select(later.c.id)
        .where(later.c.domain == batches.c.domain, later.c.nightly == batches.c.nightly, later.c.state == "done")
        .where(later.c.enqueued_at > batches.c.enqueued_at)
    )
    statement = select(*(batches.c[name] for name in _COLUMNS)).where(batches.c.state == "failed", ~done.exists())
    statement = statement.order_by(batches.c.enqueued_at.desc()).limit(limit)
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def waiting_for_rules(engine: Engine) -> list[dict[str, Any]]:
    """The domains of which chunks wait for a worker that can judge by the ruleset of their batch, and why others can't.

    Raises:
        DatabaseUnreachable: no answer.
    """
    what = (batches.c.domain, func.count().label("chunks"), func.max(chunks.c.reason).label("reason"))
    statement = select(*what).join(batches).where(chunks.c.state == "open", chunks.c.lease_until.is_(None))
    statement = statement.where(chunks.c.code.in_(("ruleset-unusable", "ruleset-late"))).group_by(batches.c.domain)
    with translate_errors(engine), engine.connect() as connection:
        return [dict(row) for row in connection.execute(statement.order_by(batches.c.domain)).mappings()]
