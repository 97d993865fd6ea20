"""Connections to Postgres, and what its errors mean.

Takes settings, gives a pool; turns what SQLAlchemy raises into errors of ours. Needs the extra `rulefarm[ledger]`.
Reads and writes no row."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from rulefarm.errors import DatabaseUnreachable
from rulefarm.settings import Settings

#: What holds for every session. A process that is stopped in the midst of a transaction holds the rows that it has
#: changed, and whoever needs them would wait for it: Postgres ends its session before a job's time is up.
_SESSION = "-c timezone=UTC -c idle_in_transaction_session_timeout=15s"


def connect(settings: Settings) -> Engine:
    """A pool of connections to Postgres.

    Raises:
        SettingsError: nothing names a database.
    """
    url = make_url(settings.require_database())
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg2")
    return create_engine(
        url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        # A connection that died in the pool is found when it is taken, not when it is used.
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "application_name": "rulefarm", "options": _SESSION},
        json_serializer=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    )


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn what SQLAlchemy raises when Postgres is away, or empty, into an error that says so.

    Raises:
        DatabaseUnreachable: no answer, no tables, or those of another release.
    """
    place = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no connection"
        raise DatabaseUnreachable(
            "database-unreachable", f"Postgres at {place} does not answer: {reason}", "is it running?"
        ) from error
    except ProgrammingError as error:
        code = getattr(error.orig, "pgcode", None)
        if code == "42703":
            raise DatabaseUnreachable(
                "database-outdated",
                f"Postgres at {place} has the tables of another release: {str(error.orig).strip().splitlines()[0]}",
                "run 'rulefarm migrate'",
            ) from error
        if code != "42P01":
            raise
        raise DatabaseUnreachable(
            "database-empty", f"Postgres at {place} has no rulefarm tables", "run 'rulefarm migrate'"
        ) from error
