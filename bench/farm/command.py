"""`python -m bench farm`: measure the farm and its peers.  contenders -> measures -> targets -> [command] -> report

All in one run, on one Postgres and one Valkey, in turns: every turn begins with another queue. A peer that fails is
left out, with the reason; where the farm fails, there is nothing to print."""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import click

from bench import report
from bench.engines import Absent
from bench.farm.broker_loss import recovery
from bench.farm.celery_queues import EmptyCelery
from bench.farm.contenders import ALWAYS, opened, peers
from bench.farm.ground import running_ground
from bench.farm.job_queue import JobQueue, PeerQueue, Stuck
from bench.farm.killing import Killed, killed
from bench.farm.measures import Size, Turn, measure
from bench.farm.nightly import Nightly
from bench.farm.rulefarm_farm import Rulefarm
from bench.farm.targets import rows_of, rows_of_killed, rows_of_nights, rows_of_recovery
from bench.farm.work import PRODUCTS, Material, material
from bench.timing import ReportRow


@dataclass(frozen=True, slots=True)
class FarmEffort:
    """How much to measure."""

    turns: int
    size: Size
    products: int
    #: Jobs of a backlog whose workers are killed; 0: they are not.
    killed: int
    #: Jobs that are open when the broker loses everything; 0: it does not.
    recovered: int


FULL = FarmEffort(3, Size(alone=300, backlog=4_000), products=PRODUCTS, killed=4_000, recovered=100_000)
#: What waits for the lease of a dead worker takes minutes, whoever waits.
QUICK = FarmEffort(1, Size(alone=10, backlog=100), products=200, killed=0, recovered=0)


@click.command("farm")
@click.option("--quick", is_flag=True, help="One turn, few jobs, nobody killed: a minute.")
@click.option("--peers/--no-peers", "with_peers", default=True, help="Whether queues of other people's take part.")
@click.option("--only", multiple=True, metavar="PACKAGE", help="Of those only this one; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def command(quick: bool, with_peers: bool, only: tuple[str, ...], markdown: bool, file: Path | None) -> None:
    """Time the farm beside other queues that do the same work."""
    started = time.perf_counter()
    effort = QUICK if quick else FULL
    machine = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
    what = material(effort.size.backlog)
    click.echo(f"{machine}; {what.source}; turns: {effort.turns}; jobs of a backlog: {effort.size.backlog:,}")
    if not markdown:
        click.echo(report.header("ratio"))
    rows: list[ReportRow] = []
    kinds, absent = peers(only) if with_peers else ([], [])
    try:
        for part in _parts([*ALWAYS, *kinds], what, effort, absent):
            click.echo(report.markdown(part) if markdown else report.section(part))
            rows += part
    except Stuck as reason:
        sys.exit(f"there is nothing to measure: {reason}")
    if absent:
        click.echo(f"\nleft out\n{report.missing(absent)}")
    click.echo(f"\n{report.summary(rows)}")
    click.echo(f"took {time.perf_counter() - started:.0f} s")
    if file is not None:
        absences = {one.name: one.reason for one in absent}
        whole = {"machine": machine, "rows": [row.to_json() for row in rows], "absent": absences}
        file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _parts(
    kinds: list[type[PeerQueue]], what: Material, effort: FarmEffort, absent: list[Absent]
) -> Iterator[list[ReportRow]]:
    """The parts of the table, one after the other; who fails is added to the absent."""
    with running_ground() as ground, ExitStack() as open_queues:
        farm = open_queues.enter_context(closing(Rulefarm(ground)))
        others, missing = opened(ground, kinds)
        absent += missing
        for other in others:
            open_queues.enter_context(closing(other))
        queues = [farm, *others]
        yield rows_of(_in_turns(queues, what, effort, absent))
        nightly = Nightly(farm, what, effort.products)
        title = f"nightly, {effort.products:,} products, {nightly.rules:,} rules (x columnar pass and COPY)"
        yield rows_of_nights(nightly.measure(effort.turns), title)
        if effort.recovered:
            yield rows_of_recovery(recovery(farm, what, effort.recovered))
        if effort.killed:
            yield rows_of_killed(_deaths([queue for queue in queues if queue.stores], what, effort, absent))


def _in_turns(
    queues: list[JobQueue], what: Material, effort: FarmEffort, absent: list[Absent]
) -> dict[str, list[Turn]]:
    """The turns of each queue that lasts through all of them."""
    turns: dict[str, list[Turn]] = {queue.name: [] for queue in queues}
    for number in range(effort.turns):
        first = number % len(queues)
        for queue in (*queues[first:], *queues[:first]):
            try:
                turns[queue.name].append(measure(queue, what, effort.size, f"turn{number}"))
            except Exception as error:  # Whatever another's library raises, the others are measured.
                _left_out(queues, queue, error, absent)
                del turns[queue.name]
    return turns


def _deaths(queues: list[JobQueue], what: Material, effort: FarmEffort, absent: list[Absent]) -> list[Killed]:
    """What came of killing the workers of each queue."""
    deaths = []
    for queue in tuple(queues):
        try:
            deaths.append(killed(queue, what, effort.killed))
        except Exception as error:
            _left_out(queues, queue, error, absent)
    return deaths


def _left_out(queues: list[JobQueue], queue: JobQueue, error: Exception, absent: list[Absent]) -> None:
    if isinstance(queue, (Rulefarm, EmptyCelery)):
        raise error
    queues.remove(queue)
    absent.append(Absent(queue.name, f"failed ({type(error).__name__}: {error})"))
