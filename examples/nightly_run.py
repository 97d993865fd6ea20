"""The whole farm at work, once: `make run`.  products.parquet, orders.jsonl -> [nightly_run] -> a summary

Starts the farm that `rulefarm up` would start, submits the nightly price validation as `rulefarm nightly run` would,
sends real orders as an order service would, looks at what Postgres holds afterwards, and stops everything. Every number
it prints was measured while it ran; a verdict that is missing, or one too many, ends it with an error. What it leaves
on record is what `make look` shows."""

import json
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from cli.display.output import print_table
from cli.display.terminal import console
from cli.up import prepare_database
from gateway.console import links
from rulefarm.database import verdicts
from rulefarm.errors import RulefarmError
from rulefarm.farm import Farm
from rulefarm.jobs import Batch
from rulefarm.settings import Settings
from rulesets.loader import SHIPPED, LoadedRuleset, load_all
from store.verdict_list import count_fired
from tasks.nightly import record_nightly
from workers.local import running_farm

#: Seconds that the batch, or one order, may take before the run counts as failed.
PATIENCE_S = 300.0
#: Orders that are sent one after the other, each waited for: what a checkout would feel.
ORDERS = 200
#: Where the console listens, as `rulefarm console` does by itself.
CONSOLE_PORT = 8081
_LOOK_S = 0.1


class RunFailed(RulefarmError):
    """The farm did not do what it promises."""


def nightly_run(products: Path, orders: Path) -> None:
    """Run the farm on the products and some of the orders, and print what happened.

    Args:
        products: one row a product.
        orders: one order a line.

    Raises:
        RunFailed: a verdict is missing, or there is one too many.
        RulefarmError: the farm can't be started.
    """
    started = time.perf_counter()
    with farm_of_the_day(products) as settings:
        judge_the_day(settings, orders)
        click.echo("\nstopping everything ...")
    click.echo(f"done; all in all {time.perf_counter() - started:.1f} s\n")
    click.echo("what was judged is on record: 'make look' starts the farm with it, and shows it in a browser,")
    click.echo(f"at {console_address(CONSOLE_PORT)}")


@contextmanager
def farm_of_the_day(products: Path) -> Iterator[Settings]:
    """The farm that `rulefarm up` would start, for as long as a block lasts.

    Args:
        products: what its nightly validates.

    Raises:
        RulefarmError: it can't be started.
    """
    started = time.perf_counter()
    settings = replace(Settings.from_env(os.environ), nightly_source=str(products.resolve()))
    click.echo("starting Postgres, Valkey, workers, beat and Flower ...")
    with running_farm(settings, prepare_database, environ=os.environ) as running:
        click.echo(f"the farm runs after {time.perf_counter() - started:.1f} s; its logs are in {running.log}\n")
        yield running.settings


def judge_the_day(settings: Settings, orders: Path) -> None:
    """Validate the products, check some orders, and print what came of it.

    Args:
        settings: of a farm that runs.
        orders: one order a line.

    Raises:
        RunFailed: a verdict is missing, or there is one too many.
    """
    rulesets = load_all(settings.rulesets or SHIPPED)
    for domain, loaded in rulesets.items():
        click.echo(f"{domain}: {len(loaded.program.rules):,} rules, version {loaded.digest[:12]}")
    click.echo()
    with Farm(settings) as farm:
        _validate_prices(farm, settings, rulesets)
        _check_orders(farm, orders, ("payment", "promotion"))


def console_address(port: int) -> str:
    """Where the console is, on this machine."""
    return f"http://127.0.0.1:{port}{links.path()}"


def _validate_prices(farm: Farm, settings: Settings, rulesets: Mapping[str, LoadedRuleset]) -> None:
    domain = settings.nightly_domain
    rules = len(rulesets[domain].program.rules)
    submitted = time.perf_counter()
    engine, free = farm.require_ledger().engine, farm.free_slots(settings.nightly_domain)
    batch = farm.send_batch(*record_nightly(engine, settings, rulesets, key=None, free_slots=free))
    click.echo(f"nightly price validation: {batch.rows:,} products from {batch.source}, {batch.chunks} chunks")
    record = _follow(batch)
    wall = time.perf_counter() - submitted
    _check(farm, batch, rulesets[domain].digest)
    order = ("accept", "review", "reject", "error")
    outcomes = [(name, record["outcomes"][name]) for name in order if name in record["outcomes"]]
    print_table(("outcome", "products"), outcomes)
    click.echo("\nrules that fired most often:")
    print_table(("rule", "products"), count_fired(farm.require_ledger().engine, batch.id))
    click.echo(
        f"\n{batch.rows:,} products x {rules:,} rules in {wall:.2f} s from submit to the last verdict: "
        f"{batch.rows * rules / wall:,.0f} rule evaluations per second\n"
        f"every product has exactly one verdict, by {domain} ruleset {rulesets[domain].digest[:12]}\n"
    )


def _follow(batch: Batch) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + PATIENCE_S
    with Progress(*columns, console=console()) as progress:
        task = progress.add_task("judged", total=batch.rows)
        while True:
            record = batch.progress()
            progress.update(task, completed=sum(record["outcomes"].values()))
            if record["state"] == "done":
                return record
            if time.monotonic() > deadline:
                raise RunFailed("batch-open", f"batch {batch.id} is not done after {PATIENCE_S:g} s", "see the logs")
            time.sleep(_LOOK_S)


def _check(farm: Farm, batch: Batch, digest: str) -> None:
    """Ask Postgres, not the farm, whether the promise was kept."""
    counted = select(func.count(), func.count(verdicts.c.subject.distinct()), func.count(verdicts.c.id.distinct()))
    counted = counted.where(verdicts.c.batch == batch.id, verdicts.c.ruleset_digest == digest)
    with farm.require_ledger().engine.connect() as connection:
        counts = tuple(connection.execute(counted).one())
    if counts != (batch.rows,) * 3:
        raise RunFailed(
            "verdicts-wrong", f"{batch.rows} products, but (verdicts, subjects, ids) with the digest are {counts}"
        )


def _check_orders(farm: Farm, orders: Path, domains: tuple[str, ...]) -> None:
    with orders.open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in islice(lines, ORDERS)]
    rows = []
    for domain in domains:
        waits, outcomes = [], []
        for document in documents:
            sent = time.perf_counter()
            outcomes.append(farm.evaluate(domain, document, timeout=PATIENCE_S).outcome)
            waits.append((time.perf_counter() - sent) * 1000)
        counts = ", ".join(f"{outcomes.count(name)} {name}" for name in sorted(set(outcomes)))
        slow = statistics.quantiles(waits, n=100)[98]
        rows.append((domain, len(documents), counts, f"{statistics.median(waits):.1f} ms", f"{slow:.1f} ms"))
    click.echo("orders, one after the other, from submit to verdict:")
    print_table(("domain", "orders", "outcomes", "median", "99 of 100 within"), rows)
