"""Time limits that outlive a connection to the broker.  consumer, on each new connection -> [time_limits] -> pool

Celery 5.6 keeps the limits of running tasks as timers of its event loop, and clears those when a connection breaks: a
task that hangs would keep its process for ever, and a worker of such processes takes nothing more. Sets them again;
judges and stops nothing itself."""

import time
from typing import Any

#: Seconds until a limit that passed while there was no connection is enforced.
_AT_ONCE_S = 0.01


def set_again(pool: Any) -> None:
    """Set the time limits of what runs in a pool, each at the moment at which it was to be.

    Args:
        pool: of a worker, as Celery's consumer knows it, whose timers were just cleared; one of threads has none.
    """
    processes: Any = getattr(pool, "_pool", None)
    set_limits = getattr(processes, "on_timeout_set", None)
    if set_limits is None:
        return
    for job in tuple(processes._cache.values()):
        if job.ready() or not job._time_accepted or not job._timeout:
            continue
        passed = time.monotonic() - job._time_accepted
        soft = job._soft_timeout
        # Without a soft limit, or after it, only the hard one is left.
        soft_left = soft - passed if soft and soft > passed else None
        set_limits(job, soft_left, max(job._timeout - passed, _AT_ONCE_S))
