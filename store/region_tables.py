"""The tables of verdicts of several regions.  verdicts -> [region_tables] -> verdicts_<region> of each, verdicts_all

The own verdicts stay where they are: `verdicts` becomes the one partition of `verdicts_<own region>`, and is published
by that name. Each other region's have a tree of their own, by months, which replication alone writes: so no row is ever
written by two. `verdicts_all` is their union. What is copied, and whether, is for `store.replication` to say."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text

from rulefarm.database import verdicts

#: What a region can be called, as `rulefarm.region_places` has it.
_COPY = re.compile(r"verdicts_([a-z][a-z0-9]{0,15})")
_COLUMNS = (
    "select attname as name, format_type(atttypid, atttypmod) as type, pg_get_expr(adbin, adrelid) as otherwise"
    " from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum"
    " where attrelid = to_regclass(:table) and attnum > 0 and not attisdropped order by attnum"
)
_INDEXES = "select pg_get_indexdef(indexrelid) from pg_index where indrelid = to_regclass(:table)"
_PARENT = "select inhparent::regclass::text from pg_inherits where inhrelid = to_regclass('verdicts')"
_TREES = (
    "select relname from pg_class where relkind = 'p' and relname like 'verdicts\\_%' and pg_table_is_visible(oid)"
    " and relname is distinct from (select relname from pg_class p join pg_inherits on inhparent = p.oid"
    " where inhrelid = to_regclass('verdicts')) order by 1"
)


@dataclass(frozen=True, slots=True)
class RegionTables:
    """Whose verdicts a database has places for."""

    #: The region whose own they are; None: replication was never set up.
    own: str | None
    #: The regions whose verdicts are copied.
    copies: Sequence[str]


def region_tables(connection: Connection) -> RegionTables:
    """Whose verdicts this database has places for."""
    parent = connection.execute(text(_PARENT)).scalar()
    return RegionTables(None if parent is None else str(parent).removeprefix("verdicts_"), copies(connection))


def copies(connection: Connection) -> list[str]:
    """The other regions whose verdicts have a place in this database."""
    names = (_COPY.fullmatch(name) for name in connection.execute(text(_TREES)).scalars())
    return [name[1] for name in names if name]


def add_own(connection: Connection, region: str) -> None:
    """Give the own verdicts the name by which they are published.

    Args:
        connection: in a transaction that changes tables.
        region: this one.
    """
    _run(connection, f"create table verdicts_{region} (like verdicts) partition by range (enqueued_at)")
    _attach(connection, region)


def add_copy(connection: Connection, region: str) -> None:
    """Make the place for the verdicts of another region.

    Args:
        connection: in a transaction that changes tables.
        region: the other.
    """
    name, schema = f"verdicts_{region}", connection.execute(text("select quote_ident(current_schema())")).scalar_one()
    _run(connection, f"create table {name} (like verdicts including defaults) partition by range (enqueued_at)")
    _run(connection, f"create table {name}_default partition of {name} default")
    _follow(connection, region)
    # What is there stays, and is no conflict, at which replication would stop for good: a copy may be begun anew at any
    # time, and a region that was restored from a backup judges again what it judged before. Replication has no
    # search_path, so the names are whole.
    _run(
        connection,
        f"create function {name}_once() returns trigger language plpgsql as $$ begin"
        f" if exists (select from {schema}.{name} where id = new.id and enqueued_at = new.enqueued_at)"
        " then return null; end if; return new; end $$",
    )
    _run(connection, f"create trigger once before insert on {name} for each row execute function {name}_once()")
    _run(connection, f"alter table {name} enable always trigger once")


def make_union(connection: Connection) -> None:
    """Make `verdicts_all` of what there is.

    Args:
        connection: in a transaction that changes tables.
    """
    found = region_tables(connection)
    columns = ", ".join(column.name for column in verdicts.columns)
    parts = [(found.own, "verdicts"), *((region, f"verdicts_{region}") for region in found.copies)]
    union = " union all ".join(
        f"select cast('{region}' as text) as region, {columns} from {name}" for region, name in parts
    )
    drop_union(connection)
    _run(connection, f"create view verdicts_all as {union}")
    # Whoever may read the own may read all.
    _run(
        connection,
        "do $$ declare who text; begin for who in select distinct grantee from information_schema.role_table_grants"
        " where table_name = 'verdicts' and table_schema = current_schema() and privilege_type = 'SELECT'"
        " loop execute 'grant select on verdicts_all to ' || case who when 'PUBLIC' then who else quote_ident(who) end;"
        " end loop; end $$",
    )


def drop_union(connection: Connection) -> None:
    """Drop `verdicts_all`, if it is there.

    Args:
        connection: in a transaction that changes tables.
    """
    _run(connection, "drop view if exists verdicts_all")


def drop_own(connection: Connection, region: str) -> None:
    """Have the own verdicts be as if they had never been published.

    Args:
        connection: in a transaction that changes tables.
        region: this one.
    """
    _run(connection, f"alter table verdicts_{region} detach partition verdicts")
    _run(connection, f"drop table verdicts_{region}")


def drop_copy(connection: Connection, region: str) -> None:
    """Drop the verdicts of another region.

    Args:
        connection: in a transaction that changes tables.
        region: the other.
    """
    _run(connection, f"drop table verdicts_{region}")
    _run(connection, f"drop function verdicts_{region}_once()")


@contextmanager
def columns_changing(connection: Connection) -> Iterator[None]:
    """Let the columns of verdicts change, which those of a partition can't; then have all others follow.

    Args:
        connection: in a transaction that changes tables.
    """
    found = region_tables(connection)
    if found.own is not None:
        drop_union(connection)
        _run(connection, f"alter table verdicts_{found.own} detach partition verdicts")
    yield
    if found.own is not None:
        for region in found.copies:
            _follow(connection, region)
        _follow_columns(connection, f"verdicts_{found.own}")
        _attach(connection, found.own)
        make_union(connection)


def _attach(connection: Connection, region: str) -> None:
    # Every instant is in it, which needs no look at the rows.
    bounds = "for values from (minvalue) to (maxvalue)"
    _run(connection, f"alter table verdicts_{region} attach partition verdicts {bounds}")


def _follow(connection: Connection, region: str) -> None:
    """Give a copy the columns and the indexes that verdicts has."""
    name = f"verdicts_{region}"
    _follow_columns(connection, name)
    there = {_shape(each) for each in _indexes(connection, name)}
    for index in _indexes(connection, "verdicts"):
        if _shape(index) not in there:
            unique = "unique " if index.startswith("CREATE UNIQUE") else ""
            _run(connection, f"create {unique}index on {name} using {_shape(index)}")


def _follow_columns(connection: Connection, name: str) -> None:
    there = {row.name for row in connection.execute(text(_COLUMNS), {"table": name})}
    ours = {row.name: row for row in connection.execute(text(_COLUMNS), {"table": "verdicts"})}
    for column in there - set(ours):
        _run(connection, f'alter table {name} drop column "{column}"')
    for column, row in ours.items():
        if column not in there:
            # It may be empty where the other region's has none yet.
            otherwise = "" if row.otherwise is None else f" default {row.otherwise}"
            _run(connection, f'alter table {name} add column "{column}" {row.type}{otherwise}')


def _indexes(connection: Connection, name: str) -> list[str]:
    return list(connection.execute(text(_INDEXES), {"table": name}).scalars())


def _shape(index: str) -> str:
    """What an index is of, however it is called."""
    return index.partition(" USING ")[2]


def _run(connection: Connection, statement: str) -> None:
    # DDL takes no parameters: names are those of regions, which are letters and digits, and of the catalogue.
    connection.exec_driver_sql(statement.replace("%", "%%"))
