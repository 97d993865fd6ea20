"""A worker's eye on itself.  queues, the worker's own counts -> [watch] -> nothing, or the end of a silent worker

A worker can come out of a broker's restart connected and deaf: it answers `rulefarm status` and takes no message, for
ever. So a thread in its main process looks at its queues over a connection of its own. A worker that could have taken
a message at every look, and took none, ends; its supervisor starts a fresh one. It judges the worker by what it was
started for: a consumer that somebody cancelled counts as silent, for a farm must not stand still because of a cancel
that was forgotten."""

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from celery import Celery
from celery.signals import task_received, task_rejected, task_unknown, worker_ready
from celery.worker import state

from rulefarm.errors import BrokerUnreachable
from rulefarm.messaging import queue_depths

log = logging.getLogger("rulefarm.workers")

#: Looks that a silence lasts: one after the other, so that a worker that was itself stopped for a while is not blamed.
LOOKS = 6
#: Seconds to leave in order. There is nothing to finish, but Celery's loop may take ten to see that it is to end.
_GRACE_S = 20.0
#: Exit code of a worker that is to be started again (EX_TEMPFAIL): after a 0 some supervisors would not.
EXIT_AGAIN = 75


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at a worker saw."""

    #: Messages that wait in its queues; None: the broker does not answer.
    waiting: int | None
    #: Messages it holds or works on.
    at_work: int
    #: Messages it has taken since it started.
    taken: int


class StallDetector:
    """Counts for how many looks a worker has taken nothing, though it could have.

    >>> silence = StallDetector()
    >>> [silence.lasts(Snapshot(waiting=3, at_work=0, taken=8)) for _ in range(LOOKS + 1)][-2:]
    [False, True]
    """

    def __init__(self) -> None:
        self._looks = 0
        self._taken = -1

    def lasts(self, sight: Snapshot) -> bool:
        """Whether the worker is silent: so it was at this look and the `LOOKS` before."""
        quiet = bool(sight.waiting) and not sight.at_work and sight.taken == self._taken
        self._looks = self._looks + 1 if quiet else 0
        self._taken = sight.taken
        return self._looks >= LOOKS


class LivenessMonitor:
    """Watches the worker of this process, from a thread.

    Args:
        app: its application.
        queues: names of the queues that it was started to take from.
        stall_timeout_s: seconds of silence after which it ends.
    """

    def __init__(self, app: Celery, queues: Sequence[str], stall_timeout_s: float) -> None:
        self._app = app
        self._queues = list(queues)
        self._stall_timeout_s = stall_timeout_s
        self._taken = 0

    def begin(self) -> None:
        """Watch from the moment when the worker is ready for the first time, until the process ends."""
        # Refused messages are taken too: a worker that has nothing but those to do is not silent.
        for signal in (task_received, task_rejected, task_unknown):
            signal.connect(self._count, weak=False)
        worker_ready.connect(self._start, weak=False)

    def _start(self, **_: object) -> None:
        worker_ready.disconnect(self._start)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _count(self, **_: object) -> None:
        self._taken += 1

    def _watch(self) -> None:
        silence = StallDetector()
        while True:
            time.sleep(self._stall_timeout_s / LOOKS)
            depths = self._depths()
            waiting = None if depths is None else sum(depths.values())
            at_work = len(state.reserved_requests) + len(state.active_requests)
            if silence.lasts(Snapshot(waiting, at_work, self._taken)):
                held = ", ".join(f"{depth:,} in {name}" for name, depth in (depths or {}).items() if depth)
                log.critical(
                    "took nothing for %g s though messages wait (%s): starting again", self._stall_timeout_s, held
                )
                exit_for_restart()

    def _depths(self) -> dict[str, int] | None:
        try:
            return queue_depths(self._app, self._queues)
        except BrokerUnreachable:
            # Celery says so, and reconnects by itself.
            return None
        except Exception:
            # Whatever a broker in trouble comes up with, the watch goes on.
            log.exception("the queues can't be looked at")
            return None


def exit_for_restart(*, grace_s: float = _GRACE_S) -> None:
    """End the worker of this process: in order, and if it has not ended within the grace, at once.

    Args:
        grace_s: seconds.
    """
    # What SIGTERM does, but for the exit code.
    state.should_stop = EXIT_AGAIN
    time.sleep(grace_s)
    log.critical("the worker does not end by itself: ending its process")
    os._exit(EXIT_AGAIN)
