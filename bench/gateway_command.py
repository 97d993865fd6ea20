"""`python -m bench gateway`: the gateway beside the bare framework, and beside submit and wait.  -> report

All in one run, on one Postgres and one Valkey, in turns; then the exporter with a million jobs on record. The clients
are processes of their own; so on two cores they take from the server what a client on another host would not. CPU is of
the server's process alone."""

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from bench import exporter_scrape, report
from bench.farm.ground import Ground, running_ground
from bench.farm.job_queue import Fleet, Pair, Stuck, free_port, wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import DOMAIN, Material, material
from bench.http_load import Load, drive, get, post
from bench.timing import Goal, ReportRow, Sample
from rulesets.loader import SHIPPED, load_domain
from workers.drill.subjects import AS_OF

#: Turns, and seconds that each of seven contenders has in one: 70 s, however slow they are.
_TURNS, _SECONDS = 5, 2.0
#: Jobs on record when the exporter is scraped, which are laid down in half a minute, and scrapes.
_ON_RECORD, _SCRAPES = 1_000_000, 20
#: Clients that send at once, and subjects of a request of many.
CLIENTS, MANY = 8, 1_000
BARE, JUDGED, RECORDED, LISTED = "bare framework", "evaluate, durable=false", "evaluate", f"evaluate, {MANY:,} subjects"
#: As docs/gateway.md tells: then its threads hand nothing from one core to another.
BOUND = "evaluate, bound to a core"
ENGINE = "engine alone"
_RATE_BESIDE = Goal(0.7, "≥ 0.7 x")
_RATE, _P99 = Goal(1_000, "≥ 1,000 /s"), Goal(15, "≤ 15 ms", is_least=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender in one turn."""

    load: Load
    #: Seconds of CPU that the server took for one answer.
    cpu_s: float


@click.command("gateway")
@click.option("--quick", is_flag=True, help="One short turn: whether it works.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def command(quick: bool, file: Path | None) -> None:
    """Time the gateway beside the bare framework, and beside submit and wait."""
    turns, seconds, orders, jobs = (1, 0.5, 10, 5_000) if quick else (_TURNS, _SECONDS, 300, _ON_RECORD)
    started = time.perf_counter()
    what = material(orders)
    click.echo(f"{what.source}; {CLIENTS} clients; turns: {turns}")
    click.echo(report.header("ratio"))
    with running_ground() as ground, closing(Rulefarm(ground)) as farm:
        worker = farm.start()
        bare, gateway, bound = _start_bare(ground), _start_gateway(ground, farm), _start_bound(ground, farm)
        try:
            found = [_turn(bare, gateway, bound, farm, what, seconds, number) for number in range(turns)]
        except Stuck as reason:
            sys.exit(f"there is nothing to measure: {reason}")
        finally:
            for fleet in (bare.fleet, gateway.fleet, *([bound.fleet] if bound else []), worker):
                fleet.stop()
        scrapes = exporter_scrape.scrape(ground, farm, jobs, _SCRAPES)
    loads = [each for each, _ in found]
    rows = rows_of(loads, [asked for _, asked in found]) + exporter_scrape.rows_of(scrapes, jobs)
    click.echo(report.section(rows))
    click.echo("\n".join(["", report.summary(rows), *reasons(rows, loads)]))
    click.echo(f"took {time.perf_counter() - started:.0f} s")
    if file is not None:
        written = json.dumps({"rows": [row.to_json() for row in rows]}, indent=1, ensure_ascii=False)
        file.write_text(f"{written}\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Server:
    fleet: Fleet
    port: int


def _start_bare(ground: Ground) -> _Server:
    return _started([sys.executable, "-m", "bench.bare_framework", "{port}"], {}, ground, "/v1/payment/evaluate")


def _start_bound(ground: Ground, farm: Rulefarm) -> _Server | None:
    """A gateway that is bound to a core; None: this system binds nobody."""
    if shutil.which("taskset") is None:
        return None
    return _start_gateway(ground, farm, "taskset", "--cpu-list", str(max(os.sched_getaffinity(0))))


def _start_gateway(ground: Ground, farm: Rulefarm, *before: str) -> _Server:
    line = [sys.executable, "-m", "cli.main", "gateway", "--domains", DOMAIN, "--port", "{port}", "--loglevel=WARNING"]
    return _started([*before, *line], farm.environ, ground, "/readyz")


def _started(line: Sequence[str], environ: dict[str, str], ground: Ground, path: str) -> _Server:
    port = free_port()
    fleet = Fleet([[word.format(port=port) for word in line]], environ, ground.folder / "http.log")
    # The bare one takes no GET, and says so.
    wait_until(lambda: get(port, path) in (200, 405), PATIENCE_S)
    return _Server(fleet, port)


def _turn(
    bare: _Server,
    gateway: _Server,
    bound: _Server | None,
    farm: Rulefarm,
    what: Material,
    seconds: float,
    number: int,
) -> tuple[dict[str, Measured], dict[str, list[float]]]:
    """What each took, with many clients; and, with one and nothing else to do, seconds from question to answer."""
    pairs = what.jobs(f"gateway{number}", len(what.orders))
    path = f"/v1/{DOMAIN}/evaluate"
    single = [post(path, json.dumps({"facts": facts})) for _, facts in pairs]
    judged = [post(f"{path}?durable=false", json.dumps({"facts": facts})) for _, facts in pairs]
    listed = [post(path, json.dumps({"subjects": [{"facts": pairs[n % len(pairs)][1]} for n in range(MANY)]}))]
    contenders = [(BARE, bare, single), (JUDGED, gateway, judged), (RECORDED, gateway, single)]
    contenders.append((LISTED, gateway, listed))
    if bound is not None:
        contenders.append((BOUND, bound, single))
    loads = {}
    for place in range(len(contenders)):
        name, server, requests = contenders[(place + number) % len(contenders)]
        before = server.fleet.cpu_s()
        load = drive(server.port, requests, clients=1 if name == LISTED else CLIENTS, seconds=seconds)
        if load.failed:
            raise Stuck(f"{name}: {load.failed} requests failed")
        loads[name] = Measured(load, (server.fleet.cpu_s() - before) / len(load.times))
    loads[ENGINE] = _engine_alone(pairs)
    asked = {RECORDED: drive(gateway.port, single, clients=1, seconds=seconds).times, "submit and wait": []}
    end = time.perf_counter() + seconds
    for pair in pairs:
        begun = time.perf_counter()
        if begun >= end:
            break
        farm.ask(pair)
        asked["submit and wait"].append(time.perf_counter() - begun)
    return loads, asked


def _engine_alone(pairs: Sequence[Pair]) -> Measured:
    """The same orders, judged in this process, with nothing around it."""
    program = load_domain(SHIPPED, DOMAIN).program
    # As the gateway does before it serves it: else the first orders would be most of what is timed.
    program.warm_up()
    begun, clock = time.process_time(), time.perf_counter()
    for _, facts in pairs:
        program.evaluate(facts, as_of=AS_OF)
    rate = len(pairs) / (time.perf_counter() - clock)
    cpu_s = (time.process_time() - begun) / len(pairs)
    return Measured(Load(rate=rate, median_s=1 / rate, p99_s=1 / rate, failed=0, times=[]), cpu_s)


def rows_of(turns: Sequence[dict[str, Measured]], asked: Sequence[dict[str, list[float]]]) -> list[ReportRow]:
    """The table.

    Args:
        turns: what each contender took, with many clients.
        asked: seconds of each answer, with one client.
    """
    rates = {name: Sample(tuple(turn[name].load.rate for turn in turns)) for name in turns[0]}
    lates = {name: Sample(tuple(turn[name].load.p99_s * 1e3 for turn in turns)) for name in turns[0]}
    cpu = {name: Sample(tuple(turn[name].cpu_s * 1e6 for turn in turns)) for name in turns[0]}
    together = f"{CLIENTS} clients"
    rows = []
    served = [name for name in (BARE, JUDGED, RECORDED, BOUND) if name in rates]
    for name in served:
        ratio = None if name == BARE else rates[name].over(rates[BARE])
        goal = {JUDGED: _RATE_BESIDE, RECORDED: _RATE, BOUND: _RATE}.get(name)
        value = ratio.middle if ratio is not None and name == JUDGED else rates[name].middle
        rows.append(_row(f"{together}, answers a second (x {BARE})", name, rates[name], "/s", ratio, goal, value))
    for name in served:
        goal = _P99 if name in (RECORDED, BOUND) else None
        rows.append(_row(f"{together}, 99 of 100 within", name, lates[name], "ms", None, goal, lates[name].middle))
    for name in (ENGINE, *served):
        ratio = None if name == BARE else cpu[name].over(cpu[BARE])
        rows.append(_row(f"CPU of the server for an answer (x {BARE})", name, cpu[name], "us", ratio))
    subjects = Sample(tuple(rate * MANY for rate in rates[LISTED].values))
    rows.append(_row("one client that sends lists", LISTED, subjects, "/s"))
    ours = {name: Sample(tuple(_median(turn[name]) * 1e3 for turn in asked)) for name in asked[0]}
    for name, sample in ours.items():
        ratio = None if name == RECORDED else sample.over(ours[RECORDED])
        rows.append(_row("one order at idle, from question to answer (x evaluate)", name, sample, "ms", ratio))
    return rows


def reasons(rows: Sequence[ReportRow], turns: Sequence[dict[str, Measured]]) -> list[str]:
    """Why the gateway missed a target of its speed, in the figures of this run.

    Args:
        rows: the table.
        turns: what each contender took, with many clients.
    """
    cpu = {name: Sample(tuple(turn[name].cpu_s * 1e6 for turn in turns)).middle for name in turns[0]}
    words = {
        name: f"{cpu[name]:.0f} us of CPU are {1e6 / cpu[name]:,.0f} answers a second of one process at most, less what"
        " clients and Postgres take of its cores"
        for name in (RECORDED, BOUND)
        if name in cpu
    } | {
        JUDGED: f"if only the framework ({cpu[BARE]:.0f} us) and the engine ({cpu[ENGINE]:.0f} us) took CPU,"
        f" {cpu[BARE] / (cpu[BARE] + cpu[ENGINE]):.2f} x would be left; the rest of its {cpu[JUDGED]:.0f} us is to read"
        " the request, digest its facts and write the verdict",
    }
    missed = dict.fromkeys(row.name for row in rows if row.met is False)
    return [f"  why, {name}: {words[name]}" for name in missed if name in words]


def _row(
    section: str,
    name: str,
    sample: Sample,
    unit: str,
    ratio: Sample | None = None,
    goal: Goal | None = None,
    value: float = 0.0,
) -> ReportRow:
    met = None if goal is None else goal.is_met(value)
    return ReportRow(section, name, sample, unit, ratio, "" if goal is None else goal.words, met)


def _median(times: Sequence[float]) -> float:
    return sorted(times)[len(times) // 2]
