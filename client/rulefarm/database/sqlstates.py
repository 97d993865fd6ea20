"""What Postgres's errors mean.  an error of psycopg2 or SQLAlchemy -> [sqlstates] -> outage -> connection

One table of SQLSTATEs says what passes by itself, what somebody has to mend, and what is our own mistake. The states
are those of PostgreSQL's manual, appendix A. Raises nothing."""

import psycopg2
from sqlalchemy import exc

from rulefarm.outages import SILENT, Outage

_FAILOVER = "is a failover under way? it is tried again"
_BUSY = "submit again; if it lasts, look for a long transaction, or a lock, in pg_stat_activity"
_DISK = "make room: everything goes on by itself then"
_REFUSED = "check user, password and database in RULEFARM_DATABASE_URL"
_MIGRATE = "run 'rulefarm migrate'"

_STARTING = Outage("unreachable", "is starting or shutting down", "wait: it is tried again", drops=True)
_READ_ONLY = Outage("read-only", "takes no writes", _FAILOVER, drops=True)
_BUSY_ROWS = Outage("busy", "is busy: somebody holds what is needed", _BUSY)
_FULL = Outage("full", "has no room on its disk", _DISK)
_CROWDED = Outage("busy", "takes no more connections", "use fewer processes, a pooler, or raise max_connections")
_OTHER_LOGIN = Outage("refused", "refuses the log-in", _REFUSED, drops=True)
_EMPTY = Outage("empty", "has no rulefarm tables", _MIGRATE)
_OLD = Outage("outdated", "has tables of another version of rulefarm", _MIGRATE)
_FORBIDDEN = Outage("forbidden", "does not allow this user what rulefarm needs", "grant what docs/servers.md lists")

#: SQLSTATE, or its first two characters for the whole class; the longer one decides.
SQLSTATES: dict[str, Outage] = {
    # Away: it passes by itself, and a new connection finds out when.
    "08": SILENT,
    "57P01": _STARTING,
    "57P02": _STARTING,
    "57P03": _STARTING,
    "57P04": SILENT,
    "57P05": SILENT,
    "25P03": SILENT,
    "25P04": SILENT,
    "58": Outage("unreachable", "has trouble with its files", "look at its log"),
    "F0": Outage("unreachable", "has trouble with its files", "look at its log"),
    "XX": Outage("unreachable", "has trouble within itself", "look at its log", drops=True),
    # A primary that became a standby, or a session of one whose default is read-only.
    "25006": _READ_ONLY,
    # Busy: it passes when others are done.
    "40": _BUSY_ROWS,
    "55P03": _BUSY_ROWS,
    "55006": _BUSY_ROWS,
    "57014": Outage("busy", "took too long, and was interrupted", _BUSY),
    "53": Outage("busy", "has too little of something", "look at its log"),
    "53100": _FULL,
    "53200": Outage("busy", "has no memory left", "give it more, or use fewer connections"),
    "53300": _CROWDED,
    # Refused: somebody has to do something.
    "28": _OTHER_LOGIN,
    "3D000": Outage("refused", "has no database of that name", _REFUSED),
    "42501": _FORBIDDEN,
    "42P01": _EMPTY,
    "3F000": _EMPTY,
    "42703": _OLD,
    "42883": _OLD,
    "42704": _OLD,
}

#: What libpq says when there is no connection: it hands on no SQLSTATE then, and the words only if they are English.
_WORDS: tuple[tuple[str, Outage], ...] = (
    ("password authentication failed", _OTHER_LOGIN),
    ("no password supplied", _OTHER_LOGIN),
    ("no pg_hba.conf entry", _OTHER_LOGIN),
    ('role "', _OTHER_LOGIN),
    ('database "', SQLSTATES["3D000"]),
    ("too many clients", _CROWDED),
    ("too many connections", _CROWDED),
    ("remaining connection slots", _CROWDED),
    ("session is read-only", _READ_ONLY),
    ("server is in hot standby", _READ_ONLY),
    ("starting up", _STARTING),
    ("shutting down", _STARTING),
    ("in recovery mode", _STARTING),
    ("No space left on device", _FULL),
)
_POOL = Outage(
    "busy", "has every connection of this process in use", "use fewer threads, or RULEFARM_DATABASE_POOL_SIZE"
)


def outage_of(error: exc.SQLAlchemyError | psycopg2.Error) -> Outage | None:
    """What an error means; None: the statement was at fault, or its values, and no server.

    >>> outage_of(exc.TimeoutError()).code
    'busy'
    >>> outage_of(psycopg2.OperationalError("connection refused")).code
    'unreachable'
    """
    if isinstance(error, exc.TimeoutError):
        return _POOL
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    state = getattr(original, "pgcode", None)
    if state:
        return SQLSTATES.get(state) or SQLSTATES.get(state[:2])
    if isinstance(original, psycopg2.OperationalError | psycopg2.InterfaceError):
        said = str(original)
        return next((outage for words, outage in _WORDS if words in said), SILENT)
    # The server closed the connection in the midst of a COPY: libpq has no better name for that.
    if type(original) is psycopg2.DatabaseError:
        return SILENT
    return None
