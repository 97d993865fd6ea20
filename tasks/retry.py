"""What to do about an error.  error, retries so far -> [retry] -> Retry or GiveUp

Pure policy, without Celery: a table of tests covers it. A passing reason (database or broker away) is waited out for as
long as it lasts; anything else would fail again."""

from dataclasses import dataclass

from rulefarm.errors import FarmUnreachable

#: Seconds before the first retry; doubles with each.
FIRST_WAIT_S = 1.0
#: Seconds between two retries at most: below the visibility timeout, for a waiting message is not acknowledged.
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again."""

    #: Seconds from now.
    in_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Leave it: the row stays open, and the reconciler's slower clock decides."""

    #: The error's stable code, for the log.
    code: str


def decide(error: BaseException, retries: int) -> Retry | GiveUp:
    """What to do about an error.

    Args:
        error: what was raised.
        retries: how often it was retried already.

    >>> from rulefarm.errors import DatabaseUnreachable
    >>> decide(DatabaseUnreachable("database-unreachable", "no answer"), 2)
    Retry(in_s=4.0)
    >>> decide(KeyError("Order"), 0)
    GiveUp(code='KeyError')
    """
    if isinstance(error, FarmUnreachable):
        return Retry(min(FIRST_WAIT_S * 2 ** min(retries, 10), LONGEST_WAIT_S))
    return GiveUp(str(getattr(error, "code", type(error).__name__)))
