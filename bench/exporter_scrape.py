"""What a scrape takes with a million jobs on record.  growth_rows -> [exporter_scrape] -> gateway_command

The jobs and their verdicts are laid down by Postgres itself, and the exporter is a process of its own, as
`rulefarm metrics` starts it, which has read them when it begins to answer. Nobody works in the farm meanwhile."""

import sys
import time
import urllib.request
from dataclasses import dataclass

from bench.farm.ground import Ground
from bench.farm.job_queue import Fleet, free_port, wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import DOMAIN
from bench.growth_rows import lay_down
from bench.http_load import get
from bench.timing import Goal, ReportRow, Sample

#: What a scrape may take.
_GOAL = Goal(50, "≤ 50 ms", is_least=False)


@dataclass(frozen=True, slots=True)
class Scrapes:
    """What some scrapes took."""

    #: Milliseconds of each, from question to answer.
    times: Sample
    #: Milliseconds of CPU of the exporter, for one of them.
    cpu: Sample


def scrape(ground: Ground, farm: Rulefarm, jobs: int, count: int) -> Scrapes:
    """Time scrapes of a farm's exporter.

    Args:
        ground: where it runs.
        farm: whose record is replaced by as many closed jobs; nobody works in it.
        jobs: how many.
        count: of scrapes.
    """
    lay_down(farm.database, DOMAIN, jobs)
    port = free_port()
    line = [sys.executable, "-m", "cli.main", "metrics", "--port", str(port)]
    exporter = Fleet([line], farm.environ, ground.folder / "metrics.log")
    try:
        wait_until(lambda: get(port, "/metrics") == 200, PATIENCE_S)
        times, before = [], exporter.cpu_s()
        for _ in range(count):
            begun = time.perf_counter()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
                answer.read()
            times.append((time.perf_counter() - begun) * 1e3)
        return Scrapes(Sample(tuple(times)), Sample(((exporter.cpu_s() - before) / count * 1e3,)))
    finally:
        exporter.stop()


def rows_of(scrapes: Scrapes, jobs: int) -> list[ReportRow]:
    """Them in the table.

    Args:
        scrapes: what was measured.
        jobs: that were on record.
    """
    title = f"the exporter, {jobs:,} jobs on record"
    met = _GOAL.is_met(scrapes.times.middle)
    return [
        ReportRow(title, "scrape, from question to answer", scrapes.times, "ms", None, _GOAL.words, met),
        ReportRow(title, "CPU of the exporter for a scrape", scrapes.cpu, "ms", None, "", None),
    ]
