"""`python -m bench console`: the console beside a busy farm with many verdicts on record.  -> report

Two questions in one run. How long does each page take while the whole farm judges; and how much slower does the farm
judge while people click through the pages, in turns with nobody. The farm drains a backlog: its rate is all that
it can do; the console is a process of its own, as `rulefarm console` starts it. All share the cores of this machine, so
what the console costs the farm is seen here, as it would not be where it has a host of its own. So do those who click:
what they take, who would sit elsewhere, is counted apart from what the console takes and Postgres for it.

People look for a while and not only for a moment: turns follow each other with the same people, and before the first of
them one is not counted, in which the console reads what came while nobody looked."""

import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import psutil

from bench import report
from bench.console_clicks import Clicks, clicking, open_each
from bench.console_costs import Cores, Counted, named
from bench.console_pages import linked_pages
from bench.farm.ground import Ground, running_ground
from bench.farm.job_queue import Fleet, Stuck, free_port, wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import DOMAIN, material
from bench.growth_rows import lay_batches, lay_down, lay_open
from bench.http_load import get, page
from bench.timing import Goal, ReportRow, Sample

#: People who click at once, and seconds for which each looks at a page.
PEOPLE, PAUSE_S = 10, 5.0
#: Verdicts on record; times that each page is opened.
VERDICTS, OPENINGS = 1_000_000, 40
#: Pairs of a run of turns with people and one without; turns that are counted of a run; and seconds of a turn.
PAIRS, TURNS, SECONDS = 4, 6, 5.0
#: Batches on record, and the rows of each.
BATCHES, ROWS = 3, 10_000
#: Jobs of a backlog: more than the farm judges in a pair of times.
BACKLOG = 120_000
_P95, _RATE = Goal(150, "≤ 150 ms", is_least=False), Goal(0.97, "≥ 0.97 x")
_SHARE = Goal(3.0, "≤ 3 %", is_least=False)
_ALONE, _LOOKED_AT = "nobody looks", f"{PEOPLE} people click"


@dataclass(frozen=True, slots=True)
class Measure:
    """How much is measured."""

    verdicts: int
    openings: int
    pairs: int
    turns: int
    seconds: float
    backlog: int


@dataclass(frozen=True, slots=True)
class ConsoleTurn:
    """Some seconds of a farm at work."""

    #: Verdicts a second.
    rate: float
    cores: Cores


@dataclass(slots=True)
class ConsoleTurns:
    """Turns without people and as many with them."""

    alone: list[ConsoleTurn] = field(default_factory=list)
    looked_at: list[ConsoleTurn] = field(default_factory=list)
    #: What people were shown in each run.
    clicks: list[Clicks] = field(default_factory=list)


