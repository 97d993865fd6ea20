"""`rulefarm top`: what a farm does, live."""

import sys
import time
from dataclasses import asdict
from typing import Any

import click

from cli.display.output import print_json, print_table
from cli.display.terminal import Line, console, echo
from cli.options import Seconds, json_option, read_settings
from rulefarm.errors import BrokerUnreachable, FarmUnreachable
from rulefarm.plurals import counted
from rulefarm.settings import Settings
from workers.monitoring import DomainSignals, SignalReader, Signals, WorkerState, in_words, worker_states


@click.command("top")
@click.option("--once", is_flag=True, help="Print it once and end, as it does where there is no terminal.")
@click.option("--every", default=2.0, show_default=True, type=Seconds(0.1), help="Seconds between two looks.")
@json_option
def command(once: bool, every: float, as_json: bool) -> None:
    """Show what each domain and worker does, until Ctrl-C: what waits, pace, latency, outcomes, what is dead.

    The numbers are those of `rulefarm metrics`; pace and outcomes are of the last minute.
    """
    settings = read_settings()
    reader = SignalReader(settings)
    try:
        if as_json:
            signals = reader.read()
            workers = [asdict(worker) for worker in _workers(settings)]
            print_json(signals.to_json() | {"workers": workers})
        elif once or not sys.stdout.isatty():
            _print(reader.read(), _workers(settings))
        else:
            _watch(reader, settings, every)
    finally:
        reader.close()


def _watch(reader: SignalReader, settings: Settings, every: float) -> None:
    out = console()
    is_away = False
    try:
        with out.screen():
            while True:
                try:
                    signals, workers = reader.read(), _workers(settings)
                    out.clear()
                    _print(signals, workers)
                    is_away = False
                except FarmUnreachable as error:
                    # It may come back: what was seen last stays in sight above, so this is said once.
                    if not is_away:
                        out.print(Line(f"{error} [{error.code}]", "bold red"))
                    is_away = True
                time.sleep(every)
    except KeyboardInterrupt:
        # How whoever watches ends it.
        return


def _workers(settings: Settings) -> list[WorkerState]:
    try:
        return worker_states(settings)
    except BrokerUnreachable:
        return []


def _print(signals: Signals, workers: list[WorkerState]) -> None:
    headers = ("domain", "open", "leased", "rows", "oldest", "per s", "rows/s", "90 % in", "drained in", "dead")
    print_table(headers, map(_row, signals.domains), none="no domain is active")
    echo()
    outcomes = [
        (domain.domain, outcome, number) for domain in signals.domains for outcome, number in domain.outcomes.items()
    ]
    print_table(("domain", "outcome", "last minute"), outcomes, none="nothing was judged in the last minute")
    echo()
    pace: dict[str, float] = {}
    for (worker, _), per_s in signals.pace.items():
        pace[worker] = pace.get(worker, 0.0) + per_s
    rows = [
        (worker.name, worker.processes, worker.busy, round(pace.get(worker.name, 0.0), 1), ", ".join(worker.queues))
        for worker in workers
    ]
    print_table(("worker", "processes", "busy", "per s", "queues"), rows, none="no worker answers")
    echo()
    echo(_foot(signals))


def _row(domain: DomainSignals) -> tuple[Any, ...]:
    works = [work for work in (domain.interactive, domain.bulk) if work]
    return (
        domain.domain,
        domain.jobs,
        sum(work.leased for work in works),
        domain.rows,
        in_words(domain.age_s) if works else "-",
        round(domain.jobs_per_s, 1),
        round(domain.rows_per_s, 1),
        in_words(domain.latency_s) if domain.latency_s is not None else "-",
        in_words(domain.drain_s),
        domain.dead_letters,
    )


def _foot(signals: Signals) -> str:
    run = signals.reconciler
    parts = [
        counted(sum(signals.dead_letters.values()), "dead letter"),
        counted(len(signals.overdue), "overdue nightly", "overdue nightlies"),
        counted(len(signals.failed_batches), "failed batch", "failed batches"),
        f"reconciler {in_words(run.age_s)} ago" if run else "the reconciler has never run",
    ]
    if signals.control_messages is None:
        parts.append("the broker does not answer")
    return "; ".join(parts)
