"""One statement that is a transaction of its own, in one round trip.  statement, values -> [alone] -> its rows

For what is done with every job: SQLAlchemy would begin, execute and commit, and take longer for it than Postgres. Takes
SQL, and values that the driver writes as they are: ids and JSON as text. Behind a pooler that needs to be told the
settings with each transaction it is one of three statements, as any other."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg2
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import psycopg2 as dialects
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.expression import ClauseElement

from rulefarm.database.connection import translate_errors
from rulefarm.database.prepared import execute_prepared
from rulefarm.database.session_settings import are_said_at_begin
from rulefarm.database.sqlstates import outage_of

#: Seconds within which it shows that a connection is of no use any more.
_AT_ONCE_S = 1.0

_Answer = TypeVar("_Answer")


def as_text(statement: ClauseElement) -> str:
    """The SQL of a statement, whose values have names, for the driver."""
    return str(statement.compile(dialect=dialects.dialect()))  # type: ignore[no-untyped-call]


def execute_alone(
    engine: Engine, statement: str, values: Mapping[str, Any], *, repeatable: bool = False, prepared: bool = False
) -> list[tuple[Any, ...]]:
    """Execute and commit one statement.

    Args:
        engine: the database.
        statement: SQL, with `%(name)s` for a value and `%%` for a percent sign.
        values: by their names.
        repeatable: whether it does no harm a second time; then it is tried once more, over another connection, if that
            which it was sent over was of no use. Default: it is not.
        prepared: whether Postgres plans it once a connection: see `rulefarm.database.prepared`. Default: each time.

    Returns:
        The rows that it returns, if it returns any.

    Raises:
        DatabaseUnreachable: no answer; of a statement that is not repeatable nobody knows whether it was executed.
        DatabaseRejected: Postgres does not take the statement, or its values.
    """
    with translate_errors(engine):
        if repeatable:
            return again_once(lambda: _execute(engine, statement, values, prepared=prepared))
        return _execute(engine, statement, values, prepared=prepared)


def again_once(write: Callable[[], _Answer]) -> _Answer:
    """Write; and once more, over another connection, if that which it was tried over was of no use.

    Args:
        write: does no harm a second time.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, psycopg2.Error: as it does.
    """
    try_again_until = time.monotonic() + _AT_ONCE_S
    try:
        return write()
    except (SQLAlchemyError, psycopg2.Error) as error:
        outage = outage_of(error)
        # Whoever has waited for an answer has waited enough.
        if outage is None or not outage.drops or time.monotonic() > try_again_until:
            raise
    return write()


def _execute(engine: Engine, statement: str, values: Mapping[str, Any], *, prepared: bool) -> list[tuple[Any, ...]]:
    connection = engine.raw_connection()
    try:
        if not are_said_at_begin(engine):
            driver: Any = connection.dbapi_connection
            driver.autocommit = True
            with driver.cursor() as cursor:
                if prepared:
                    execute_prepared(cursor, statement, values)
                else:
                    cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        outage = outage_of(error)
        if outage is not None and outage.drops:
            connection.invalidate(error)
            # The others are as old.
            engine.dispose()
        raise
    finally:
        with suppress(psycopg2.Error):
            connection.close()
    with engine.begin() as begun:
        found = begun.exec_driver_sql(statement, dict(values))
        return [tuple(row) for row in found] if found.returns_rows else []
