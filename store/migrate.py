"""Bring the tables up to date.  engine -> [migrate] -> alembic upgrade head, partitions

Safe to run from several processes at once, again and again, and while the farm works: a change of a table waits a few
seconds for whoever uses it, and gives up rather than have everybody else wait behind it."""

from contextlib import nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from rulefarm.database import translate_errors
from store.partitions import MONTHS_AHEAD, ensure_partitions, missing_partitions
from store.privileges import check_may_migrate
from store.region_tables import columns_changing
from store.schema_changes import LOCK_S, schema_change


def migrate(engine: Engine, *, lock_s: float = LOCK_S) -> None:
    """Upgrade the tables to the newest revision and make the coming months' partitions.

    Args:
        engine: the database.
        lock_s: seconds to wait for whoever uses a table that changes, such as a batch that is being submitted.

    Raises:
        TablesBusy: nothing was changed.
        PrivilegesMissing: this user may not change the tables; the message names what is missing.
        DatabaseUnreachable: Postgres does not answer.
    """
    with schema_change(engine, lock_s, "rulefarm migrate") as connection:
        current = _is_current(connection)
        if not current or missing_partitions(connection, MONTHS_AHEAD):
            check_may_migrate(connection)
        # Copies of other regions' verdicts have the columns of our own.
        with nullcontext() if current else columns_changing(connection):
            command.upgrade(alembic_config(connection), "head")
        ensure_partitions(connection)


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
