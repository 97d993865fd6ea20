"""`python -m bench impact`: what it costs to try a draft on facts on record.  products, orders -> [impact] -> a table

Products on record as a batch, in this process, beside reading them and judging them by both versions and nothing else;
then many orders with their lines, the real ones over and over with other instants, of batches and as single jobs, each
by a command of its own, whose memory counts too. CPU counts, not the clock. Needs what `make data` builds. Starts no
worker, where a part costs the same."""

import gc
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import polars as pl
from sqlalchemy import Engine, insert, text

from bench.farm.ground import running_ground
from bench.growth_rows import lay_open
from engine import Program
from rulefarm.batch import SourceOptions, decode, encode, open_source
from rulefarm.database import batches, chunks, connect
from rulefarm.settings import Settings
from rulesets.loader import SHIPPED, load_domain
from store.facts_on_record import FactsPart, Wanted, chunk_of, facts_on_record
from store.migrate import migrate
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.chunk_rows import read_rows
from tasks.impact_part import part_impact
from tasks.version_impact import VersionImpact

#: A rule that each draft has more than what ships.
_MORE = {
    "pricing": 'rule Dear { when Product.average_price > 20 then Review("dear"); }',
    "promotion": 'rule Dear { when Order.total > 200 then Review("dear"); }',
}
#: Rows of a chunk, and orders that are taken, the first ones.
_ROWS, _TAKEN = 5_000, 5_000
#: Different orders among the single jobs.
_KINDS = 500
#: A command in a process that says at its end what it held at most: of a child one is told the most that either it or
#: whoever started it held.
_COMMAND = """
import runpy, sys
try:
    runpy.run_module("cli.main", run_name="__main__", alter_sys=True)
finally:
    with open("/proc/self/status") as status:
        sys.stdout.write("".join(line for line in status if line.startswith("VmHWM")))
"""
#: What is promised: times reading and two evaluations; facts a second and process; MB.
_MOST_TIMES, _LEAST_RATE, _MOST_MB = 2.0, 20_000, 400


