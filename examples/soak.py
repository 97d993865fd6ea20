"""Shared facts under load, for long.  payments -> [soak] -> a farm of its own -> equal to the replay? memory flat?

First the payments go through two workers in waves, and every verdict is compared with that of the replay. Then one
worker with one process judges a hundred thousand payments, and its memory and that of the windows in Redis are looked
at on the way. Prints what it measured, and whether all of it is within the bounds below."""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import click

from cli.up import migrate_tables
from examples.payments import Payments, build_payments
from examples.waves import judge_in_waves
from rulefarm.errors import RulefarmError
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from rulesets.loader import SHIPPED, load_domain
from tasks.replay import DocumentFacts, replay
from tasks.replay_rows import rows_of_lines
from workers.local import running_farm

DOMAIN = "fraud"
KEY = ("Payment", "card")
#: Payments after which memory may grow no more, but by the bounds: by then every cache is full.
WARM = 10_000
#: Megabytes that the pool process of a worker, and the windows in Redis, may grow after that.
PROCESS_MB, WINDOWS_MB = 8.0, 4.0
#: Payments between two looks at the memory: a batch.
_PORTION = 2_000
_PATIENCE_S = 300.0
#: Seconds between two looks whether a batch is done.
_LOOK_S = 0.05

_PAIR = "one: rulefarm worker --domains fraud --queue bulk --autoscale 6,6 --name one\n"
_PAIR += "two: rulefarm worker --domains fraud --queue bulk --autoscale 6,6 --name two\nbeat: rulefarm beat\n"
_ALONE = "one: rulefarm worker --domains fraud --queue bulk --autoscale 1,1 --name one\nbeat: rulefarm beat\n"


class SoakFailed(RulefarmError):
    """The farm can't be looked at."""


