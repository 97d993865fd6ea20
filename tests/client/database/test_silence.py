"""A Postgres that takes what it is sent and says nothing is given up in time, whatever one waits for."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import psutil
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from rulefarm.database import allow_long, checkout, connect, copy_rows, execute_alone, translate_errors, waited_s
from rulefarm.errors import DatabaseUnreachable
from rulefarm.settings import Settings
from tests.processes import until
from tests.relay import relay

#: Seconds after which a statement is given up here, and within which that has to be seen on a busy machine.
SILENCE_S, SEEN_S = 1.0, 60.0


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """Impatient, with one connection."""
    made = connect(replace(settings, database_pool_size=1), silence_s=SILENCE_S)
    yield made
    made.dispose()


@contextmanager
def frozen(connection: Connection) -> Iterator[None]:
    """The server's process of this connection stands still: the kernel takes what it is sent, and nobody answers."""
    process = psutil.Process(int(connection.connection.dbapi_connection.info.backend_pid))  # type: ignore[union-attr]
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


WAITS: dict[str, Callable[[Connection], object]] = {
    "statement": lambda connection: connection.execute(text("select 1")),
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "copy": lambda connection: copy_rows(connection, "kept", ("x",), [(1,)]),
}


def wait_for_a_frozen_server(engine: Engine, wait: Callable[[Connection], object]) -> None:
    with engine.connect() as connection:
        connection.execute(text("create temporary table kept (x integer)"))
        with frozen(connection):
            wait(connection)


@pytest.mark.parametrize("name", WAITS)
def test_whatever_waits_for_a_frozen_server_is_told_in_time(engine: Engine, name: str) -> None:
    before, begun = waited_s(), time.monotonic()
    with pytest.raises(DatabaseUnreachable) as caught, translate_errors(engine):
        wait_for_a_frozen_server(engine, WAITS[name])
    assert caught.value.code == "database-unreachable"
    assert "no answer within 1 s" in caught.value.message
    assert SILENCE_S <= time.monotonic() - begun < SEEN_S
    assert waited_s() - before >= SILENCE_S
    # Nothing is left of it: the next one has another connection.
    with engine.connect() as connection:
        assert connection.execute(text("select 1")).scalar() == 1


@contextmanager
def frozen_in_the_pool(engine: Engine) -> Iterator[None]:
    """The server's process of a connection that nobody has at the moment stands still."""
    with ExitStack() as stack:
        with engine.connect() as connection:
            stack.enter_context(frozen(connection))
        yield


def test_a_connection_that_went_silent_in_the_pool_is_not_met_by_who_comes_seconds_later(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "_FRESH_S", 0.0)
    with frozen_in_the_pool(engine):
        begun = time.monotonic()
        with engine.connect() as connection:
            assert connection.execute(text("select 1")).scalar() == 1
        assert time.monotonic() - begun < SEEN_S


def test_a_connection_that_has_just_gone_silent_in_the_pool_is_given_up_in_time_and_for_good(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "_FRESH_S", 60.0)
    with frozen_in_the_pool(engine):
        begun = time.monotonic()
        with pytest.raises(DatabaseUnreachable) as caught:
            execute_alone(engine, "select 1", {})
        assert execute_alone(engine, "select 1", {}) == [(1,)]
        assert time.monotonic() - begun < SEEN_S
    assert "no answer within 1 s" in caught.value.message


def test_rows_that_stop_coming_are_given_up(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execution_options(stream_results=True, max_row_buffer=1).execute(
            text("select repeat('x', 1000) from generate_series(1, 100000)")
        )
        rows.fetchone()
        with frozen(connection), pytest.raises(DatabaseUnreachable), translate_errors(engine):
            rows.fetchall()


def test_a_proxy_that_has_lost_its_server_and_keeps_the_line_open_is_given_up(settings: Settings) -> None:
    url = make_url(settings.require_database())
    silent = threading.Event()

    def hear(data: bytes) -> bytes:
        return b"" if silent.is_set() else data

    with relay("127.0.0.1", url.port or 5432, sent=hear, answered=hear) as port:
        through = url.set(port=port).render_as_string(hide_password=False)
        engine = connect(replace(settings, database_url=through), silence_s=SILENCE_S)
        with engine.connect() as connection:
            connection.execute(text("select 1"))
            silent.set()
            with pytest.raises(DatabaseUnreachable) as caught, translate_errors(engine):
                connection.execute(text("select 2"))
        assert "no answer within 1 s" in caught.value.message
        engine.dispose()


def test_what_may_take_long_is_waited_for_and_what_comes_after_is_not(engine: Engine) -> None:
    with engine.connect() as connection:
        allow_long(connection)
        assert connection.execute(text("select 1 from pg_sleep(2.5)")).scalar() == 1
        connection.commit()
        with pytest.raises(DatabaseUnreachable), translate_errors(engine):
            connection.execute(text("select pg_sleep(60)"))


def test_many_short_ones_are_left_alone_however_long_they_take_together(engine: Engine) -> None:
    with engine.connect() as connection:
        first, begun = connection.connection.dbapi_connection, time.monotonic()
        while time.monotonic() < begun + 4 * SILENCE_S:
            connection.execute(text("select pg_sleep(0.05)"))
        assert connection.connection.dbapi_connection is first


def test_a_process_that_was_forked_looks_for_itself(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer = b"waited for ever"
        try:
            with translate_errors(engine), engine.connect() as connection, frozen(connection):
                connection.execute(text("select 1"))
        except DatabaseUnreachable as error:
            answer = error.message.encode()
        finally:
            os.write(write, answer)
            os._exit(0)
    os.close(write)
    try:
        until(lambda: os.waitpid(pid, os.WNOHANG)[0], 60)
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise
    assert b"no answer within 1 s" in os.read(read, 10_000)
    os.close(read)
