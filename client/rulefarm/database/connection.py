"""Connections to Postgres, and what its errors mean.

Takes settings, gives a pool; turns what SQLAlchemy and psycopg2 raise into errors of ours. Needs the extra
`rulefarm[ledger]`. Reads and writes no row."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import psycopg2
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import SQLAlchemyError

from rulefarm.database.checkout import check_at_checkout
from rulefarm.database.session_settings import SessionSettings
from rulefarm.database.silence import COMMAND_S, UnfitText, guarded
from rulefarm.database.sqlstates import outage_of
from rulefarm.errors import DatabaseRejected, DatabaseUnreachable
from rulefarm.settings import Settings

#: Seconds that a thread waits for a connection of its process, and for one to be made.
_POOL_TIMEOUT_S, _CONNECT_S = 5.0, 5.0
#: How much longer a statement is waited for than the server should take to interrupt it.
_BEYOND = 1.25
#: A host that is gone without a word is noticed within about ten seconds, whether one waits for it or sends to it; one
#: that is there and says nothing, by `rulefarm.database.silence`. Of several hosts the one that takes writes is chosen;
#: of one, there is an answer at once if it does not.
_CONNECTION = {
    "application_name": "rulefarm",
    "target_session_attrs": "read-write",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: Reads JSON of Postgres, around which there are no blanks: without looking for them, twice as fast.
_DECODE = json.JSONDecoder().raw_decode
#: Every pool of this process that is still in use.
_engines: "WeakSet[Engine]" = WeakSet()


def connect(
    settings: Settings,
    *,
    statement_timeout_s: float | None = None,
    silence_s: float = COMMAND_S,
    connect_s: float = _CONNECT_S,
) -> Engine:
    """A pool of connections to Postgres.

    Args:
        settings: name the database.
        statement_timeout_s: seconds after which the server is to interrupt a statement. Default: it does not.
        silence_s: seconds after which a statement without an answer is given up, if the server is not to interrupt it.
        connect_s: seconds that a connection may take; libpq knows whole ones, and no less than two.

    Raises:
        SettingsError: nothing names a database, or its URL is refused.
    """
    url = make_url(settings.require_database()).set(drivername="postgresql+psycopg2")
    connection_args: dict[str, Any] = {**_CONNECTION, "connect_timeout": max(2, round(connect_s))}
    if statement_timeout_s is None:
        connection_args["connection_factory"] = guarded(silence_s)
    else:
        # Together less than what a worker has for the whole job: a server that is silent is not the job's fault.
        silence_s = statement_timeout_s * _BEYOND
        connection_args["connection_factory"] = guarded(silence_s, silence_s)
        connection_args["connect_timeout"] = min(int(_CONNECT_S), max(2, int(statement_timeout_s / 2)))
    engine = create_engine(
        url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        # What the URL says is what is meant.
        connect_args={name: value for name, value in connection_args.items() if name not in url.query},
        json_serializer=lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        json_deserializer=lambda text: _DECODE(text)[0],
    )
    SessionSettings(engine, statement_timeout_s=statement_timeout_s)
    check_at_checkout(engine)
    event.listen(engine, "handle_error", _drop_what_is_useless)
    _engines.add(engine)
    return engine


def _leave_to_the_parent() -> None:
    """In a process that was just forked: no two may talk through one connection, and the locks may be held for ever."""
    for engine in tuple(_engines):
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_to_the_parent)


def _drop_what_is_useless(context: ExceptionContext) -> None:
    """Have a connection thrown away, with all that are as old, over which a server said that it is not the one."""
    original = context.original_exception
    outage = outage_of(original) if isinstance(original, psycopg2.Error) else None
    if outage is not None and outage.drops:
        context.is_disconnect = True


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn whatever SQLAlchemy or its driver raises into an error of ours, by `rulefarm.database.sqlstates`.

    Args:
        engine: whose connections are used; it names the place.

    Raises:
        DatabaseUnreachable: no answer, no room, no tables, no right: `code` tells; it may be tried again.
        DatabaseRejected: Postgres does not take the statement, or its values.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg2.Error) as error:
        # Of what stands behind the question mark only the hosts: among the rest may be the password of a key.
        named = {name: engine.url.query[name] for name in ("host", "port") if name in engine.url.query}
        place = engine.url.set(query=named).render_as_string(hide_password=True)
        original = getattr(error, "orig", None) or error
        reason = (str(original).strip().splitlines() or [type(original).__name__])[0]
        if isinstance(original, UnfitText):
            raise DatabaseRejected("bad-text", f"Postgres can't hold {reason}", "take the character out") from error
        outage = outage_of(error)
        if outage is None:
            raise DatabaseRejected(
                "database-rejected",
                f"Postgres at {place} does not take what was written: {reason}",
                "this is a fault of rulefarm, or of the facts: report it with the facts",
            ) from error
        raise DatabaseUnreachable(
            f"database-{outage.code}", f"Postgres at {place} {outage.sentence}: {reason}", outage.hint
        ) from error
