"""Bring the tables up to date.  engine -> [migrate] -> alembic upgrade head, partitions

Safe to run from several processes at once, again and again, and while the farm works: a change of a table waits a few
seconds for whoever uses it, and gives up rather than have everybody else wait behind it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from rulefarm.database import translate_errors
from rulefarm.errors import RulefarmError
from store.partitions import LOCK_REFUSED, MONTHS_AHEAD, SCHEMA_LOCK, ensure_partitions, missing_partitions
from store.privileges import check_may_migrate

#: Seconds that a change of a table waits for whoever uses it: longer, and everybody else waits behind it.
_LOCK_S = 10.0


class TablesBusy(RulefarmError):
    """The tables can't be changed while somebody holds them."""


def migrate(engine: Engine, *, lock_s: float = _LOCK_S) -> None:
    """Upgrade the tables to the newest revision and make the coming months' partitions.

    Args:
        engine: the database.
        lock_s: seconds to wait for whoever uses a table that changes, such as a batch that is being submitted.

    Raises:
        TablesBusy: nothing was changed.
        PrivilegesMissing: this user may not change the tables; the message names what is missing.
        DatabaseUnreachable: Postgres does not answer.
    """
    with translate_errors(engine), engine.begin() as connection:
        # Whoever else migrates is waited for; it gives up by itself.
        connection.execute(text("set local lock_timeout = 0"))
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        connection.execute(text("select set_config('lock_timeout', :value, true)"), {"value": f"{lock_s:g}s"})
        if not _is_current(connection) or missing_partitions(connection, MONTHS_AHEAD):
            check_may_migrate(connection)
        try:
            command.upgrade(alembic_config(connection), "head")
            ensure_partitions(connection)
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in LOCK_REFUSED:
                raise
            raise TablesBusy(
                "tables-busy",
                f"somebody has held a table that changes for {lock_s:g} s; nothing was changed",
                "wait until batches are submitted and reports are done, then run 'rulefarm migrate' again",
            ) from error


def is_current(engine: Engine) -> bool:
    """Whether the tables are at the newest revision."""
    with translate_errors(engine), engine.connect() as connection:
        return _is_current(connection)


def _is_current(connection: Connection) -> bool:
    heads = MigrationContext.configure(connection).get_current_heads()
    return set(heads) == set(ScriptDirectory.from_config(alembic_config(connection)).get_heads())


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for one connection; there is no file of it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
