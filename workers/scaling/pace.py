"""How fast the processes of a worker finish what they are given.  requests -> [pace] -> autoscaler

Kept in the worker's main process, for as long as that lives. A message may stand for many jobs, which are drained
along with its own: so this is less than what a process does, and more processes are the answer to that, never fewer."""

#: How much of what was seen before still counts when the next message is finished.
_KEPT = 0.95


class Pace:
    """Messages a second of one process, the last ones most.

    >>> pace = Pace()
    >>> pace.per_s
    >>> pace.note(0.1)
    >>> pace.per_s
    10.0
    """

    def __init__(self) -> None:
        self._messages = 0.0
        self._seconds = 0.0

    @property
    def per_s(self) -> float | None:
        """None: nothing was finished yet."""
        return self._messages / self._seconds if self._messages else None

    def note(self, seconds: float) -> None:
        """A message is finished."""
        self._messages = _KEPT * self._messages + 1
        # A clock that was set back, or one that is too coarse.
        self._seconds = _KEPT * self._seconds + max(seconds, 0.0001)


#: That of this process.
PACE = Pace()
