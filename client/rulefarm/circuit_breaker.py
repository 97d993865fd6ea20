"""Do not ask again what has just not answered.  [circuit_breaker] -> messaging.sender, workers.consumer

A broker or database that is away costs a caller its time-out; the next callers are spared it for a few seconds. Asks
nothing itself, and knows nothing of what it protects."""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Open for a while after every failure; closed otherwise. Safe to share between threads.

    >>> now = [0.0]
    >>> breaker = CircuitBreaker(5.0, clock=lambda: now[0])
    >>> breaker.is_open, breaker.trip(), breaker.is_open
    (False, None, True)
    >>> now[0] = 5.0
    >>> breaker.is_open
    False
    """

    def __init__(self, pause_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin closed.

        Args:
            pause_s: seconds that it stays open after a failure.
            clock: seconds, from any start.
        """
        self._pause_s = pause_s
        self._clock = clock
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the last failure is so recent that nobody should ask."""
        return self._clock() < self._open_until

    def trip(self) -> None:
        """Note a failure."""
        self._open_until = self._clock() + self._pause_s
