"""Celery's autoscaler, but it goes by what the ledger says.  ledger, pool -> [autoscaler] -> processes of this worker

Celery's own counts the messages that it holds: it can't see a backlog that has none, adds one process a message, and
takes one away only when it happens to look. The decision is `workers.scaling.decision`'s; this looks and carries out.
The loop that takes messages waits for no database: a thread looks, and a loop that is told nothing new goes by what it
holds itself, as Celery's does. No process is taken away that was given anything."""

import logging
import math
import threading
import time
from collections.abc import Set
from pathlib import Path
from typing import Any

import psutil
from celery.worker import state
from celery.worker.autoscale import Autoscaler

from rulefarm.errors import FarmUnreachable
from store.open_work import WaitingWork, waiting_work
from tasks.worker_context import current
from workers.scaling.decision import Demand, Width, settle, wanted
from workers.scaling.pace import PACE

log = logging.getLogger("rulefarm.workers")

#: Seconds between two looks.
LOOK_S = 1.0
#: Looks that failed after which nothing is known any more.
_FRESH_S = 5.0
#: Bytes that a process takes at least, however little is its own when it has just begun.
_LEAST_BYTES = 64_000_000
#: What the kernel says of the memory of a container.
_CGROUP = Path("/sys/fs/cgroup")


class FarmAutoscaler(Autoscaler):
    """Grows at once when work waits; shrinks, after a pause, to what was wanted meanwhile."""

    def __init__(self, pool: Any, max_concurrency: int, min_concurrency: int = 1, **kwargs: Any) -> None:
        # What Celery looks after in this time is when `maybe_scale` is called without a message.
        super().__init__(pool, max_concurrency, min_concurrency, **(kwargs | {"keepalive": LOOK_S}))
        self._settings = current().settings
        self._width = Width(min_concurrency)
        self._seen: tuple[float, WaitingWork] | None = None
        self._memory: int | None = None
        self._thread: threading.Thread | None = None

    def maybe_scale(self, req: Any = None) -> None:
        """As many processes as are wanted now.

        Args:
            req: the message that was just taken; None: it is time to look.
        """
        if req is not None and len(state.reserved_requests) <= self.processes:
            return
        if state.should_stop is not None or state.should_terminate is not None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="load", daemon=True)
            self._thread.start()
        number = wanted(self._load(), least=self.min_concurrency, most=self.max_concurrency)
        self._width = settle(self._width, number, now=time.monotonic(), pause_s=self._settings.scale_pause_s)
        # Somebody may have changed the bounds meanwhile.
        more = max(self.min_concurrency, min(self._width.processes, self.max_concurrency)) - self.processes
        if more > 0:
            self._grow(more)
        elif more < 0:
            self._shrink(-more)
        if more:
            self.pool.maintain_pool()

    def _load(self) -> Demand:
        seen = self._seen
        fresh = seen is not None and time.monotonic() - seen[0] < _FRESH_S
        work = seen[1] if seen and fresh else WaitingWork(0, 0, 0, 0.0)
        busy = len(self._given())
        # Of the jobs that are begun for the first time no lease tells; what is no job at all is on no record.
        leased = max(work.leased, busy)
        return Demand(
            open=max(work.waiting + work.leased, len(state.reserved_requests)),
            leased=leased,
            age_s=work.age_s,
            rate=PACE.per_s,
            deadline_s=self._settings.scale_deadline_s,
            busy=busy,
            memory=self._memory,
        )

    def _given(self) -> Set[int]:
        """Ids of the processes that were given something they have not answered; it may be still on its way to them."""
        given = set()
        for job in tuple(self.pool._pool._cache.values()):
            if not job.ready():
                given |= {process.pid for process in (job._scheduled_for, job._write_to) if process is not None}
                given |= set(job.worker_pids())
        return given

    def _shrink(self, n: int) -> None:
        """Take processes away that have nothing to do.

        Args:
            n: how many at most.
        """
        processes, given = self.pool._pool, self._given()
        # Billiard's own idea of an active one leaves out those to which something is on its way; and one that was told
        # to end stands among the others until it has: to be told once more, in the place of one that goes on.
        processes._worker_active = lambda process: process.pid in given or is_ending(process)
        idle = sum(not processes._worker_active(process) for process in processes._pool)
        if idle:
            super()._shrink(min(n, idle))

    def _look(self) -> None:
        context = current()
        while True:
            try:
                # More than keep every process busy until the deadline need not be counted.
                each = max(1.0, (PACE.per_s or 1.0) * self._settings.scale_deadline_s)
                most = math.ceil(each * self.max_concurrency) + self.max_concurrency
                found = waiting_work(context.database, list(context.rulesets), bulk=context.bulk, limit=most)
                self._seen = (time.monotonic(), found)
                self._memory = self._fitting()
            except FarmUnreachable as error:
                log.debug("the backlog is not known: %s", error)
            except Exception:
                # Whatever it is, the next look may fare better, and meanwhile messages say enough.
                log.exception("the backlog is not known")
            time.sleep(LOOK_S)

    def _fitting(self) -> int:
        """How many processes there is memory for, with those that there are."""
        # None: the worker comes to its end.
        processes = self.pool._pool._pool if self.pool._pool is not None else ()
        own = [_own_bytes(process.pid) for process in tuple(processes)]
        return len(own) + max(0, free_bytes() // max(_LEAST_BYTES, *own, 0))


def is_ending(process: Any) -> bool:
    """Whether a process of the pool was told to end."""
    return bool(process._controlled_termination)


def free_bytes(cgroup: Path = _CGROUP) -> int:
    """Bytes of memory that are free on this host, and in this container if it has a limit.

    Args:
        cgroup: where the kernel tells of the container.
    """
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = (int((cgroup / f"memory.{name}").read_text()) for name in ("max", "current"))
        told = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        # No container, one without a limit ("max"), or a kernel that tells it elsewhere.
        return free
    # Of files what nobody used lately: the kernel gives it up when somebody needs the memory.
    return max(0, min(free, limit - used + int(told.get("inactive_file", 0))))


def _own_bytes(pid: int) -> int:
    """What a process has for itself, beside what it shares with its parent."""
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(memory.rss - getattr(memory, "shared", 0))
