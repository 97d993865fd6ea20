"""Who takes how much of the cores while people look at the console.  processes, Postgres -> [console_costs] -> cores

By the kernel, process by process. Postgres has one for each connection, and says by which name it came: the console's
go by a name of their own, so that what is done for it is told from what is done for the farm. Which there are is asked
several times a second; what a connection does between the last look and its end counts as the farm's. What the bench
asks Postgres is nobody's. Judges nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from bench.farm.job_queue import Fleet
from bench.farm.work import connection

#: By what name the connections of the console come.
CONSOLE = "console"
#: Those of this bench, which counts, have none.
_BENCH = ""
_CONNECTED = """
    select pid, backend_start, application_name from pg_stat_activity
    where backend_type in ('client backend', 'parallel worker')"""
#: Seconds between two looks at who is connected.
_EVERY_S = 0.25


@dataclass(slots=True)
class Cores:
    """Cores that were taken, on average, while a block lasted; known at its end."""

    #: By the console's own process, and by Postgres for it.
    console: float = 0.0
    console_postgres: float = 0.0
    #: By the processes of the farm, and by Postgres for it: sessions, and what it does in the background.
    farm: float = 0.0
    farm_postgres: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Whose CPU is counted."""

    console: Fleet
    farm: Fleet
    #: Of the database, which runs on this host.
    database_url: str

    @contextmanager
    def counting(self) -> Iterator[Cores]:
        """Count for as long as a block lasts."""
        cores = Cores()
        with closing(connection(self.database_url)) as database:
            sessions, end = _Sessions(database), threading.Event()
            watch = threading.Thread(target=sessions.watch, args=(end,))
            before, began = self._taken(sessions), time.perf_counter()
            watch.start()
            try:
                yield cores
            finally:
                end.set()
                watch.join()
            seconds = time.perf_counter() - began
            taken = [(after - first) / seconds for after, first in zip(self._taken(sessions), before, strict=True)]
        cores.console, cores.console_postgres, cores.farm, cores.farm_postgres = taken

    def _taken(self, sessions: "_Sessions") -> tuple[float, float, float, float]:
        by_name = sessions.look()
        mine = by_name.get(CONSOLE, 0.0)
        of_farm = sessions.whole_s() - mine - by_name.get(_BENCH, 0.0)
        return self.console.cpu_s(), mine, self.farm.cpu_s(), of_farm


def named(url: str) -> str:
    """The URL of a database for the console: its connections come by its name.

    Args:
        url: of the database.
    """
    return f"{url}{'&' if '?' in url else '?'}application_name={CONSOLE}"


@dataclass(slots=True)
class _Sessions:
    """The processes of one Postgres, as long as a connection to it is open."""

    database: Any
    #: By process and begin, since a number may be given again: its name, and seconds of CPU when it was seen last.
    _seen: dict[tuple[int, Any], tuple[str, float]] = field(default_factory=dict)

    def watch(self, end: threading.Event) -> None:
        """Look again and again."""
        while not end.wait(_EVERY_S):
            self.look()

    def look(self) -> dict[str, float]:
        """Seconds of CPU by the names of the connections, of those that have ended too, as far as they were seen."""
        with self.database.cursor() as cursor:
            cursor.execute(_CONNECTED)
            for pid, begun, name in cursor:
                with suppress(psutil.Error):
                    self._seen[pid, begun] = name, _own_s(psutil.Process(pid))
        found: dict[str, float] = {}
        for name, seconds in self._seen.values():
            found[name] = found.get(name, 0.0) + seconds
        return found

    def whole_s(self) -> float:
        """Seconds of CPU of all processes of this Postgres, also of those that have ended."""
        first = psutil.Process(self.database.info.backend_pid).parent()
        if first is None:
            return 0.0
        ended = first.cpu_times()
        total = ended.children_user + ended.children_system + _own_s(first)
        for process in first.children():
            with suppress(psutil.Error):
                total += _own_s(process)
        return float(total)


def _own_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
