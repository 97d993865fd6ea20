"""Bring the tables up to date.  engine -> [migrate] -> alembic upgrade head, partitions

Safe to run from several processes at once, and again and again."""

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from rulefarm.database import translate_errors
from store.partitions import SCHEMA_LOCK, ensure_partitions


def migrate(engine: Engine) -> None:
    """Upgrade the tables to the newest revision and make the coming months' partitions.

    Raises:
        DatabaseUnreachable: Postgres does not answer.
    """
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        command.upgrade(alembic_config(connection), "head")
        ensure_partitions(connection, datetime.now(UTC))


def is_current(engine: Engine) -> bool:
    """Whether the tables are at the newest revision."""
    with translate_errors(engine), engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
        return set(heads) == set(ScriptDirectory.from_config(alembic_config(connection)).get_heads())


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for one connection; there is no file of it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