@click.command("console")
@click.option("--quick", is_flag=True, help="Few verdicts and short turns: whether it works.")
@click.option("--verdicts", default=VERDICTS, show_default=True, type=click.IntRange(100), help="On record.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def command(quick: bool, verdicts: int, file: Path | None) -> None:
    """Time the pages of the console beside a busy farm, and the farm beside people who click."""
    measure = (
        Measure(5_000, 3, 1, 1, 2.0, 20_000) if quick else Measure(verdicts, OPENINGS, PAIRS, TURNS, SECONDS, BACKLOG)
    )
    click.echo(f"{measure.verdicts:,} verdicts on record; a page every {PAUSE_S:g} s for each of {PEOPLE} people")
    click.echo(report.header("ratio"))
    with running_ground() as ground, closing(Rulefarm(ground)) as farm:
        lay_down(farm.database, DOMAIN, measure.verdicts)
        lay_batches(farm.database, DOMAIN, BATCHES, min(measure.verdicts, ROWS))
        worker = farm.start()
        try:
            with _console(ground, farm) as (port, console):
                rows = _rows(farm, port, Counted(console, worker, farm.environ["RULEFARM_DATABASE_URL"]), measure)
        except Stuck as reason:
            sys.exit(f"there is nothing to measure: {reason}")
        finally:
            worker.stop()
    click.echo(report.section(rows))
    click.echo(f"\n{report.summary(rows)}")
    if file is not None:
        written = json.dumps({"rows": [row.to_json() for row in rows]}, indent=1, ensure_ascii=False)
        file.write_text(f"{written}\n", encoding="utf-8")


def _rows(farm: Rulefarm, port: int, counted: Counted, measure: Measure) -> list[ReportRow]:
    busy = _Busy(farm, measure.backlog)
    busy.keep()
    pages = linked_pages(partial(page, port))
    times = open_each(port, pages, 1).times and open_each(port, pages, measure.openings).times
    turns = ConsoleTurns()
    for number in range(measure.pairs):
        # Who is first changes: the farm of the second run has a few more verdicts on record.
        for is_looked_at in (number % 2 == 0, number % 2 == 1):
            if is_looked_at:
                with clicking(port, pages, PEOPLE, PAUSE_S) as clicks:
                    turns.looked_at += _run(busy, counted, measure)
                turns.clicks.append(clicks)
            else:
                turns.alone += _run(busy, counted, measure)
    return rows_of(times, turns, psutil.cpu_count() or 1)


def _run(busy: "_Busy", counted: Counted, measure: Measure) -> list[ConsoleTurn]:
    """Turns that follow each other; the one before them is not counted."""
    turns = []
    for _ in range(1 + measure.turns):
        busy.keep()
        with counted.counting() as cores:
            rate = busy.rate(measure.seconds)
        turns.append(ConsoleTurn(rate, cores))
    return turns[1:]


def rows_of(times: Mapping[str, Sequence[float]], turns: ConsoleTurns, cpus: int) -> list[ReportRow]:
    """The table.

    Args:
        times: seconds of each opening of a page.
        turns: of the farm.
        cpus: cores of this machine.
    """
    rows = []
    for name, taken in times.items():
        sample = Sample(tuple(seconds * 1e3 for seconds in taken))
        rows.append(ReportRow("page beside a busy farm, half within", name, sample, "ms"))
    for name, taken in times.items():
        p95 = sorted(taken)[len(taken) * 95 // 100] * 1e3
        section = "page beside a busy farm, 95 of 100 within"
        rows.append(ReportRow(section, name, Sample((p95,)), "ms", target=_P95.words, met=_P95.is_met(p95)))
    section = f"verdicts a second (x {_ALONE})"
    before, during = (Sample(tuple(turn.rate for turn in those)) for those in (turns.alone, turns.looked_at))
    rows.append(ReportRow(section, _ALONE, before, "/s"))
    rows.append(ReportRow(section, _LOOKED_AT, during, "/s", during.over(before)))
    # What costs most is asked for now and then, and most turns have none of it: it counts in all turns together.
    mean = statistics.fmean(during.values)
    ratio = mean / statistics.fmean(before.values)
    name = f"{_LOOKED_AT}, all turns together"
    together = ReportRow(section, name, Sample((mean,)), "/s", Sample((ratio,)), _RATE.words, _RATE.is_met(ratio))
    rows.append(together)
    return [*rows, *_core_rows(turns, cpus), *_pace_rows(turns)]


def _core_rows(turns: ConsoleTurns, cpus: int) -> list[ReportRow]:
    """Who takes what; and of all cores the part that goes to the console, and not to those who click."""
    rows = []
    for words, those in ((_ALONE, turns.alone), (_LOOKED_AT, turns.looked_at)):
        taken = {
            "the farm's processes": [turn.cores.farm for turn in those],
            "Postgres for the farm": [turn.cores.farm_postgres for turn in those],
            "the console's process": [turn.cores.console for turn in those],
            "Postgres for the console": [turn.cores.console_postgres for turn in those],
            "those who click": [each.cores for each in turns.clicks if those is turns.looked_at],
        }
        section = f"cores of {cpus} that are taken while {words}"
        rows += [ReportRow(section, who, Sample(tuple(cores)), "") for who, cores in taken.items() if cores]
    shares = [100 * (turn.cores.console + turn.cores.console_postgres) / cpus for turn in turns.looked_at]
    share = Sample((statistics.fmean(shares),))
    section = "share of all cores that the console takes, and Postgres for it"
    name = f"{_LOOKED_AT}, all turns together"
    return [*rows, ReportRow(section, name, share, "%", target=_SHARE.words, met=_SHARE.is_met(share.middle))]


def _pace_rows(turns: ConsoleTurns) -> list[ReportRow]:
    clicks = turns.clicks
    section = f"what {PEOPLE} people ask for, a page every {PAUSE_S:g} s each"
    return [
        ReportRow(section, "pages", Sample(tuple(each.opened / each.seconds for each in clicks)), "/s"),
        ReportRow(section, "renewed parts", Sample(tuple(len(each.renewed) / each.seconds for each in clicks)), "/s"),
    ]


class _Busy:
    """A farm that has more to judge than it can."""

    def __init__(self, farm: Rulefarm, backlog: int) -> None:
        self._farm = farm
        self._backlog = backlog
        self._round = 0
        self._pairs = material(100).jobs("busy", 100)

    def keep(self) -> None:
        """Lay down what is missing of a backlog, and have every process at it: each turn begins with the same."""
        self._round += 1
        missing = self._backlog - self._farm.open_jobs()
        if missing > 0:
            facts = [facts for _, facts in self._pairs]
            lay_open(self._farm.database, DOMAIN, facts, missing, name=f"open-{self._round}")
        # Whoever has nothing to do is woken by a message.
        for number in range(8):
            self._farm.submit((f"wake-{self._round}-{number}", self._pairs[0][1]))
        before = self._farm.open_jobs()
        wait_until(lambda: self._farm.open_jobs() < before, PATIENCE_S)

    def rate(self, seconds: float) -> float:
        """Jobs that are judged in a second, over some seconds.

        Raises:
            Stuck: there was not enough to do.
        """
        before, began = self._farm.open_jobs(), time.perf_counter()
        time.sleep(seconds)
        after, ended = self._farm.open_jobs(), time.perf_counter()
        if not after:
            raise Stuck("the backlog was judged before the time was over")
        return (before - after) / (ended - began)


@contextmanager
def _console(ground: Ground, farm: Rulefarm) -> Iterator[tuple[int, Fleet]]:
    port = free_port()
    line = [sys.executable, "-m", "cli.main", "console", "--port", str(port)]
    environ = {**farm.environ, "RULEFARM_DATABASE_URL": named(farm.environ["RULEFARM_DATABASE_URL"])}
    fleet = Fleet([line], environ, ground.folder / "console.log")
    try:
        wait_until(lambda: get(port, "/readyz") == 200, PATIENCE_S)
        yield port, fleet
    finally:
        fleet.stop()
