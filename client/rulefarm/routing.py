"""Names on the wire: queues, tasks.  a domain -> [routing] -> the queue that its workers take from

Pure: the producer and the worker import the same names, so neither can send what the other does not take."""

import re

from rulefarm.errors import JobRejected

#: Periodic work of the farm itself; every worker takes from it.
CONTROL_QUEUE = "rules.control"
#: Holds one message that nobody takes. When it is gone, the broker has lost what it held.
SENTINEL_QUEUE = "rules.sentinel"
#: Where the release before keeps such a message: a broker that has that one has lost nothing. Goes with the next
#: release.
OLD_SENTINEL_QUEUE = "rules.seal"

#: Messages in a queue that wake whoever there is to wake. While so many wait, a job on record needs none of its own: a
#: worker that is awake takes what waits from Postgres.
BACKLOG = 100

EVALUATE_JOB = "rules.evaluate"
EVALUATE_CHUNK = "rules.evaluate_chunk"
RECONCILE = "rules.reconcile"
NIGHTLY = "rules.nightly"
SENTINEL = "rules.sentinel"

_DOMAIN = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def queue_name(domain: str, *, bulk: bool = False) -> str:
    """The queue of a domain: `rules.<domain>`, or `rules.<domain>.bulk` for batches.

    Args:
        domain: its name.
        bulk: whether chunks and the jobs of `submit_many` wait there. Default: single jobs do.

    >>> queue_name("pricing"), queue_name("pricing", bulk=True)
    ('rules.pricing', 'rules.pricing.bulk')
    """
    return f"rules.{domain}.bulk" if bulk else f"rules.{domain}"


def domain_of_queue(name: str) -> tuple[str, bool]:
    """The domain of a queue, and whether it is its bulk queue: what `queue_name` made it of.

    Args:
        name: of the queue.

    >>> domain_of_queue("rules.pricing"), domain_of_queue("rules.pricing.bulk")
    (('pricing', False), ('pricing', True))
    """
    domain = name.removeprefix("rules.")
    return domain.removesuffix(".bulk"), domain.endswith(".bulk")


def checked_domain(domain: str) -> str:
    """The domain, if it can be the name of one: lower case, digits, `_` and `-`, at most 63 characters.

    Raises:
        JobRejected: it can't.
    """
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        raise JobRejected("unknown-domain", f"{domain!r} can't be a domain", "a domain is lower case, like 'pricing'")
    return domain