@click.command("impact")
@click.option("--orders", default=1_000_000, show_default=True, help="Orders on record, in batches.")
@click.option("--jobs", default=100_000, show_default=True, help="Orders on record, as single jobs.")
@click.option("--rounds", default=5, show_default=True, help="Of the products, of which the quickest counts.")
@click.option("--data", type=click.Path(path_type=Path), default=Path("examples/data"), show_default=True)
def command(orders: int, jobs: int, rounds: int, data: Path) -> None:
    """Time what a draft does to products and orders on record."""
    if not (data / "products.parquet").exists():
        sys.exit("no products and orders: `make data` builds them")
    click.echo("| what | CPU | facts/s | target | |\n| --- | ---: | ---: | --- | --- |")
    with running_ground() as ground:
        settings = Settings(database_url=ground.services.database_url)
        engine = connect(settings)
        migrate(engine)
        drafts = {domain: _draft(ground.folder, domain) for domain in _MORE}
        publish(engine, [RulesetSnapshot.of(load_domain(SHIPPED, domain)) for domain in _MORE])
        source = open_source(data / "products.parquet", SourceOptions(subject="product_id"), rows=_ROWS)
        _lay_down(engine, "pricing", [facts for frame in source.portions for _, facts in encode(frame, _ROWS)])
        _products(engine, drafts["pricing"], rounds)
        [portion] = [facts for _, facts in encode(_orders(data / "orders.jsonl"), _ROWS)]
        _lay_down(engine, "promotion", [portion] * max(1, orders // _TAKEN))
        _many(settings, drafts["promotion"], "orders of batches")
        _lay_jobs(engine, "promotion", data / "orders.jsonl", jobs)
        _many(settings, drafts["promotion"], "orders as single jobs")
        engine.dispose()


def _draft(folder: Path, domain: str) -> Path:
    draft = Path(shutil.copytree(SHIPPED / domain, folder / "drafts" / domain))
    (draft / "more.grl").write_text(_MORE[domain])
    return draft


def _orders(path: Path) -> pl.DataFrame:
    """Orders with their lines, as a parquet of whole facts gives them."""
    with path.open(encoding="utf-8") as lines:
        taken = pl.read_ndjson("".join(line for _, line in zip(range(_TAKEN), lines, strict=False)).encode())
    return taken.select(pl.col("Order").struct.field("order_id").alias("rulefarm.subject"), pl.all())


def _lay_down(engine: Engine, domain: str, portions: list[bytes]) -> None:
    """A batch that is done, a day ago and more; each time its chunks are judged as of another instant."""
    now = datetime.now(UTC)
    with engine.begin() as connection:
        for n, facts in enumerate(portions):
            rows = len(decode(facts))
            moment = now - timedelta(days=1, minutes=n)
            about = {"id": uuid.uuid4(), "domain": domain, "source": "laid down", "rows": rows, "chunks": 1}
            connection.execute(insert(batches).values(**about, as_of=moment, enqueued_at=moment, state="done"))
            chunk = {"batch": about["id"], "n": 0, "rows": rows, "state": "done", "form": "columns", "facts": facts}
            connection.execute(insert(chunks).values(chunk))


def _lay_jobs(engine: Engine, domain: str, orders: Path, count: int) -> None:
    """Single jobs that are done, in place of all batches, each as of another instant of the last three months."""
    with orders.open(encoding="utf-8") as lines:
        facts = [json.loads(line) for _, line in zip(range(_KINDS), lines, strict=False)]
    with engine.begin() as connection:
        connection.execute(text("truncate batches, chunks"))
    # A statement has its time, whoever asks.
    for first in range(0, count, _ROWS):
        lay_open(engine, domain, facts, min(_ROWS, count - first), name=f"laid-{first}")
        shifted = "update jobs set state = 'done', as_of = as_of - interval '90 days' * random() where state = 'open'"
        with engine.begin() as connection:
            connection.execute(text(shifted))


def _products(engine: Engine, draft: Path, rounds: int) -> None:
    before, after = load_domain(SHIPPED, "pricing"), load_domain(draft.parent, "pricing")
    versions, wanted = VersionImpact(before, after, "Product.average_price"), Wanted("pricing")
    parts = facts_on_record(engine, wanted)

    def read() -> list[tuple[pl.DataFrame, datetime]]:
        found = [chunk for part in parts if (chunk := chunk_of(engine, part)) is not None]
        frames = [(read_rows(decode(one["facts"]), one["form"], before.schema).columns, one["as_of"]) for one in found]
        return [(frame, moment) for frame, moment in frames if frame is not None]

    frames = read()

    def judge(*programs: Program) -> None:
        for program in programs:
            for frame, moment in frames:
                assert program.evaluate_frame(frame, fact="Product", as_of=moment).outcome

    def whole() -> None:
        for part in parts:
            part_impact(engine, versions, wanted, FactsPart.from_json(part.to_json()))

    rows = sum(part.rows for part in parts)
    apart = _cpu_s(read, rounds) + _cpu_s(lambda: judge(before.program, after.program), rounds)
    took = _cpu_s(whole, rounds)
    click.echo(f"| {rows:,} products read, and judged twice | {apart:.3f} s | {rows / apart:,.0f} | | |")
    met = _told(took <= _MOST_TIMES * apart)
    click.echo(
        f"| impact on them: {took / apart:.2f} x | {took:.3f} s | {rows / took:,.0f} | ≤ {_MOST_TIMES:g} x | {met} |"
    )


def _cpu_s(what: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        what()
        times.append(time.process_time() - began)
    return min(times)


def _many(settings: Settings, draft: Path, what: str) -> None:
    words = ("rules", "impact", "promotion", "--draft", str(draft), "--last", "52w", "--here", "--sum", "Order.total")
    environ = {**os.environ, "RULEFARM_DATABASE_URL": settings.database_url or ""}
    line = [sys.executable, "-c", _COMMAND, *words]
    with subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ran:
        assert ran.stdout is not None
        said = ran.stdout.read()
        _, status, usage = os.wait4(ran.pid, 0)
        ran.returncode = os.waitstatus_to_exitcode(status)
    if ran.returncode:
        sys.exit(said)
    cpu_s, mb = usage.ru_utime + usage.ru_stime, int(said.split("VmHWM:")[1].split()[0]) / 1024
    rows = int(said.split(" over ")[1].split()[0].replace(",", ""))
    met = _told(rows >= _LEAST_RATE * cpu_s and mb <= _MOST_MB)
    click.echo(
        f"| impact on {rows:,} {what}, with their lines, the whole command, {mb:,.0f} MB at most | {cpu_s:.1f} s"
        f" | {rows / cpu_s:,.0f} | ≥ {_LEAST_RATE:,}/s, ≤ {_MOST_MB} MB | {met} |"
    )


def _told(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
