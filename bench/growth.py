"""`python -m bench growth`: what grows with the jobs on record, and what must not.  growth_rows -> [growth] -> a table

Each command is run as its user runs it, the start of its process included, beside a worker that answers; the median of
some runs counts. A backlog of the same jobs is submitted and drained at every size with two processes, and at the
largest with more and fewer. Of each it is stated beforehand how it grows, and said afterwards whether it did. Compares
with no other queue: that is `bench.farm`."""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import median

import click

from bench.farm.ground import running_ground
from bench.farm.job_queue import Pair, wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import DOMAIN, material
from bench.growth_rows import lay_down
from tasks.reconcile import send_what_is_due

#: Jobs on record; worker processes, of which the second is that of every size.
SIZES, WIDTHS = (1_000, 10_000, 100_000, 1_000_000), (1, 2, 4, 8)
#: What is asked, with the seconds that it may take with a million jobs on record.
COMMANDS = {
    "status": 0.5,
    "verdicts": 0.5,
    "verdicts --limit 100000": 5.0,
    "prune --older-than 30d --dry-run": 1.0,
}
#: Of one run of the reconciler, which comes every few seconds.
_RECONCILE_S = 0.05
_DRAIN_S = 1_200.0
#: How each is to grow with the jobs on record. What lists so many is linear in what it finds, up to so many.
SHAPES = {
    "status": "flat",
    "verdicts": "flat",
    "verdicts --limit 100000": "linear",
    "prune --older-than 30d --dry-run": "linear",
    "reconcile": "flat",
    "submit": "flat",
    "drain": "flat",
}
#: Times that something may have grown beyond its shape, and seconds that are none: no two runs take equally long.
_SPREAD, _MOMENT_S = 1.5, 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    on_record: int
    processes: int
    #: By the clock; and of the CPU of the command; 0: it was none.
    seconds: float
    cpu_s: float = 0.0
    #: What it may take with a million on record; 0: there is no promise.
    target_s: float = 0.0

    def line(self) -> str:
        """It as a row of Markdown."""
        cpu = f"{self.cpu_s:.2f}" if self.cpu_s else ""
        target = f"{self.target_s:g}" if self.target_s else ""
        return f"| {self.what} | {self.on_record:,} | {self.processes} | {self.seconds:.3f} | {cpu} | {target} |"

    @property
    def kind(self) -> str:
        """Its name in `SHAPES`."""
        return self.what if self.what in SHAPES else self.what.split()[0]


@click.command("growth")
@click.option("--most", default=SIZES[-1], show_default=True, help="Jobs on record at most.")
@click.option("--widest", default=WIDTHS[-1], show_default=True, help="Worker processes at most.")
@click.option("--jobs", default=2_000, show_default=True, help="Jobs of a backlog.")
@click.option("--rounds", default=3, show_default=True, help="Runs of a command, of which the median counts.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def command(most: int, widest: int, jobs: int, rounds: int, file: Path | None) -> None:
    """Time what an operator asks, and a backlog, with more and more jobs on record."""
    click.echo(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    click.echo("| what | jobs on record | processes | seconds | CPU | target |")
    click.echo("| --- | ---: | ---: | ---: | ---: | ---: |")
    figures: list[Figure] = []
    sizes = [size for size in SIZES if size <= most]
    with running_ground() as ground, closing(Rulefarm(ground)) as farm:
        pairs = material(jobs).jobs("grown", jobs)
        for size in sizes:
            wanted = [width for width in WIDTHS if width <= widest and (size == sizes[-1] or width == WIDTHS[1])]
            lay_down(farm.database, DOMAIN, size)
            for figure in chain(_asked(farm, size, rounds), _judged(farm, size, wanted, pairs)):
                figures.append(figure)
                click.echo(figure.line())
    click.echo()
    for line in growth_of(figures):
        click.echo(line)
    promised = (figure for figure in figures if figure.on_record == SIZES[-1] and figure.target_s)
    missed = [figure.what for figure in promised if figure.seconds > figure.target_s]
    click.echo(f"\nmissed: {', '.join(missed) or 'no target'}")
    if file is not None:
        file.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n", encoding="utf-8")


def growth_of(figures: Sequence[Figure]) -> Iterator[str]:
    """Of each kind, how it was to grow and how it grew, from the fewest jobs on record to the most; a line each.

    Args:
        figures: in the order of the jobs on record.
    """
    for kind, shape in SHAPES.items():
        found = [figure for figure in figures if figure.kind == kind and figure.processes in (0, 1, WIDTHS[1])]
        by_size = {figure.on_record: figure.seconds for figure in found}
        if len(by_size) < 2:
            continue
        (fewest, least_s), *_, (most, most_s) = sorted(by_size.items())
        rows = 1 if shape == "flat" else most / fewest
        holds = most_s <= least_s * rows * _SPREAD + _MOMENT_S
        grew = f"{most_s / least_s:.1f} times as long with {most / fewest:,.0f} times as many on record"
        yield f"{kind}: {shape if holds else f'NOT {shape}'}, {grew}"


def _asked(farm: Rulefarm, size: int, rounds: int) -> Iterator[Figure]:
    """What an operator asks, and what the reconciler asks every few seconds."""
    fleet = farm.start_worker(DOMAIN, 1, bulk=False)
    try:
        wait_until(lambda: _run(farm, ["status"], check=False) is not None, PATIENCE_S)
        for words, target_s in COMMANDS.items():
            runs = [_run(farm, words.split()) or (0.0, 0.0) for _ in range(rounds)]
            yield Figure(words, size, 1, median(wall for wall, _ in runs), median(cpu for _, cpu in runs), target_s)
    finally:
        fleet.stop()
    context = farm.reconciling()
    runs_s = [_timed(lambda: send_what_is_due(context)) for _ in range(1 + 5 * rounds)]
    # The first connects.
    yield Figure("reconcile", size, 0, median(runs_s[1:]), 0.0, _RECONCILE_S)


def _judged(farm: Rulefarm, size: int, widths: Sequence[int], pairs: Sequence[Pair]) -> Iterator[Figure]:
    """A backlog, submitted while nobody works and then drained by so many processes."""
    for width in widths:
        # Other keys are other jobs.
        mine = [(f"{key}-{size}-{width}", facts) for key, facts in pairs]
        fleet = farm.start_worker(DOMAIN, width, bulk=False)
        try:
            farm.ask((f"first-{size}-{width}", pairs[0][1]))
            fleet.pause()
            began = time.perf_counter()
            for pair in mine:
                farm.submit(pair)
            yield Figure(f"submit {len(mine):,} jobs", size, width, time.perf_counter() - began)
            fleet.resume()
            drained = _timed(lambda: wait_until(lambda: farm.open_jobs() == 0, _DRAIN_S))
            yield Figure(f"drain {len(mine):,} jobs", size, width, drained)
        finally:
            fleet.resume()
            fleet.stop()


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _run(farm: Rulefarm, words: Sequence[str], *, check: bool = True) -> tuple[float, float] | None:
    """Seconds by the clock, and of CPU, that a command took; None: it said no, and that is no fault."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        env={**os.environ, **farm.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        if check:
            sys.exit(f"'rulefarm {' '.join(words)}' failed: {ran.stderr.strip()}")
        return None
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
