"""What holds for every session with Postgres.  engine -> [session_settings] -> its connections

Sent with the start of a connection, where it costs nothing. A pooler between, such as PgBouncer, refuses that, or drops
it without a word, and in transaction mode hands every transaction to another session: then the same is said at the
beginning of each transaction, and holds for that alone."""

import re
from typing import Any
from weakref import WeakKeyDictionary

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection, Engine, event

from rulefarm.errors import SettingsError

#: Seconds that a statement waits for what somebody else has locked: less than any job may take, so that waiting is
#: never taken for judging.
LOCK_TIMEOUT_S = 5
#: A process that is stopped in the midst of a transaction holds the rows that it has changed, and whoever needs them
#: would wait for it: Postgres ends its session before a job's time is up.
_IDLE_S = 15
#: What PgBouncer says of a parameter that it does not know.
_REFUSED = "unsupported startup parameter"
#: One setting among the `options` of a URL; a backslash makes a space part of it.
_OPTION = re.compile(r"(?:-c\s*|--)(?P<name>[\w.-]+)=(?P<value>(?:\\.|[^\s\\])*)\s*", re.DOTALL)


#: Engine to the settings of its sessions.
_of_engines: "WeakKeyDictionary[Engine, SessionSettings]" = WeakKeyDictionary()


def are_said_at_begin(engine: Engine) -> bool:
    """Whether the sessions of an engine, which has connected, are told their settings with each transaction."""
    return bool(_of_engines[engine].at_begin)


class SessionSettings:
    """The settings of the sessions of one engine."""

    def __init__(self, engine: Engine, *, statement_timeout_s: float | None) -> None:
        """See to it that every session of an engine has them.

        Args:
            engine: without connections yet.
            statement_timeout_s: seconds after which a statement is interrupted; None: never.

        Raises:
            SettingsError: `bad-url`: the `options` of its URL can't be read.
        """
        self._values = {
            "timezone": "UTC",
            # Whatever is the default of the database or the role: every statement here is written for this one.
            "default_transaction_isolation": "read committed",
            "idle_in_transaction_session_timeout": f"{_IDLE_S}s",
            "lock_timeout": f"{LOCK_TIMEOUT_S}s",
        }
        if statement_timeout_s is not None:
            self._values["statement_timeout"] = f"{round(statement_timeout_s * 1000)}ms"
        # What the URL says comes last, and so it is what holds.
        self._values |= _named(str(engine.url.query.get("options", "")))
        #: Whether a pooler has refused them at the start, or dropped them; None: nobody has looked yet.
        self.at_begin: bool | None = None
        _of_engines[engine] = self
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "begin", self._begin)

    def _connect(self, dialect: Any, record: Any, args: list[Any], params: dict[str, Any]) -> Any:
        plain = {name: value for name, value in params.items() if name != "options"}
        if not self.at_begin:
            options = " ".join(f"-c {name}={_escaped(value)}" for name, value in self._values.items())
            try:
                connection = psycopg2.connect(*args, **plain, options=options)
            except psycopg2.OperationalError as error:
                if _REFUSED not in str(error):
                    raise
            else:
                if self.at_begin is None:
                    self.at_begin = not _holds(connection, "idle_in_transaction_session_timeout", self._values)
                return _begun_by_driver(connection) if self.at_begin else connection
            self.at_begin = True
        return _begun_by_driver(psycopg2.connect(*args, **plain))

    def _begin(self, connection: Connection) -> None:
        if self.at_begin:
            # One statement, so one round trip, for all of them.
            names = {f"n{place}": name for place, name in enumerate(self._values)}
            values = {f"v{place}": value for place, value in enumerate(self._values.values())}
            chosen = ", ".join(f"set_config(%(n{place})s, %(v{place})s, true)" for place in range(len(names)))
            connection.exec_driver_sql(f"select {chosen}", names | values)


def _named(options: str) -> dict[str, str]:
    """The settings that the `options` of a URL name."""
    found: dict[str, str] = {}
    rest = options.strip()
    while rest:
        option = _OPTION.match(rest)
        if option is None:
            raise SettingsError(
                "bad-url",
                "RULEFARM_DATABASE_URL has options that are no settings of a session",
                "write options=-csearch_path%3Dfarm, with %20 between several",
            )
        # As Postgres does, which takes a dash in a name for an underscore.
        name = option["name"].replace("-", "_")
        found[name] = re.sub(r"\\(.)", r"\1", option["value"], flags=re.DOTALL)
        rest = rest[option.end() :]
    return found


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)


def _begun_by_driver(connection: Any) -> Any:
    """Have a connection name the isolation with each transaction: by then it is too late to set it."""
    connection.isolation_level = psycopg2.extensions.ISOLATION_LEVEL_READ_COMMITTED
    return connection


def _holds(connection: Any, name: str, values: dict[str, str]) -> bool:
    """Whether a setting holds in a session that was started with it."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select current_setting(%s)::interval = %s::interval", (name, values[name]))
        [(holds,)] = cursor.fetchall()
    connection.autocommit = False
    return bool(holds)
