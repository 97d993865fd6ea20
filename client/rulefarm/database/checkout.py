"""Find a connection that died in the pool when it is taken from there.  pool -> [checkout] -> whoever takes it

Asking Postgres before each use would cost a round trip a job. A server that went away has closed the line, which the
line itself shows; only one that was not used for seconds is asked, for a host may be gone without a word. Makes no
connection: SQLAlchemy does, when this one says that there is none."""

import select
import time
from contextlib import suppress
from typing import Any

import psycopg2
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

#: Seconds since its last use after which a connection is asked.
_FRESH_S = 2.0
_TAKEN_AT = "rulefarm_taken_at"


def check_at_checkout(engine: Engine) -> None:
    """Have every connection of an engine looked at when it is taken.

    Args:
        engine: without connections yet.
    """
    event.listen(engine, "checkout", _check)


def _check(driver: Any, record: Any, _proxy: Any) -> None:
    now = time.monotonic()
    is_fresh = now - record.info.get(_TAKEN_AT, now) < _FRESH_S
    record.info[_TAKEN_AT] = now
    if not (is_fresh and _is_quiet(driver)) and not _answers(driver):
        # The others are as old.
        raise InvalidatePoolError()
    # Whoever used it last may have been interrupted before it could be set back.
    driver.autocommit = False


def _is_quiet(driver: Any) -> bool:
    """Whether nothing waits to be read, neither a server's last words nor the end."""
    line = select.poll()
    try:
        line.register(driver.fileno(), select.POLLIN)
        return not line.poll(0)
    # ValueError: libpq has let go of the line, as after a statement that was interrupted.
    except (OSError, ValueError, psycopg2.Error):
        return False


def _answers(driver: Any) -> bool:
    with suppress(psycopg2.Error):
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute("select 1")
        return True
    return False
