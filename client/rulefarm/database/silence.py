"""Hang up on a Postgres that takes what it is sent and never answers.  connection -> [silence] -> its statements

A host that is gone is noticed by TCP; a server that is frozen, or a proxy that has lost what is behind it, acknowledges
every byte, and libpq waits for an answer for ever. So whoever waits is noted, and a thread looks every half second
whether somebody has waited for too long: then it ends the connection, and the statement fails as of any that broke.
Decides for connections that it made itself, and for no others of the process."""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection

from rulefarm.database.fork_gate import connecting

#: Seconds that the statement of a producer, or of a probe, may take: it takes milliseconds, and waits less for a lock.
SHORT_S = 10.0
#: Seconds that any other may take; and one that changes tables, or writes a batch as a whole.
COMMAND_S, LONG_S = 60.0, 3_600.0
_LOOK_S = 0.5
#: Connection to the moment when its statement has taken too long.
_waiting: dict["_Connection", float] = {}
_watch_lock = threading.Lock()
_watcher: threading.Thread | None = None
_waited_s = 0.0


def waited_s() -> float:
    """Seconds that this process has waited for Postgres so far."""
    return _waited_s


def guarded(silence_s: float, long_s: float = LONG_S) -> Callable[..., "_Connection"]:
    """What makes connections whose statements may take so long, for psycopg2.

    Args:
        silence_s: seconds for the answer to one statement.
        long_s: seconds for one of a transaction that is allowed to take long.
    """
    return partial(_connect, silence_s, long_s)


def allow_long(connection: Connection) -> None:
    """Let the statements of this transaction take their time: they write as much as there is."""
    driver = connection.connection.dbapi_connection
    if isinstance(driver, _Connection):
        driver.allowed_s = driver.long_s


def _connect(silence_s: float, long_s: float, dsn: str, *more: Any) -> "_Connection":
    connection = _Connection(dsn, *more)
    connection.silence_s = connection.allowed_s = silence_s
    connection.long_s = long_s
    return connection


class UnfitText(psycopg2.DataError):  # type: ignore[misc]
    """A text that Postgres can hold none of: what psycopg2 refuses before it asks, as a ValueError of Python's."""


class _Connection(psycopg2.extensions.connection):  # type: ignore[misc]
    """A connection that does not wait for ever."""

    #: Seconds for one statement; for one of a transaction that may take long; and for one of that which is open.
    silence_s: float
    long_s: float
    allowed_s: float

    def __init__(self, dsn: str, *more: Any) -> None:
        with connecting():
            super().__init__(dsn, *more)
        self.cursor_factory = _Cursor
        self.is_given_up = False
        #: Names of the statements that its session knows; None: it forgets them. See `rulefarm.database.prepared`.
        self.prepared: set[str] | None = set()

    def commit(self) -> None:
        """As psycopg2's."""
        allowed_s, self.allowed_s = self.allowed_s, self.silence_s
        _wait(self, super().commit, allowed_s=allowed_s)

    def rollback(self) -> None:
        """As psycopg2's."""
        self.allowed_s = self.silence_s
        _wait(self, super().rollback)

    def hang_up(self) -> None:
        """End it under whoever waits."""
        self.is_given_up = True
        # It may have been closed meanwhile.
        with suppress(OSError, psycopg2.InterfaceError), socket.socket(fileno=os.dup(self.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)


class _Cursor(psycopg2.extensions.cursor):  # type: ignore[misc]
    """A cursor of such a connection."""

    connection: _Connection

    def execute(self, *args: Any, **more: Any) -> Any:
        """As psycopg2's."""
        return _wait(self.connection, super().execute, *args, **more)

    def copy_expert(self, *args: Any, **more: Any) -> Any:
        """As psycopg2's."""
        return _wait(self.connection, super().copy_expert, *args, **more)

    def fetchone(self) -> Any:
        """As psycopg2's; of a cursor on the server's side it asks for rows."""
        return super().fetchone() if self.name is None else _wait(self.connection, super().fetchone)

    def fetchmany(self, *args: Any) -> Any:
        """As `fetchone`."""
        return super().fetchmany(*args) if self.name is None else _wait(self.connection, super().fetchmany, *args)

    def fetchall(self) -> Any:
        """As `fetchone`."""
        return super().fetchall() if self.name is None else _wait(self.connection, super().fetchall)


def _wait(
    connection: _Connection, call: Callable[..., Any], *args: Any, allowed_s: float | None = None, **more: Any
) -> Any:
    """Call what waits for an answer.

    Args:
        connection: over which.
        call: waits.
        args: its arguments.
        allowed_s: seconds; default: those of the transaction.
        more: its arguments by name.

    Raises:
        psycopg2.OperationalError: there was none in time.
        UnfitText: a value is text that Postgres can't hold; else as the call.
    """
    global _waited_s
    allowed_s = connection.allowed_s if allowed_s is None else allowed_s
    begun = time.monotonic()
    _waiting[connection] = begun + allowed_s
    if _watcher is None:
        _watch()
    try:
        return call(*args, **more)
    except psycopg2.Error as error:
        if connection.is_given_up:
            raise psycopg2.OperationalError(f"no answer within {allowed_s:g} s") from error
        raise
    except UnicodeEncodeError as error:
        raise UnfitText("text with half a surrogate pair, as which bytes that are no UTF-8 are read") from error
    except ValueError as error:
        if "NUL" not in str(error):
            raise
        raise UnfitText("text with a NUL character") from error
    finally:
        _waiting.pop(connection, None)
        _waited_s += time.monotonic() - begun


def _watch() -> None:
    """Have somebody look."""
    global _watcher
    with _watch_lock:
        if _watcher is None:
            _watcher = threading.Thread(target=_look, name="rulefarm-silence", daemon=True)
            _watcher.start()


def _look() -> None:
    while True:
        time.sleep(_LOOK_S)
        now = time.monotonic()
        for connection, until in list(_waiting.items()):
            # Only if it still waits for the same: the next statement of a connection has time of its own.
            if now > until and _waiting.get(connection) == until:
                connection.hang_up()


def _leave_to_the_parent() -> None:
    """In a process that was just forked: its parent's threads are not there, and nobody waits."""
    global _watcher, _watch_lock
    _watcher, _watch_lock = None, threading.Lock()
    _waiting.clear()


os.register_at_fork(after_in_child=_leave_to_the_parent)
