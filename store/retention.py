"""Retention: delete what is old and closed.  age -> [retention] -> verdicts by months, closed work, drafts deleted

By whole months of submission, for a month of verdicts is one partition, and a job must not outlive its verdict: the
same key submitted again would be taken for done. Open work is never touched, nor what stands with it: the verdicts of
a batch that is still open, a job or batch whose dead letter is younger than the month. Who looked at facts, and what
operators did, is asked long after the facts are gone: these trails go by an age of their own, if one is named."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Table,
    Uuid,
    and_,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.exc import OperationalError, ProgrammingError

from rulefarm.database import batches, dead_letters, fact_views, jobs, operator_actions, translate_errors
from rulefarm.errors import RulefarmError
from store.draft_retention import prune_drafts
from store.partitions import LOCK_REFUSED, SCHEMA_LOCK, months, trees

#: Rows deleted in one transaction; a batch takes its chunks along.
_ROWS, _BATCHES = 5000, 20
#: Trails that name people and where they were, with when each row was written.
_TRAILS = ((fact_views, fact_views.c.viewed_at), (operator_actions, operator_actions.c.acted_at))
#: Seconds that dropping a partition waits for whoever reads the verdicts: longer, and everybody else waits behind it.
_LOCK_S = 5


class PartitionBusy(RulefarmError):
    """A partition can't be dropped while somebody reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was dropped, or would be."""

    #: Everything submitted before this instant.
    before: datetime
    #: Name of each partition, and the verdicts in it.
    partitions: dict[str, int]
    #: Partitions that stay, for a batch of theirs is still open.
    kept: list[str]
    #: Verdicts that fell into no month.
    verdicts: int
    jobs: int
    batches: int
    dead_letters: int
    #: Rulesets that were put on record to be tried, and that nothing refers to.
    drafts: int
    #: Name of each trail of what people did, and the rows that were older than was asked for; empty: all are kept.
    trails: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        counts = {"verdicts": self.verdicts, "jobs": self.jobs, "batches": self.batches}
        dropped = {"partitions": self.partitions, "kept": self.kept, **counts, "dead_letters": self.dead_letters}
        dropped |= {"drafts": self.drafts, "trails": self.trails}
        return {"before": self.before.isoformat(), **dropped}


