"""How soon a worker judges after its start.  rulefarm_farm, publish -> [worker_start] -> report

The worker of all domains that ship, which are published: from the moment its process is made until the verdict of a job
that waited for it is seen in Postgres. Beside it what no worker of ours can do without: a process that imports what a
worker imports, and ends. Starts servers of its own; judges nothing itself."""

import os
import subprocess
import sys
import time
from contextlib import closing

from bench.engines import Absent
from bench.farm.ground import running_ground
from bench.farm.job_queue import Stuck, wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import material
from bench.timing import Goal, ReportRow, Sample
from rulefarm.errors import RulefarmError
from rulesets.loader import SHIPPED, available_domains, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot

FIRST, CPU, IMPORTS = "start to first job", "CPU of its processes until then", "its imports alone"
_GOAL = Goal(0.9, "≤ 0.9 s", is_least=False)
#: Seconds between two looks at whether the verdict is there.
_LOOK_S = 0.005
_IMPORTS = [sys.executable, "-c", "import cli.start, cli.main, workers.start, polars"]


def worker_start(rounds: int) -> tuple[list[ReportRow], list[Absent]]:
    """Seconds from a worker's start to its first verdict; where no server can be started, or none judges, why.

    Args:
        rounds: workers that are started, one after the other.
    """
    try:
        return _started(rounds), []
    except (RulefarmError, Stuck) as reason:
        return [], [Absent("worker of the shipped domains", str(reason))]


def _started(rounds: int) -> list[ReportRow]:
    domains = available_domains(SHIPPED)
    firsts, cpu, imports = [], [], []
    with running_ground() as ground, closing(Rulefarm(ground)) as farm:
        publish(farm.database, [RulesetSnapshot.of(load_domain(SHIPPED, domain)) for domain in domains])
        for pair in material(rounds).jobs("start", rounds):
            farm.submit(pair)
            begun = time.perf_counter()
            fleet = farm.start_worker_of_all(1)
            try:
                wait_until(lambda pair=pair: farm.is_stored(pair), PATIENCE_S, _LOOK_S)  # type: ignore[misc]
                firsts.append(time.perf_counter() - begun)
                cpu.append(fleet.cpu_s())
            finally:
                fleet.stop()
            begun = time.perf_counter()
            subprocess.run(_IMPORTS, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
            imports.append(time.perf_counter() - begun)
    return rows_of(len(domains), firsts, cpu, imports)


def rows_of(domains: int, firsts: list[float], cpu: list[float], imports: list[float]) -> list[ReportRow]:
    """The rows of the table.

    Args:
        domains: that the worker served.
        firsts: seconds to the first verdict, start by start.
        cpu: seconds of CPU until then.
        imports: seconds of a process that imports the same.
    """
    section, whole = f"worker of the {domains} shipped domains", Sample(tuple(firsts))
    return [
        ReportRow(section, FIRST, whole, "s", None, _GOAL.words, _GOAL.is_met(whole.middle)),
        ReportRow(section, CPU, Sample(tuple(cpu)), "s"),
        ReportRow(section, IMPORTS, Sample(tuple(imports)), "s"),
    ]
