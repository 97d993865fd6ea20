"""A farm of its own to measure on: what it used, when verdicts were written.  [trial_farm] -> calibrating, trials

Postgres and Valkey are embedded ones that sync to disk as in earnest, in a folder that is gone afterwards; a worker for
single jobs, one for batches, and beat. Nothing that anybody else runs is touched."""

import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis
from sqlalchemy import Engine, text

from rulefarm.database import connect
from rulefarm.errors import RulefarmError
from rulefarm.farm import Farm
from rulefarm.routing import queue_name
from rulefarm.services_file import SERVICES_FILE
from rulefarm.settings import Settings
from workers.drill.subjects import order
from workers.local import LocalFarm, Migrate, running_farm

#: Who judges the single jobs, and who the batch.
DOMAIN, BATCH_DOMAIN = "payment", "pricing"
#: Processes that judge single jobs.
WIDTH = 2
_PARTS = (
    f"single: rulefarm worker --domains {DOMAIN} --autoscale {WIDTH},{WIDTH}\n"
    f"batch: rulefarm worker --domains {BATCH_DOMAIN} --queue bulk --autoscale 1,1\n"
    "beat: rulefarm beat\n"
)
#: Seconds until its workers answer; until what was begun is done; between two looks.
_READY_S, _PATIENCE_S, _LOOK_S = 120.0, 300.0, 0.02
# When each verdict of a job was written: the commit alone is still to come. Verdicts of batches are not of interest.
_WATCH = (
    "create table seen (id uuid, at timestamptz)",
    "create function watch() returns trigger language plpgsql as $$ begin"
    " insert into seen select id, clock_timestamp() from written where batch is null; return null; end $$",
    "create trigger watch after insert on verdicts referencing new table as written"
    " for each statement execute function watch()",
)


class TrialFailed(RulefarmError):
    """What was to be measured did not come about."""


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of CPU, and by the clock."""

    worker_s: float
    database_s: float
    own_s: float
    clock_s: float

    def __sub__(self, before: "Used") -> "Used":
        mine = (self.worker_s, self.database_s, self.own_s, self.clock_s)
        theirs = (before.worker_s, before.database_s, before.own_s, before.clock_s)
        return Used(*(after - early for after, early in zip(mine, theirs, strict=True)))


class TrialFarm:
    """A farm that runs.

    Args:
        local: what was started.
        folder: for files.
    """

    def __init__(self, local: LocalFarm, folder: Path) -> None:
        self.folder = folder
        self.settings = local.settings
        self._local = local
        self._database: Engine = connect(local.settings)
        self.farm = Farm(local.settings)
        self._redis = redis.Redis.from_url(local.settings.require_broker())
        with self._database.begin() as connection:
            for statement in _WATCH:
                connection.execute(text(statement))
        pids = json.loads((local.settings.home / SERVICES_FILE).read_text(encoding="utf-8"))["pids"]
        self._postgres = psutil.Process(int(pids["postgres"]))

    def close(self) -> None:
        """End what this process began."""
        self.farm.close()
        self._database.dispose()
        self._redis.close()

    def used(self, part: str = "single") -> Used:
        """What a worker, Postgres and this process have used until now.

        Args:
            part: which worker.
        """
        worker = psutil.Process(self._local.pids[part])
        return Used(_cpu_s(worker), _cpu_s(self._postgres), time.process_time(), time.perf_counter())

    def memory(self) -> tuple[float, float]:
        """Bytes of the worker's main process, and of the largest of the processes that judge, each for itself."""
        worker = psutil.Process(self._local.pids["single"])
        children = [_own_bytes(child) for child in worker.children(recursive=True)]
        return _own_bytes(worker), max(children, default=0.0)

    def broker_bytes(self) -> float:
        """What the broker holds in memory."""
        return float(self._redis.info("memory")["used_memory"])

    def messages(self) -> tuple[int, float]:
        """How many messages wait for the worker of single jobs, and what all of them take in memory."""
        name = queue_name(DOMAIN, bulk=False)
        return int(self._redis.llen(name)), float(self._redis.memory_usage(name) or 0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The worker of single jobs does nothing while the block runs."""
        worker = psutil.Process(self._local.pids["single"])
        processes = [worker, *worker.children(recursive=True)]
        try:
            for process in processes:
                process.send_signal(signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGCONT)

    def wait_until_done(self) -> None:
        """Wait until no job is open.

        Raises:
            TrialFailed: one still is, after minutes.
        """
        self._wait_while(lambda: self.number("select count(*) from jobs where state = 'open'"), "jobs are open")

    def wait_until_idle(self) -> None:
        """Wait until no job is open, and no message waits either.

        Raises:
            TrialFailed: one still is or does, after minutes.
        """
        self.wait_until_done()
        self._wait_while(lambda: self.messages()[0], "messages wait")

    def _wait_while(self, waits: Callable[[], float], what: str) -> None:
        give_up = time.monotonic() + _PATIENCE_S
        while waits():
            if time.monotonic() > give_up:
                raise TrialFailed("trial-stuck", f"{what} after {_PATIENCE_S:g} s", "see the log of its workers")
            time.sleep(_LOOK_S)

    def number(self, statement: str) -> float:
        """The one number that a statement asks for; nothing counts as 0."""
        with self._database.connect() as connection:
            return float(connection.execute(text(statement)).scalar() or 0)

    def latencies(self, name: str) -> list[tuple[float, float]]:
        """Of each job whose key begins so: when it was taken, and how long after its verdict was written; in seconds,
        by Postgres's clock, in order."""
        statement = (
            "select extract(epoch from j.enqueued_at), extract(epoch from s.at - j.enqueued_at)"
            " from jobs j join seen s on s.id = j.id where j.subject like :name order by 1"
        )
        with self._database.connect() as connection:
            rows = connection.execute(text(statement), {"name": f"{name}-%"})
            return [(float(taken), float(waited)) for taken, waited in rows]


@contextmanager
def trial_farm(migrate: Migrate, environ: Mapping[str, str] | None = None) -> Iterator[TrialFarm]:
    """A farm to measure on, and nobody else's.

    Args:
        migrate: makes the tables.
        environ: what its parts inherit; default: this process's.

    Returns:
        A context manager that gives it, when its workers answer.

    Raises:
        ServiceError: it can't be started.
    """
    with tempfile.TemporaryDirectory(prefix="rulefarm-plan-") as name:
        folder = Path(name)
        procfile = folder / "Procfile"
        procfile.write_text(_PARTS, encoding="utf-8")
        settings = Settings(home=folder / "home")
        inherited = os.environ if environ is None else environ
        with running_farm(settings, migrate, environ=inherited, procfile=procfile, ready_s=_READY_S) as local:
            farm = TrialFarm(local, folder)
            try:
                yield farm
            finally:
                farm.close()


def orders(name: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Keys and facts of made-up orders.

    Args:
        name: begins the keys: other names are other jobs.
        count: how many.
    """
    chance = random.Random(7)
    return [(f"{name}-{number:06}", order(chance, f"{name}-{number}")) for number in range(count)]


def share(samples: Sequence[float], part: float) -> float:
    """What so large a part of the samples stays within; 0 of none.

    Args:
        samples: in any order.
        part: of 1.

    >>> share([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    if not samples:
        return 0.0
    ordered = sorted(samples)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered)) - 1))]


def _cpu_s(process: psutil.Process) -> float:
    """Of a process, of what it started, and of what of that has ended."""
    total = 0.0
    with suppress(psutil.Error):
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += sum(each.cpu_times()[:4])
    return total


def _own_bytes(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return float(process.memory_full_info().uss)
    return 0.0