def first_kept(now: datetime, age: timedelta) -> datetime:
    """The first instant of the oldest month of which anything is young enough to be kept.

    Args:
        now: this instant.
        age: what is younger is kept.

    >>> first_kept(datetime(2026, 11, 23, tzinfo=UTC), timedelta(days=90))
    datetime.datetime(2026, 8, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return (now.astimezone(UTC) - age).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def prune(
    engine: Engine,
    before: datetime,
    *,
    trails_before: datetime | None = None,
    dry_run: bool = False,
    lock_s: float = _LOCK_S,
) -> Pruned:
    """Drop what was submitted before an instant and is closed.

    Args:
        engine: the database.
        before: from `first_kept`: the start of a month.
        trails_before: of the trails of what people did, drop what was written before. Default: nothing.
        dry_run: count, and drop nothing.
        lock_s: seconds that dropping a month waits for whoever reads verdicts.

    Returns:
        What was dropped, or would be.

    Raises:
        PartitionBusy: somebody reads it; what was dropped before is gone, repeat it for the rest.
        DatabaseUnreachable: the same.
    """
    work = _count if dry_run else _delete
    # Drafts before what may name them: a dry run, which drops none of that, counts the same.
    drafts = prune_drafts(engine, before, dry_run=dry_run)
    # Then jobs and batches: who submits a key again then gets a new job, not one that is done and has no verdict.
    return Pruned(
        before=before,
        drafts=drafts,
        jobs=work(engine, jobs, _closed(jobs, before)),
        batches=work(engine, batches, _closed(batches, before)),
        dead_letters=work(engine, dead_letters, [dead_letters.c.died_at < before, ~_stays(dead_letters, before)]),
        trails={
            trail.name: work(engine, trail, [written_at < trails_before])
            for trail, written_at in _TRAILS
            if trails_before is not None
        },
        **_prune_verdicts(engine, before, lock_s=None if dry_run else lock_s),
    )


def _closed(table: Table, before: datetime) -> list[ColumnElement[bool]]:
    """Jobs or batches that may go: closed, old, and without a dead letter that somebody may still want to retry."""
    letter = dead_letters.c.batch if table is batches else dead_letters.c.id
    young = select(dead_letters.c.id).where(letter == table.c.id, dead_letters.c.died_at >= before).exists()
    return [table.c.state != "open", table.c.enqueued_at < before, ~young]


def _stays(table: Table, before: datetime) -> ColumnElement[bool]:
    """Whether the batch of a verdict or a dead letter stays."""
    return select(batches.c.id).where(batches.c.id == table.c.batch, ~and_(*_closed(batches, before))).exists()


def _count(engine: Engine, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    with translate_errors(engine), engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def _delete(engine: Engine, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    """Delete in portions, by id: each portion goes on where the last one ended, so the table is read once."""
    last: Any = uuid.UUID(int=0) if isinstance(table.c.id.type, Uuid) else 0
    deleted = 0
    while True:
        picked = select(table.c.id).where(table.c.id > last, *conditions).order_by(table.c.id)
        picked = picked.limit(_BATCHES if table is batches else _ROWS).with_for_update(skip_locked=True, of=table)
        with translate_errors(engine), engine.begin() as connection:
            gone = (
                connection.execute(delete(table).where(table.c.id.in_(picked), *conditions).returning(table.c.id))
                .scalars()
                .all()
            )
        if not gone:
            return deleted
        last, deleted = max(gone), deleted + len(gone)


def _prune_verdicts(engine: Engine, before: datetime, *, lock_s: float | None) -> dict[str, Any]:
    """Drop the months that have ended, and delete what fell into no month."""
    staying = [batches.c.enqueued_at < before, ~and_(*_closed(batches, before))]
    with translate_errors(engine), engine.connect() as connection:
        month = func.date_trunc("month", batches.c.enqueued_at)
        needed = {_partition(moment) for moment in connection.execute(select(month).where(*staying)).scalars()}
        months_of = {tree: _months_before(connection, tree, before) for tree in trees(connection)}
    # A copy of another region's goes by age alone: its work is that region's.
    kept = [name for name in months_of["verdicts"] if name in needed]
    ended = [name for names in months_of.values() for name in names if name not in kept]
    tried = {name: _drop_partition(engine, name, lock_s) for name in ended}
    dropped = {name: count for name, count in tried.items() if count is not None}
    work = _count if lock_s is None else _delete
    stray = 0
    for tree in months_of:
        table = _stray(tree)
        old = table.c.enqueued_at < before
        stray += work(engine, table, [old, ~_stays(table, before)] if tree == "verdicts" else [old])
    return {"partitions": dropped, "kept": kept, "verdicts": stray}


def _months_before(connection: Connection, tree: str, before: datetime) -> list[str]:
    """The partitions of the months that have ended."""
    [(first, _, _)] = months(before, 1, tree)
    names = connection.execute(
        text("select inhrelid::regclass::text from pg_inherits where inhparent = to_regclass(:tree)"), {"tree": tree}
    )
    month = re.compile(rf"{tree}_\d{{4}}_\d{{2}}")
    return sorted(name for name in names.scalars() if month.fullmatch(name) and name < first)


def _stray(tree: str) -> Table:
    """Verdicts whose month had no partition when they came."""
    columns = (
        Column("id", Uuid, primary_key=True),
        Column("enqueued_at", DateTime(timezone=True)),
        Column("batch", Uuid),
    )
    return Table(f"{tree}_default", MetaData(), *columns)


def _drop_partition(engine: Engine, name: str, lock_s: float | None) -> int | None:
    """Drop a month; gives the verdicts that were in it, or None if somebody else has dropped it."""
    # Names come from the catalogue, and are months.
    with translate_errors(engine), engine.connect() as connection:
        # Counted before the lock, under which the reconciler would wait.
        try:
            count: int = connection.execute(text(f"select count(*) from {name}")).scalar_one()
        except ProgrammingError as error:
            if getattr(error.orig, "pgcode", None) != "42P01":
                raise
            return None
    if lock_s is None:
        return count
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(text("set local lock_timeout = 0"))
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        # Asked of the catalogue's table: what looks names up by itself may not know yet what another one dropped.
        there = text("select exists(select from pg_class where relname = :name)")
        if not connection.execute(there, {"name": name}).scalar_one():
            return None
        connection.execute(text(f"set local lock_timeout = '{lock_s * 1000:.0f}ms'"))
        try:
            connection.execute(text(f"drop table {name}"))
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in LOCK_REFUSED:
                raise
            raise PartitionBusy(
                "partition-busy", f"{name} was in use for {lock_s:g} s and is still there", "try again later"
            ) from error
    return count


def _partition(moment: datetime) -> str:
    [(name, _, _)] = months(moment, 1)
    return name
