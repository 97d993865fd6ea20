"""Liveness check of a worker: it ends with code 75 when it stalls.  queues, counters -> [liveness] -> exit

A worker can come out of a broker's restart connected, and yet take no message, for ever, or hold one that none of its
processes is given: it still answers `rulefarm status`. So a thread in its main process looks at its queues over a
connection of its own, several times within `stall_timeout_s` seconds. A worker for which messages waited at every look,
there or in its hands, and that received none and worked on none, has stalled; it ends, and its supervisor starts a
fresh one. What counts are the queues that it was started for: a consumer that somebody cancelled counts as stalled, for
a farm must not stand still because of a forgotten cancel."""

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from celery import Celery
from celery.signals import task_received, task_rejected, task_unknown, worker_ready
from celery.worker import state

from rulefarm.errors import BrokerUnreachable
from rulefarm.messaging import queue_depths

log = logging.getLogger("rulefarm.workers")

#: Looks without a received message that make a stall: several, so that a worker that was itself stopped (SIGSTOP) for
#: a while is not ended.
LOOKS = 6
#: Seconds to end in order. There is nothing to finish, but Celery's loop may take ten to see that it is to end.
_GRACE_S = 20.0
#: Exit code of a worker that is to be started again (EX_TEMPFAIL): after a 0 some supervisors would not.
EXIT_AGAIN = 75


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of a worker at one look."""

    #: Messages that wait in its queues, and that it holds; None: the broker does not answer.
    waiting: int | None
    #: Messages that its processes work on.
    at_work: int
    #: Messages it has taken since it started.
    taken: int


def snapshot_of(depths: Mapping[str, int] | None, taken: int) -> Snapshot:
    """The state of the worker of this process.

    Args:
        depths: of its queues; None: the broker does not answer.
        taken: messages that it has taken since it started.
    """
    # Those that it works on are among those that it holds, until they are done.
    waiting = None if depths is None else sum(depths.values()) + len(state.reserved_requests)
    return Snapshot(waiting, len(state.active_requests), taken)


class StallDetector:
    """Counts the looks, one after the other, at which a worker has received nothing, though messages wait.

    >>> detector = StallDetector()
    >>> [detector.is_stalled(Snapshot(waiting=3, at_work=0, taken=8)) for _ in range(LOOKS + 1)][-2:]
    [False, True]
    """

    def __init__(self) -> None:
        self._looks = 0
        self._taken = -1

    def is_stalled(self, snapshot: Snapshot) -> bool:
        """Whether the worker took nothing since `LOOKS` looks ago, though messages waited at each look since."""
        idle = bool(snapshot.waiting) and not snapshot.at_work and snapshot.taken == self._taken
        self._looks = self._looks + 1 if idle else 0
        self._taken = snapshot.taken
        return self._looks >= LOOKS


class LivenessMonitor:
    """Ends the worker of this process when it stalls; looks at it from a thread.

    Args:
        app: its application.
        queues: names of the queues that it was started to take from.
        stall_timeout_s: seconds without a received message, while some wait, after which it ends.
    """

    def __init__(self, app: Celery, queues: Sequence[str], stall_timeout_s: float) -> None:
        self._app = app
        self._queues = list(queues)
        self._stall_timeout_s = stall_timeout_s
        self._taken = 0

    def begin(self) -> None:
        """Look from the moment when the worker is ready for the first time, until the process ends."""
        # Refused messages are taken too: a worker that has nothing but those to do has not stalled.
        for signal in (task_received, task_rejected, task_unknown):
            signal.connect(self._count, weak=False)
        worker_ready.connect(self._start, weak=False)

    def _start(self, **_: object) -> None:
        worker_ready.disconnect(self._start)
        threading.Thread(target=self._watch, name="liveness", daemon=True).start()

    def _count(self, **_: object) -> None:
        self._taken += 1

    def _watch(self) -> None:
        detector = StallDetector()
        while True:
            time.sleep(self._stall_timeout_s / LOOKS)
            depths = self._depths()
            if detector.is_stalled(snapshot_of(depths, self._taken)):
                places = [f"{depth:,} in {name}" for name, depth in (depths or {}).items() if depth]
                places += [f"{len(state.reserved_requests):,} that it holds"] * bool(state.reserved_requests)
                log.critical(
                    "took nothing for %g s though messages wait (%s): starting again",
                    self._stall_timeout_s, ", ".join(places),
                )  # fmt: skip
                exit_for_restart()

    def _depths(self) -> dict[str, int] | None:
        try:
            return queue_depths(self._app, self._queues)
        except BrokerUnreachable:
            # Celery says so, and reconnects by itself.
            return None
        except Exception:
            # Whatever a broker in trouble answers, the next look may fare better.
            log.exception("the depths of the queues can't be read")
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