def soak(payments: int, windows: int) -> bool:
    """Run both parts and print what was measured.

    Args:
        payments: that are compared with the replay.
        windows: payments that one worker judges.

    Returns:
        Whether all of it is within the bounds.

    Raises:
        RulefarmError: the farm can't be started, or gives no verdict.
        DataMissing: the data package is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="rulefarm-soak-") as folder:
        same = _compare(Path(folder, "pair"), payments)
        flat = _watch(Path(folder, "alone"), windows)
    click.echo("PASSED" if same and flat else "FAILED")
    return same and flat


def _compare(home: Path, count: int) -> bool:
    built = build_payments(count)
    documents = built.payments.to_dicts()
    started = time.perf_counter()
    expected = _replayed(built, documents)
    replayed_s = time.perf_counter() - started
    with _farm(home, _PAIR, built) as farm:
        started = time.perf_counter()
        verdicts = judge_in_waves(
            farm, documents, KEY, lambda wave: farm.submit_many(DOMAIN, wave, wait_for_room=_PATIENCE_S)
        )
        judged_s = time.perf_counter() - started
    judged = [(verdict.outcome, verdict.fired, verdict.reasons) for verdict in verdicts]
    differing = [place for place in range(count) if judged[place] != expected[place]]
    flagged = sum(outcome != "accept" for outcome, _, _ in judged)
    click.echo(
        f"{count:,} payments through two workers in {judged_s:.0f} s ({count / judged_s:,.0f} a second), replayed in"
        f" {replayed_s:.0f} s: {flagged:,} not accepted, {len(differing):,} verdicts differ from the replay"
    )
    for place in differing[:5]:
        click.echo(f"  payment {place + 1}: {judged[place][:2]}, replayed {expected[place][:2]}")
    return not differing


def _replayed(built: Payments, documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str], list[Any]]]:
    lines = StringIO("".join(json.dumps(document) + "\n" for document in documents))
    loaded = load_domain(SHIPPED, DOMAIN)
    households = DocumentFacts({"Household": {row["household_id"]: row for row in built.households.to_dicts()}})
    return [
        (line.evaluation.outcome, line.evaluation.fired, [reason.to_json() for reason in line.evaluation.reasons])
        for line in replay(loaded, rows_of_lines(lines, loaded), reference=households, as_of=None, clock=time.time)
    ]


def _watch(home: Path, count: int) -> bool:
    built = build_payments(count)
    documents = built.payments.to_dicts()
    samples: list[tuple[int, float, float]] = []
    with _farm(home, _ALONE, built) as farm:
        pid = _pool_process(farm)
        started = time.perf_counter()
        for first in range(0, count, _PORTION):
            portion = documents[first : first + _PORTION]
            _judge_batch(farm, home / f"{first}.jsonl", portion)
            samples.append((first + len(portion), _resident_mb(pid), _windows_mb(farm)))
            if len(samples) % 5 == 0:
                click.echo("  {:>9,} payments: process {:.1f} MB, windows {:.1f} MB".format(*samples[-1]))
        seconds = time.perf_counter() - started
        if _pool_process(farm) != pid:
            raise SoakFailed("process-replaced", "the worker replaced its process: its memory can't be compared")
    warm = [sample for sample in samples if sample[0] >= min(WARM, count)]
    process_mb = max(sample[1] for sample in warm) - warm[0][1]
    windows_mb = max(sample[2] for sample in warm) - warm[0][2]
    click.echo(
        f"{count:,} payments through one process in {seconds:.0f} s ({count / seconds:,.0f} a second). After the first"
        f" {warm[0][0]:,} its memory grew by {process_mb:.1f} MB (bound {PROCESS_MB:g}), the windows in Redis by"
        f" {windows_mb:.1f} MB (bound {WINDOWS_MB:g})"
    )
    return process_mb <= PROCESS_MB and windows_mb <= WINDOWS_MB


def _judge_batch(farm: Farm, source: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    source.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    batch = farm.submit_batch(DOMAIN, source, subject="Payment.payment_id")
    deadline = time.monotonic() + _PATIENCE_S
    while (record := batch.progress())["state"] != "done":
        if time.monotonic() > deadline:
            raise SoakFailed("batch-open", f"batch {batch.id} is not done after {_PATIENCE_S:g} s", "see the logs")
        time.sleep(_LOOK_S)
    if record["outcomes"].get("error") or sum(record["outcomes"].values()) != len(documents):
        raise SoakFailed("verdicts-wrong", f"{len(documents)} payments, and the verdicts {record['outcomes']}")
    source.unlink()


@contextmanager
def _farm(home: Path, parts: str, built: Payments) -> Iterator[Farm]:
    home.mkdir(parents=True)
    procfile = home / "Procfile"
    procfile.write_text(parts, encoding="utf-8")
    # Nothing of what the environment names is touched: the farm has services of its own.
    environ = {name: text for name, text in os.environ.items() if not name.startswith("RULEFARM_")}
    settings = replace(Settings(), home=home / "home")
    local_farm = running_farm(settings, migrate_tables, environ=environ, procfile=procfile, keep=False)
    with local_farm as running, Farm(running.settings) as farm:
        farm.facts.put_many("Household", ((row["household_id"], row) for row in built.households.to_dicts()))
        yield farm


def _pool_process(farm: Farm) -> int:
    stats = farm.app.control.inspect(timeout=5.0).stats() or {}
    pids = [pid for worker in stats.values() for pid in worker["pool"]["processes"]]
    if len(pids) != 1:
        raise SoakFailed("no-process", f"one pool process was to answer, and {len(pids)} did")
    return int(pids[0])


def _resident_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        raise SoakFailed("no-memory", f"the memory of process {pid} can't be read", "it needs /proc: Linux") from None
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def _windows_mb(farm: Farm) -> float:
    redis = farm.facts.redis
    pipeline = redis.pipeline(transaction=False)
    for place in redis.scan_iter(match="rulefarm:stream:*", count=1_000):
        pipeline.memory_usage(place)
    return sum(size or 0 for size in pipeline.execute()) / 1_048_576
