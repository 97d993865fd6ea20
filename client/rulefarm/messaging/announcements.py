"""Be woken when a result is put.  Celery's result backend on Redis -> [announcements] -> waiting

Whoever puts a result publishes it too, so that nobody has to look for it every few milliseconds. A waiter has a
connection for itself, which is the next one's afterwards; when there are many, or Redis can't, one sleeps instead, and
looks. Reads no result: an announcement may be missed, and says no more than that a look is worth it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis
from celery import Celery
from celery.backends.redis import RedisBackend

from rulefarm.circuit_breaker import CircuitBreaker

#: Waiters of one process that have a connection each.
_MOST = 20
#: Seconds for which none is tried after one that failed.
_BACK_OFF_S = 5.0

#: Has a question answered, and hands on what it gives or raises.
Ask = Callable[[Callable[[], Any]], Any]


def at_once(question: Callable[[], Any]) -> Any:
    """What a question gives, asked here and now."""
    return question()


class Announcement:
    """What one waiter waits for."""

    def __init__(self, line: Any, channel: bytes, breaker: CircuitBreaker) -> None:
        self._line = line
        self._channel = channel
        self._breaker = breaker

    @property
    def is_on(self) -> bool:
        """Whether it would be told; if not, it looks often."""
        return self._line is not None

    def wait(self, seconds: float) -> bytes | None:
        """Sleep until it is announced, and no longer than so many seconds; gives the result, as it was put."""
        until = time.monotonic() + seconds
        try:
            while self._line is not None and (left := until - time.monotonic()) > 0:
                # On a line that was used before comes first what was said to the last one.
                said = self._line.get_message(timeout=left)
                if said is not None and (said["type"], said["channel"]) == ("message", self._channel):
                    return bytes(said["data"])
        except (redis.RedisError, OSError):
            self.hang_up()
        time.sleep(max(0.0, until - time.monotonic()))
        return None

    def begin(self) -> None:
        """Ask to be told. Without the answer: it comes in time, or the row is looked at."""
        try:
            if self._line is not None:
                self._line.subscribe(self._channel)
        except (redis.RedisError, OSError):
            self.hang_up()

    def hang_up(self) -> None:
        """Give the line up."""
        self._breaker.trip()
        line, self._line = self._line, None
        with suppress(redis.RedisError, OSError):
            line.close()

    def give_back(self) -> Any:
        """The line, for the next one; None if it is of no use."""
        try:
            if self._line is not None:
                # What it still says is not of the next one's result.
                self._line.unsubscribe(self._channel)
        except (redis.RedisError, OSError):
            self.hang_up()
        return self._line


class Announcements:
    """The lines of one application. Safe to share between threads."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._breaker = CircuitBreaker(_BACK_OFF_S)
        #: Process to who waits there, and to the lines that nobody uses. A parent's are left alone.
        self._waiting: dict[int, set[object]] = {}
        self._idle: dict[int, list[Any]] = {}

    @contextmanager
    def of(self, task_id: str, ask: Ask = at_once) -> Iterator[Announcement]:
        """What is announced of a result, from now on until the block ends.

        Args:
            task_id: of the task.
            ask: has Redis asked to announce it; it may give up with an error of its own. Default: here, until it
                answers or the application's own limits are over.
        """
        pid, backend, waiter = os.getpid(), self._app.backend, object()
        waiting, idle = self._waiting.setdefault(pid, set()), self._idle.setdefault(pid, [])
        if not isinstance(backend, RedisBackend) or self._breaker.is_open or len(waiting) >= _MOST:
            yield Announcement(None, b"", self._breaker)
            return
        key = backend.get_key_for_task(task_id)
        try:
            line = idle.pop()
        except IndexError:
            line = backend.client.pubsub()
        announcement = Announcement(line, key if isinstance(key, bytes) else key.encode(), self._breaker)
        waiting.add(waiter)
        try:
            # A line over which it was given up is still in use.
            ask(announcement.begin)
            try:
                yield announcement
            finally:
                line = announcement.give_back()
                if line is not None:
                    idle.append(line)
        finally:
            waiting.discard(waiter)

    def close(self) -> None:
        """Close the lines of this process that nobody uses."""
        for line in self._idle.pop(os.getpid(), []):
            line.close()
