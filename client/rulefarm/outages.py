"""What keeps a server from doing its part, in words.  -> [outages] -> database.sqlstates, redis_replies

One shape for what Postgres and Redis answer when they can't: the ending of a code, what is the matter, what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """One way in which a server does not do its part."""

    #: Ending of the error's code: `unreachable` of `database-unreachable`.
    code: str
    #: What it does or is, to follow its name: "takes no writes".
    sentence: str
    #: What to do.
    hint: str
    #: Whether a connection over which this was answered is of no use any more, though it stands: behind its name may be
    #: another server by now.
    drops: bool = False


#: No answer at all.
SILENT = Outage("unreachable", "does not answer", "is it running?", drops=True)
