"""A connection that died in the pool is never met by whoever takes one, and one that lives is not asked."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from rulefarm.database import connect, execute_alone, translate_errors
from rulefarm.errors import DatabaseRejected, DatabaseUnreachable
from rulefarm.settings import Settings
from tests.processes import until
from tests.servers import metered


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """A pool of one connection."""
    made = connect(replace(settings, database_pool_size=1))
    yield made
    made.dispose()


def pid_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("select pg_backend_pid()")) or 0)


def end_session(database: Engine, pid: int) -> None:
    """From the server's side; it is over when this returns."""
    with database.connect() as connection:
        connection.execute(text("select pg_terminate_backend(:pid, 60000)"), {"pid": pid})


def in_a_transaction(engine: Engine) -> int:
    with engine.begin() as connection:
        return int(connection.scalar(text("select 6 * 7")) or 0)


def alone(engine: Engine) -> int:
    [(found,)] = execute_alone(engine, "select 6 * %(n)s", {"n": 7})
    return int(found)


@pytest.mark.parametrize("use", [in_a_transaction, alone])
def test_a_session_that_was_ended_in_the_pool_is_not_met(
    engine: Engine, database: Engine, use: Callable[[Engine], int]
) -> None:
    for _ in range(3):
        before = pid_of(engine)
        end_session(database, before)
        assert use(engine) == 42
        assert pid_of(engine) != before


def test_what_a_session_says_of_itself_ends_no_connection(engine: Engine, database: Engine) -> None:
    before = pid_of(engine)
    with engine.begin() as connection:
        connection.execute(text("listen news"))
    # It waits unread on the line, like a server's last words.
    with database.begin() as connection:
        connection.execute(text("notify news"))
    assert [alone(engine), in_a_transaction(engine), pid_of(engine)] == [42, 42, before]


@pytest.mark.parametrize(("again", "tries"), [(True, 2), (False, 1)])
def test_what_breaks_the_connection_is_sent_again_only_where_it_may_be(
    engine: Engine, database: Engine, again: bool, tries: int
) -> None:
    with database.begin() as connection:
        connection.execute(text("create sequence tries"))
    # It ends its own session, each time.
    statement = "select nextval('tries'), pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(DatabaseUnreachable):
        execute_alone(engine, statement, {}, repeatable=again)
    with database.begin() as connection:
        assert connection.scalar(text("select last_value from tries")) == tries
    assert alone(engine) == 42


def test_what_is_refused_is_sent_once_and_leaves_a_connection_of_use(engine: Engine, database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("create sequence tries"))
    before = pid_of(engine)
    with pytest.raises(DatabaseRejected):
        execute_alone(engine, "select 1 / (nextval('tries') - 1)", {}, repeatable=True)
    with database.begin() as connection:
        assert connection.scalar(text("select last_value from tries")) == 1
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(text("create table kept (x integer)"))
        connection.rollback()
    # Nothing of it is left: the next block is a transaction again.
    with database.connect() as connection:
        assert connection.scalar(text("select to_regclass('kept')")) is None
    assert pid_of(engine) == before


def test_a_statement_alone_is_one_round_trip(settings: Settings) -> None:
    url = make_url(settings.require_database())
    with metered(str(url.host), int(url.port or 0)) as (port, sent):
        through = url.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        engine = connect(replace(settings, database_url=through.render_as_string(hide_password=False)))
        assert alone(engine) == 42
        until(lambda: len(sent) > 1)
        del sent[:]
        assert alone(engine) == 42
        assert [data[:1] for data in sent] == [b"Q"]
        engine.dispose()
