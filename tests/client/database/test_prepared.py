"""A statement that comes with every job is planned once a connection, and carried out whatever the session knows."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from rulefarm.database import execute_alone
from rulefarm.database.prepared import execute_prepared

STATEMENT = "select %(first)s::int %% %(second)s::int as rest, %(first)s::int, 'rulefarm' like '%%farm'"
VALUES = {"second": 4, "first": 7, "unused": None}


@pytest.fixture
def cursor(database: Engine) -> Iterator[Any]:
    """Of a connection that commits by itself."""
    connection = database.raw_connection()
    connection.driver_connection.autocommit = True
    with connection.driver_connection.cursor() as cursor:
        yield cursor
    connection.close()


def known(cursor: Any) -> list[tuple[int, str]]:
    """How often each statement of ours was planned anew for its values, and carried out by the plan that is kept."""
    cursor.execute("select generic_plans + custom_plans, name from pg_prepared_statements where name like 'rulefarm%'")
    return list(cursor.fetchall())


def test_a_session_is_told_of_a_statement_once(cursor: Any) -> None:
    for _ in range(8):
        execute_prepared(cursor, STATEMENT, VALUES)
        assert cursor.fetchall() == [(3, 7, True)]
    execute_prepared(cursor, "select 1", {})
    assert cursor.fetchall() == [(1,)]
    assert sorted(count for count, _ in known(cursor)) == [1, 8]


def test_what_a_session_has_forgotten_is_carried_out_all_the_same(cursor: Any) -> None:
    execute_prepared(cursor, STATEMENT, VALUES)
    cursor.execute("deallocate all")
    for _ in range(2):
        execute_prepared(cursor, STATEMENT, VALUES)
        assert cursor.fetchall() == [(3, 7, True)]
    # It may be another session by then: it is told of nothing any more.
    assert known(cursor) == []


def test_a_session_that_another_client_has_told_of_it_may_be_had(cursor: Any) -> None:
    execute_prepared(cursor, STATEMENT, VALUES)
    cursor.connection.prepared = set()
    execute_prepared(cursor, STATEMENT, VALUES)
    assert cursor.fetchall() == [(3, 7, True)]
    assert [count for count, _ in known(cursor)] == [2]


def test_a_statement_alone_is_the_same_either_way(database: Engine) -> None:
    for prepared in (False, True, True):
        assert execute_alone(database, STATEMENT, VALUES, prepared=prepared) == [(3, 7, True)]
