"""Partitions of the verdicts by month, other regions' too.  calendar -> [partitions] -> CREATE TABLE … PARTITION OF

A month's partition must exist before its first verdict: what falls into no month lands in the default partition, which
loses nothing but can't be dropped by age."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, text

from store.region_tables import copies

#: Months made ahead, this one included: a farm whose beat is dead for a quarter still files by month.
MONTHS_AHEAD = 4
#: Key of the advisory lock under which the schema is changed: two processes may start at once.
SCHEMA_LOCK = 0x72756C6573
#: What Postgres says when a lock can't be had: lock_not_available, deadlock_detected.
LOCK_REFUSED = ("55P03", "40P01")


def missing_partitions(connection: Connection, count: int) -> list[str]:
    """The partitions that are not there, of this month and the coming ones by Postgres's clock.

    Args:
        connection: to the database.
        count: of months, this one included.
    """
    now = connection.execute(select(func.now())).scalar_one()
    names = [name for tree in trees(connection) for name, _, _ in months(now, count, tree)]
    there = text("select relname from pg_class where relname = any(:names) and pg_table_is_visible(oid)")
    return sorted(set(names) - set(connection.execute(there, {"names": names}).scalars()))


def ensure_partitions(connection: Connection, now: datetime | None = None) -> list[str]:
    """Make the partitions of this month and the coming ones.

    Args:
        connection: in a transaction.
        now: which month is this one. Default: that of Postgres's clock.

    Returns:
        Names of those that were missing.
    """
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
    now = now or connection.execute(select(func.now())).scalar_one()
    made = []
    for tree in trees(connection):
        for name, start, end in months(now, MONTHS_AHEAD, tree):
            if connection.execute(text("select to_regclass(:name)"), {"name": name}).scalar() is None:
                # Names and bounds come from the calendar; DDL takes no parameters.
                connection.execute(
                    text(f"create table {name} partition of {tree} for values from ('{start}') to ('{end}')")
                )
                made.append(name)
    return made


def trees(connection: Connection) -> list[str]:
    """The tables that have a partition a month: the own verdicts first, then copies of other regions'."""
    return ["verdicts", *(f"verdicts_{region}" for region in copies(connection))]


def months(now: datetime, count: int, tree: str = "verdicts") -> Iterator[tuple[str, str, str]]:
    """Name, first instant and end of the partitions of some months, in order.

    Args:
        now: an instant of the first month.
        count: of months.
        tree: whose partitions they are.

    >>> [name for name, _, _ in months(datetime(2026, 11, 23, tzinfo=UTC), 3)]
    ['verdicts_2026_11', 'verdicts_2026_12', 'verdicts_2027_01']
    """
    first = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    for month in range(first, first + count):
        yield f"{tree}_{month // 12}_{month % 12 + 1:02}", _instant(month), _instant(month + 1)


def _instant(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02}-01T00:00:00+00:00"
