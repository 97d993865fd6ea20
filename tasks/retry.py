"""How long to wait before the next try.  failures so far -> [retry] -> seconds

Pure policy, without Celery. Whether to try again is for the caller to say: a task waits only for what passes (database
or broker away), for as long as it lasts; whatever else goes wrong is counted as an attempt, see `store.attempts`."""

#: Seconds before the first retry; doubles with each.
FIRST_WAIT_S = 1.0
#: Seconds between two retries at most, so that work goes on soon after an outage; and far below the visibility timeout,
#: for a waiting message is not acknowledged.
LONGEST_WAIT_S = 8.0


def pause_s(retries: int, *, first_s: float = FIRST_WAIT_S, longest_s: float = LONGEST_WAIT_S) -> float:
    """Seconds to wait before the next try: they double with every try, up to a longest wait.

    Args:
        retries: how often it was retried already.
        first_s: seconds before the first retry.
        longest_s: seconds at most.

    >>> [pause_s(retries) for retries in (0, 2, 4, 5, 1000)]
    [1.0, 4.0, 8.0, 8.0, 8.0]
    >>> [pause_s(retries, first_s=0.5, longest_s=15.0) for retries in (0, 1, 1000)]
    [0.5, 1.0, 15.0]
    """
    return float(min(first_s * 2 ** min(retries, 30), longest_s))
