"""What holds for every session with Postgres.  engine -> [session_settings] -> its connections

Sent with the start of a connection, where it costs nothing. A pooler between, such as PgBouncer, refuses that, and in
transaction mode hands every transaction to another session: then the same is said at the beginning of each
transaction, and holds for that alone."""

from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, event

#: Seconds that a statement waits for what somebody else has locked: less than any job may take, so that waiting is
#: never taken for judging.
LOCK_TIMEOUT_S = 5
#: A process that is stopped in the midst of a transaction holds the rows that it has changed, and whoever needs them
#: would wait for it: Postgres ends its session before a job's time is up.
_IDLE_S = 15
#: What PgBouncer says of a parameter that it does not know.
_REFUSED = "unsupported startup parameter"


class SessionSettings:
    """The settings of the sessions of one engine."""

    def __init__(self, engine: Engine, *, statement_timeout_s: float | None) -> None:
        """See to it that every session of an engine has them.

        Args:
            engine: without connections yet.
            statement_timeout_s: seconds after which a statement is interrupted; None: never.
        """
        self._values = {
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": f"{_IDLE_S}s",
            "lock_timeout": f"{LOCK_TIMEOUT_S}s",
        }
        if statement_timeout_s is not None:
            self._values["statement_timeout"] = f"{round(statement_timeout_s * 1000)}ms"
        #: Whether a pooler has refused them at the start.
        self._at_begin = False
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "begin", self._begin)

    def _connect(self, dialect: Any, record: Any, args: list[Any], params: dict[str, Any]) -> Any:
        wanted = params.get("options", "")
        if not self._at_begin:
            # What the URL says comes last, and so it is what holds.
            ours = " ".join(f"-c {name}={value}" for name, value in self._values.items())
            try:
                return psycopg2.connect(*args, **params | {"options": f"{ours} {wanted}".strip()})
            except psycopg2.OperationalError as error:
                if _REFUSED not in str(error):
                    raise
            self._at_begin = True
        return psycopg2.connect(*args, **params)

    def _begin(self, connection: Connection) -> None:
        if self._at_begin:
            # One statement, so one round trip, for all of them.
            chosen = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in self._values.items())
            connection.exec_driver_sql(f"select {chosen}")
