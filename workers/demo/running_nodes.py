"""Nodes that judge, and what they use.  lines of a Procfile -> [running_nodes] -> workers that answer, their CPU

A node is a worker of its own; all of them share one Postgres and one Valkey. They are started for one measurement and
stopped after it, so that nobody else is on the cores. Measures no time."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from rulefarm.services_file import SERVICES_FILE
from rulefarm.settings import Settings
from workers.local import LocalFarm, running_farm


@dataclass(frozen=True, slots=True)
class Nodes:
    """Workers that run."""

    farm: LocalFarm
    #: Of the Postgres that they share.
    postgres_pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU that they and Postgres have used since they started."""
        return sum(map(_cpu_s, (*self.farm.pids.values(), self.postgres_pid)))


@contextmanager
def running_nodes(
    settings: Settings, services_home: Path, nodes: Mapping[str, tuple[Iterable[str], int]], *, bulk: bool
) -> Iterator[Nodes]:
    """Run nodes until the block ends; it begins when all of them answer.

    Args:
        settings: with the URLs of servers that run, and a home that nobody holds.
        services_home: of these servers.
        nodes: name of each to the domains that it serves, and the processes that judge.
        bulk: whether they judge batches, and not single jobs.

    Returns:
        A context manager that gives the nodes.

    Raises:
        ServiceError: a node can't be started, or does not answer.
    """
    queue = "bulk" if bulk else "interactive"
    lines = [
        f"{name}: rulefarm worker --name {name} --domains {','.join(domains)} --queue {queue}"
        f" --autoscale {processes},{processes} --loglevel WARNING\n"
        for name, (domains, processes) in nodes.items()
    ]
    procfile = settings.home.with_name("Procfile")
    procfile.write_text("".join(lines), encoding="utf-8")
    pids = json.loads((services_home / SERVICES_FILE).read_text(encoding="utf-8"))["pids"]
    with running_farm(settings, lambda _: None, environ=os.environ, procfile=procfile) as farm:
        yield Nodes(farm, int(pids["postgres"]))


def _cpu_s(pid: int) -> float:
    """Of a process, of those below it, and of those below it that have ended."""
    seconds = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        own = process.cpu_times()
        seconds = float(own.user + own.system + own.children_user + own.children_system)
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                times = child.cpu_times()
                seconds += float(times.user + times.system)
    return seconds
