"""No process is forked while a thread of it connects to Postgres.  silence -> [fork_gate] -> os.fork

What libpq stands on (OpenSSL, Kerberos) has locks of its own, which a thread that connects may hold at the moment of
the fork. It does not exist in the child, nobody there gives the locks back, and the child's first connection would wait
for ever. So a fork waits until nobody connects; a connection waits for a fork. Connects to nothing itself."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds after which a process is forked all the same: longer than a connection may take.
_LONGEST_S = 10.0


class _ForkGate:
    """Counts who connects, and lets nobody begin while a fork waits for them."""

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._inside = 0
        self._is_closed = False

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Nothing is forked while the block lasts."""
        with self._condition:
            self._condition.wait_for(lambda: not self._is_closed, _LONGEST_S)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    def close(self) -> None:
        """Before a fork: let nobody begin, and wait for those who have."""
        self._condition.acquire()
        self._is_closed = True
        self._condition.wait_for(lambda: not self._inside, _LONGEST_S)

    def open(self) -> None:
        """After it, in the parent."""
        self._is_closed = False
        self._condition.notify_all()
        self._condition.release()

    def begin_afresh(self) -> None:
        """After it, in the child, where nobody connects; the lock may be another thread's."""
        self._condition = threading.Condition(threading.Lock())
        self._inside, self._is_closed = 0, False


_gate = _ForkGate()
os.register_at_fork(before=_gate.close, after_in_parent=_gate.open, after_in_child=_gate.begin_afresh)
connecting = _gate.connecting
