"""`python -m bench shadow`: what a draft costs that judges in the shadow, and how soon workers go over.  -> report

Two questions about changing rules while the farm judges. How much longer does an order take while a draft judges a
share of the jobs: on one farm, in stretches by turns with the draft, without, and without once more, which shows what
chance alone makes of it. And how long after a publishing does every process judge by it (`bench.publishing`)."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import click

from bench import report
from bench.farm.ground import running_ground
from bench.farm.job_queue import PROCESSES, Pair, Stuck
from bench.farm.rulefarm_farm import Rulefarm
from bench.farm.work import DOMAIN, Material, material
from bench.publishing import Author, goings_over, resident_mb, row_of_memory, rows_of_publishings
from bench.timing import Goal, ReportRow, Sample
from store.ruleset_versions import RulesetSnapshot
from store.shadows import Shadow, find_shadows, start_shadow, stop_shadow
from tasks.shadow import FRESH_S

#: Of the jobs, for the draft.
SHARE = 0.1
#: Producers that wait for each answer: as many as there are processes, so that both have work.
PRODUCERS = PROCESSES
#: Seconds of jobs between two stretches: until every process knows which draft judges, and has compiled it.
_SETTLE_S = FRESH_S + 2
_P99 = Goal(1.03, "≤ 1.03 x", is_least=False)
ALONE, SHADOWED, AGAIN = "no draft", f"a draft judges {SHARE:.0%}", "no draft, once more"


@dataclass(frozen=True, slots=True)
class ShadowMeasure:
    """How much is measured."""

    #: Times three stretches.
    rounds: int
    #: Jobs of a stretch.
    jobs: int
    settle_s: float
    publishings: int


FULL, QUICK = ShadowMeasure(8, 2_000, _SETTLE_S, 10), ShadowMeasure(1, 50, _SETTLE_S, 1)


@dataclass(frozen=True, slots=True)
class JobStretch:
    """What was measured of some jobs."""

    #: Seconds from submit to the verdict: half within, and 99 of 100 within.
    median_s: float
    p99_s: float
    #: Jobs that the draft judged meanwhile, for each that was submitted.
    share: float


@click.command("shadow")
@click.option("--quick", is_flag=True, help="One round, few jobs, one publishing: whether it works.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def command(quick: bool, file: Path | None) -> None:
    """Time jobs with and without a draft in the shadow, and how soon workers judge by what is published."""
    measure = QUICK if quick else FULL
    what = material(measure.jobs)
    click.echo(f"{what.source}; {measure.rounds} rounds; {measure.jobs:,} jobs a stretch, {PRODUCERS} producers")
    click.echo(report.header("ratio"))
    with running_ground() as ground, closing(Rulefarm(ground)) as farm:
        try:
            rows = rows_of_stretches(_stretches(farm, what, measure))
            click.echo(report.section(rows))
            more = rows_of_publishings(goings_over(farm, what, measure.publishings))
            more.append(row_of_memory(*resident_mb(farm, what)))
        except Stuck as reason:
            sys.exit(f"there is nothing to measure: {reason}")
    click.echo(report.section(more))
    click.echo(f"\n{report.summary([*rows, *more])}")
    if file is not None:
        written = json.dumps({"rows": [row.to_json() for row in [*rows, *more]]}, indent=1, ensure_ascii=False)
        file.write_text(f"{written}\n", encoding="utf-8")


def _stretches(farm: Rulefarm, what: Material, measure: ShadowMeasure) -> dict[str, list[JobStretch]]:
    """What was measured, round by round; every round begins with another stretch."""
    names = (ALONE, SHADOWED, AGAIN)
    found: dict[str, list[JobStretch]] = {name: [] for name in names}
    fleet = farm.start()
    try:
        draft = RulesetSnapshot.of(Author(farm.folder).write())
        for number in range(measure.rounds):
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                if name == SHADOWED:
                    start_shadow(farm.database, Shadow(DOMAIN, draft.digest, SHARE), draft=draft)
                found[name].append(_stretch(farm, what, measure, f"{number}-{name}"))
                if name == SHADOWED:
                    stop_shadow(farm.database, DOMAIN)
    finally:
        fleet.stop()
    if not all(stretch.share for stretch in found[SHADOWED]):
        raise Stuck("the draft judged nothing")
    return found


def _stretch(farm: Rulefarm, what: Material, measure: ShadowMeasure, name: str) -> JobStretch:
    settled, number = time.monotonic() + measure.settle_s, 0
    with ThreadPoolExecutor(PRODUCERS) as producers:
        while time.monotonic() < settled:
            number += 1
            list(producers.map(farm.ask, what.jobs(f"{name}-settle{number}", 10 * PRODUCERS)))
        before = _judged(farm)

        def ask(pair: Pair) -> float:
            began = time.perf_counter()
            farm.ask(pair)
            return time.perf_counter() - began

        times = sorted(producers.map(ask, what.jobs(name, measure.jobs)))
    share = (_judged(farm) - before) / measure.jobs
    return JobStretch(times[len(times) // 2], times[-1 - len(times) // 100], share)


def _judged(farm: Rulefarm) -> int:
    """Jobs that the draft has judged; 0: none runs."""
    return sum(one["judged"] + one["failed"] for one in find_shadows(farm.database, DOMAIN) if one["running"])


def rows_of_stretches(stretches: Mapping[str, Sequence[JobStretch]]) -> list[ReportRow]:
    """The table.

    Args:
        stretches: of each kind, round by round.
    """
    rows = []
    for words, goal, seconds in (
        ("half within", None, {name: [one.median_s for one in each] for name, each in stretches.items()}),
        ("99 of 100 within", _P99, {name: [one.p99_s for one in each] for name, each in stretches.items()}),
    ):
        section = f"one order of {PRODUCERS} producers, from submit to its answer, {words} (x {ALONE})"
        samples = {name: Sample(tuple(second * 1e3 for second in each)) for name, each in seconds.items()}
        base = Sample(tuple(map(fmean, zip(samples[ALONE].values, samples[AGAIN].values, strict=True))))
        rows.append(ReportRow(section, ALONE, samples[ALONE], "ms"))
        ratio = samples[SHADOWED].over(base)
        met = None if goal is None else goal.is_met(ratio.middle)
        rows.append(ReportRow(section, SHADOWED, samples[SHADOWED], "ms", ratio, goal.words if goal else "", met))
        rows.append(ReportRow(section, AGAIN, samples[AGAIN], "ms", samples[AGAIN].over(samples[ALONE])))
    judged = Sample(tuple(one.share * 100 for one in stretches[SHADOWED]))
    rows.append(ReportRow("jobs that the draft judged meanwhile", SHADOWED, judged, "of 100"))
    return rows
