"""How long to wait for what is away.  retries so far -> [retry] -> seconds

Pure policy, without Celery. Only a passing reason (database or broker away) is waited out, for as long as it lasts;
whatever else goes wrong is counted as an attempt, see `store.attempts`."""

#: Seconds before the first retry; doubles with each.
FIRST_WAIT_S = 1.0
#: Seconds between two retries at most: below the visibility timeout, for a waiting message is not acknowledged.
LONGEST_WAIT_S = 30.0


def pause_s(retries: int) -> float:
    """Seconds to wait before the next try.

    Args:
        retries: how often it was retried already.

    >>> [pause_s(retries) for retries in (0, 2, 4, 5, 1000)]
    [1.0, 4.0, 16.0, 30.0, 30.0]
    """
    return float(min(FIRST_WAIT_S * 2 ** min(retries, 10), LONGEST_WAIT_S))
