"""A batch against the one before it.  two batches -> [batch_comparison] -> which subjects came out otherwise

The one before is the last that was done of the same domain and source, or the nightly before of a nightly. A subject's
verdict has an id that follows from its batch, so each is found in the other batch at once. A batch may be a million
rows: a look is at so many of the last judged, and says so; all of them only if somebody asks and waits."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Uuid, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from rulefarm.database import batches, translate_errors, verdicts

#: Subjects that are named of each kind of difference.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Flip:
    """Subjects that came out otherwise than in the batch before."""

    before: str
    after: str
    number: int
    #: Some of them.
    subjects: list[str]


@dataclass(frozen=True, slots=True)
class BatchComparison:
    """What is not as it was in the batch before."""

    #: The batch before: its row.
    before: Mapping[str, Any]
    #: Subjects of this batch that were looked at, and those of them that the one before had too.
    looked_at: int
    compared: int
    #: The most first.
    flips: list[Flip]
    #: Whether every subject was looked at.
    is_whole: bool


def previous_batch(connection: Connection, batch: Mapping[str, Any]) -> dict[str, Any] | None:
    """The batch before; None: there is none on record.

    Args:
        connection: to the database.
        batch: its row.
    """
    statement = select(batches).where(
        batches.c.domain == batch["domain"], batches.c.state == "done", batches.c.enqueued_at < batch["enqueued_at"]
    )
    same = batches.c.nightly if batch["nightly"] else batches.c.source == batch["source"]
    statement = statement.where(same).order_by(batches.c.enqueued_at.desc()).limit(1)
    found = connection.execute(statement).mappings().first()
    return None if found is None else dict(found)


def compare_last(
    connection: Connection, batch: Mapping[str, Any], before: Mapping[str, Any], last: Sequence[Row[Any]]
) -> BatchComparison:
    """Compare the subjects of a batch that were judged last.

    Args:
        connection: to the database.
        batch: its row.
        before: that of the batch before.
        last: subject and outcome of those that are compared.
    """
    ids = {uuid.uuid5(before["id"], row.subject): row for row in last}
    there = select(verdicts.c.id, verdicts.c.outcome).where(
        verdicts.c.enqueued_at == before["enqueued_at"],
        # As one value: a thousand take longer to be written one by one than to be found.
        verdicts.c.id == any_(cast(list(ids), ARRAY(Uuid))),
    )
    then = {row.id: row.outcome for row in connection.execute(there)}
    flipped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for verdict_id, outcome in then.items():
        now = ids[verdict_id]
        if now.outcome != outcome:
            flipped[outcome, now.outcome].append(now.subject)
    flips = [Flip(*pair, len(subjects), sorted(subjects)[:_NAMED]) for pair, subjects in flipped.items()]
    is_whole = len(last) == batch["rows"]
    return BatchComparison(before, len(last), len(then), _most_first(flips), is_whole)


def compare_all(engine: Engine, batch: Mapping[str, Any], before: Mapping[str, Any]) -> BatchComparison:
    """Compare every subject of a batch: seconds for a million.

    Args:
        engine: the database, which gives up in time.
        batch: its row.
        before: that of the batch before.

    Raises:
        DatabaseUnreachable: no answer, or not in time.
    """
    now, then = verdicts.alias("now"), verdicts.alias("before")
    # In order, so that who looks twice is named the same; and few, for all of a million may be otherwise.
    named = func.array_agg(aggregate_order_by(now.c.subject, now.c.subject)).filter(now.c.outcome != then.c.outcome)
    statement = (
        select(then.c.outcome, now.c.outcome, func.count(), named[1:_NAMED])
        .join(then, (then.c.subject == now.c.subject) & (then.c.batch == before["id"]))
        .where(now.c.batch == batch["id"], now.c.enqueued_at == batch["enqueued_at"])
        .where(then.c.enqueued_at == before["enqueued_at"])
        .group_by(then.c.outcome, now.c.outcome)
    )
    total = select(func.count()).where(verdicts.c.batch == batch["id"])
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(statement).all()
        looked_at = connection.execute(total).scalar_one()
    flips = [Flip(earlier, later, number, subjects) for earlier, later, number, subjects in rows if earlier != later]
    return BatchComparison(before, looked_at, sum(row[2] for row in rows), _most_first(flips), True)


def _most_first(flips: list[Flip]) -> list[Flip]:
    return sorted(flips, key=lambda flip: (-flip.number, flip.before, flip.after))
