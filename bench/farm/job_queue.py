"""What a queue has to do to be measured.  ground, work -> [job_queue] -> measures, killing

A queue takes jobs, and has workers: processes of their own, which are started, asked to end, or killed. Where its rows
are is asked of Postgres, with a statement that costs next to nothing. Measures nothing itself."""

import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.farm.ground import Ground
from bench.farm.work import connection, create_table, encoded

#: Processes that judge, for everyone.
PROCESSES = 2
#: Seconds in which a worker that is asked to end has to.
_STOP_S = 30.0

#: Key and facts.
Pair = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """How far the workers are."""

    #: Rows that are stored.
    rows: int
    #: Different subjects among them.
    subjects: int
    #: Workers that stored any.
    workers: int


class Stuck(Exception):
    """What was waited for did not come: there is nothing to measure."""


def wait_until(condition: Callable[[], bool], patience_s: float, every_s: float = 0.05) -> None:
    """Wait for something.

    Args:
        condition: whether it has come.
        patience_s: seconds.
        every_s: between two looks.

    Raises:
        Stuck: it did not come in time.
    """
    give_up = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > give_up:
            raise Stuck(f"not within {patience_s:g} s")
        time.sleep(every_s)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Fleet:
    """Processes that were started together, each with whatever it started itself.

    Args:
        commands: program and arguments of each.
        environ: beside this process's environment.
        log: their output is appended to it.
    """

    def __init__(self, commands: Sequence[Sequence[str]], environ: Mapping[str, str], log: Path) -> None:
        folders = [str(Path(__file__).parents[2] / "client"), str(Path(__file__).parents[2])]
        path = os.pathsep.join([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])
        with log.open("ab") as output:
            self._processes = [
                subprocess.Popen(
                    command,
                    env={**os.environ, **environ, "PYTHONPATH": path},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
                for command in commands
            ]

    def cpu_s(self) -> float:
        """Seconds of CPU that all of them have used until now."""
        return sum(_cpu_s(process) for process in self._tree())

    def largest_child_bytes(self) -> int:
        """Resident memory of the largest process that one of them has started; 0: none has."""
        own = {process.pid for process in self._processes}
        sizes = [0]
        for process in self._tree():
            with suppress(psutil.Error):
                if process.pid not in own:
                    sizes.append(process.memory_info().rss)
        return max(sizes)

    def pause(self) -> None:
        """Let none of them run until `resume`."""
        for process in self._tree():
            process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        for process in self._tree():
            process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ask them to end, wait for it, and kill what is left."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
        self.kill()

    def kill(self) -> None:
        """Kill them all, at once."""
        tree = self._tree()
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        # Whoever has left the group.
        for process in tree:
            with suppress(psutil.Error):
                process.kill()
        for started in self._processes:
            started.wait()

    def _tree(self) -> list[psutil.Process]:
        found = []
        for process in self._processes:
            with suppress(psutil.Error):
                parent = psutil.Process(process.pid)
                found += [parent, *parent.children(recursive=True)]
        return found


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


class JobQueue(ABC):
    """A queue that judges orders; made with its database and its schema in place.

    Args:
        ground: where it runs.
    """

    name: str
    #: How many times as many jobs as the others it gets as its backlog: who is fast would be done too soon.
    share = 1
    #: Whether it takes many jobs at once.
    takes_many = True
    #: Whether a producer can wait for what becomes of its job.
    answers = False
    #: Whether it stores rows.
    stores = True
    #: How many names of workers its rows come to have.
    workers = PROCESSES

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._log = ground.folder / f"{type(self).__name__}.log"

    @abstractmethod
    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""

    @abstractmethod
    def submit(self, pair: Pair) -> None:
        """Take one job."""

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Take many jobs at once."""
        raise NotImplementedError

    def lay(self, pairs: Sequence[Pair]) -> None:
        """Lay down a backlog of single jobs before workers that do not run."""
        for pair in pairs:
            self.submit(pair)

    def ask(self, pair: Pair) -> None:
        """Take one job and wait until its producer knows what became of it."""
        raise NotImplementedError

    @abstractmethod
    def start(self) -> Fleet:
        """Start the workers."""

    @abstractmethod
    def rows(self) -> int:
        """Rows that are stored; asked often, so it must cost little."""

    @abstractmethod
    def progress(self) -> Stored:
        """How far the workers are."""

    @abstractmethod
    def is_stored(self, pair: Pair) -> bool:
        """Whether there is a row of this job."""

    def started_servants(self) -> Fleet | None:
        """Start what the workers need beside them, and what is not killed with them."""
        return None

    def close(self) -> None:
        """End what was begun by this process."""
        return


class PeerQueue(JobQueue):
    """A queue whose workers store in the table that peers share. Each has a database of its own.

    Args:
        ground: where it runs.
        number: of the broker's database; no two have the same.
    """

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground)
        self._database_url = ground.database(f"bench_{type(self).__name__.lower()}")
        self._broker_url = ground.broker(number)
        create_table(self._database_url)
        self._connection = connection(self._database_url)

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        self._execute("truncate judged")

    def lay(self, pairs: Sequence[Pair]) -> None:
        """Lay down a backlog, many jobs at once where it can: one by one, each would wake a worker that can't wake."""
        if self.takes_many:
            self.submit_many(pairs)
        else:
            super().lay(pairs)

    def rows(self) -> int:
        """Rows that are stored."""
        return int(self._execute("select count(*) from judged")[0][0])

    def progress(self) -> Stored:
        """How far the workers are."""
        [row] = self._execute("select count(*), count(distinct subject), count(distinct worker) from judged")
        return Stored(*row)

    def is_stored(self, pair: Pair) -> bool:
        """Whether there is a row of this job."""
        return bool(self._execute("select 1 from judged where subject = %s", (pair[0],)))

    def close(self) -> None:
        """End what was begun by this process."""
        self._connection.close()

    def _execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def _fleet(self, *commands: Sequence[str]) -> Fleet:
        environ = {"BENCH_DATABASE_URL": self._database_url, "BENCH_BROKER_URL": self._broker_url}
        return Fleet(commands, environ, self._log)

    def _alike(self, module: str) -> Fleet:
        """Two processes that run one of our modules."""
        return self._fleet(*([[sys.executable, "-m", module]] * PROCESSES))


def texts(pairs: Sequence[Pair]) -> list[str]:
    """Jobs as the texts that peers carry."""
    return [encoded(*pair) for pair in pairs]
