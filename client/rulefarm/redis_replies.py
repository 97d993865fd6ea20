"""What Redis's errors mean.  an error of redis-py or kombu -> [redis_replies] -> outage -> messaging.broker, facts

One table for the broker, the results and the shared facts. A reply is no silence: one that is full, or a replica, is
named so, and whoever sent the command does what it does when nobody answers. Raises nothing."""

from collections.abc import Iterator

from redis import exceptions

from rulefarm.outages import SILENT, Outage

_REFUSED = "check the user, the password and the rights in its URL"
_CLUSTER = "the farm needs one Redis, or Sentinel: a cluster spreads its keys over several"
_FAILOVER = "is a failover under way? it is tried again"

#: The first class that an error is of decides.
_BY_CLASS: tuple[tuple[type[Exception], Outage], ...] = (
    (exceptions.OutOfMemoryError, Outage("full", "is full", "give it more memory, or workers that empty its queues")),
    (exceptions.ReadOnlyError, Outage("read-only", "is a replica, which takes no writes", _FAILOVER, drops=True)),
    (exceptions.BusyLoadingError, Outage("unreachable", "is loading its data", "wait: it is tried again")),
    (exceptions.MasterDownError, Outage("unreachable", "has lost its master", _FAILOVER, drops=True)),
    (exceptions.AuthenticationError, Outage("refused", "refuses the log-in", _REFUSED)),
    (exceptions.AuthorizationError, Outage("refused", "refuses the log-in", _REFUSED)),
    (exceptions.NoPermissionError, Outage("refused", "refuses a command to this user", _REFUSED)),
    (exceptions.MovedError, Outage("refused", "is a cluster", _CLUSTER)),
    (exceptions.ClusterCrossSlotError, Outage("refused", "is a cluster", _CLUSTER)),
    (exceptions.ClusterDownError, Outage("refused", "is a cluster, and down", _CLUSTER)),
    (exceptions.MaxConnectionsError, Outage("busy", "has no connection left for this process", "use fewer threads")),
)
#: Replies without a class of their own, and those in which an answer to a whole pipeline is wrapped.
_BY_WORD: tuple[tuple[str, Outage], ...] = (
    ("MISCONF", Outage("full", "takes no writes, for it can't save its data", "look at its disk and its log")),
    ("NOREPLICAS", Outage("read-only", "takes no writes, for its replicas are away", _FAILOVER)),
    ("BUSY", Outage("busy", "is busy with a script of somebody", "end the script")),
    ("OOM", _BY_CLASS[0][1]),
    ("READONLY", _BY_CLASS[1][1]),
    ("NOPERM", _BY_CLASS[6][1]),
    ("max number of clients", Outage("busy", "takes no more clients", "raise its maxclients, or use fewer processes")),
)
#: What decides, and what it means.
REPLIES: tuple[tuple[type[Exception] | str, Outage], ...] = (*_BY_CLASS, *_BY_WORD)


def outage_of(error: BaseException) -> Outage:
    """What an error means; of a batch, or of what kombu wraps, the error behind it is looked at first.

    >>> from redis.exceptions import OutOfMemoryError
    >>> outage_of(OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")).code
    'full'
    >>> outage_of(ConnectionRefusedError()).sentence
    'does not answer'
    """
    causes = list(_causes(error))
    for cause in reversed(causes):
        for kind, outage in _BY_CLASS:
            if isinstance(cause, kind):
                return outage
        for word, outage in _BY_WORD:
            if isinstance(cause, exceptions.RedisError) and word in str(cause):
                return outage
    return SILENT


def reason_of(error: BaseException) -> str:
    """The words of the error that all others come from, on one line."""
    *_, cause = _causes(error)
    return " ".join(str(cause).split()) or type(cause).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it comes from, the outermost first; without a circle, and no more than a few."""
    found: BaseException | None = error
    for _ in range(10):
        if found is None:
            return
        yield found
        found = found.__cause__
