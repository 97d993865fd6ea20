"""A transaction that changes tables.  engine -> [schema_changes] -> migrate, regions

One at a time, of all processes; waits a few seconds for whoever uses a table that changes, and gives up rather than
have everybody else wait behind it. Says what changes nothing: that is for whoever uses it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from rulefarm.database import translate_errors
from rulefarm.errors import RulefarmError
from store.partitions import LOCK_REFUSED, SCHEMA_LOCK

#: Seconds that a change of a table waits for whoever uses it: longer, and everybody else waits behind it.
LOCK_S = 10.0


class TablesBusy(RulefarmError):
    """The tables can't be changed while somebody holds them."""


@contextmanager
def schema_change(engine: Engine, lock_s: float, command: str) -> Iterator[Connection]:
    """A transaction in which nobody else changes tables.

    Args:
        engine: the database.
        lock_s: seconds to wait for whoever uses a table that changes, such as a batch that is being submitted.
        command: to be run again, if they were in use for longer.

    Raises:
        TablesBusy: nothing was changed.
        DatabaseUnreachable: Postgres does not answer.
    """
    with translate_errors(engine), engine.begin() as connection:
        # Whoever else changes them is waited for; it gives up by itself.
        connection.execute(text("set local lock_timeout = 0"))
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        connection.execute(text("select set_config('lock_timeout', :value, true)"), {"value": f"{lock_s:g}s"})
        try:
            yield connection
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in LOCK_REFUSED:
                raise
            raise TablesBusy(
                "tables-busy",
                f"somebody has held a table that changes for {lock_s:g} s; nothing was changed",
                f"wait until batches are submitted and reports are done, then run '{command}' again",
            ) from error
