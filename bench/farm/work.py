"""The work that every queue does: judge an order, store a row.  examples/data or a seed -> [work] -> job_queue

What a peer stores is what the farm stores of a verdict: outcome, fired rules, reasons, changes and both digests. Its
table has no unique key but its number, so that what is stored twice is seen twice. Knows no queue."""

import json
import os
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2

from rulefarm import wire
from rulesets.loader import SHIPPED, LoadedRuleset, load_domain
from workers.drill.subjects import AS_OF, order, product

#: What `make data` builds.
DATA = Path(__file__).parents[2] / "examples" / "data"
#: Who judges the single jobs, and who the nightly batch.
DOMAIN, NIGHTLY_DOMAIN = "payment", "pricing"
#: Products of a nightly batch.
PRODUCTS = 10_000

_CREATE = (
    "create table if not exists judged (id bigint generated always as identity primary key, subject text not null,"
    " outcome text not null, fired text[] not null, reasons jsonb not null, changes jsonb not null,"
    " ruleset_digest text not null, facts_digest text not null, as_of timestamptz not null, worker text not null,"
    " evaluated_at timestamptz not null, micros integer not null)"
)
COLUMNS = (
    *("subject", "outcome", "fired", "reasons", "changes", "ruleset_digest", "facts_digest", "as_of", "worker"),
    *("evaluated_at", "micros"),
)
#: For psycopg, and for asyncpg.
INSERT = f"insert into judged ({', '.join(COLUMNS)}) values ({', '.join(['%s'] * len(COLUMNS))})"
INSERT_NUMBERED = (
    f"insert into judged ({', '.join(COLUMNS)}) values ({', '.join(f'${n + 1}' for n in range(len(COLUMNS)))})"
)


@dataclass(frozen=True, slots=True)
class Material:
    """What is judged."""

    #: Orders, each `{"Order": …, "Customer": …, "Line": […]}`.
    orders: Sequence[Mapping[str, Any]]
    #: Products, a row each.
    products: pl.DataFrame
    #: Where they are from, in words.
    source: str

    def jobs(self, name: str, count: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Pairs of key and facts.

        Args:
            name: begins the keys: other names are other jobs.
            count: how many.
        """
        return [(f"{name}-{number}", facts) for number, facts in enumerate(islice(cycle(self.orders), count))]


def material(orders: int) -> Material:
    """The shop's orders and products, where `make data` has built them; else made-up ones.

    Args:
        orders: how many of those are made up.
    """
    real = DATA / "orders.jsonl"
    if real.exists() and (DATA / "products.parquet").exists():
        lines = real.read_text(encoding="utf-8").splitlines()
        products = pl.read_parquet(DATA / "products.parquet").head(PRODUCTS)
        return Material([json.loads(line) for line in lines], products, "the shop's orders and products")
    chance = random.Random("farm")
    made = [order(chance, str(number)) for number in range(orders)]
    rows = [product(chance, f"P{number:05d}") for number in range(PRODUCTS)]
    return Material(made, pl.DataFrame(rows, infer_schema_length=None), "made-up orders and products (no `make data`)")


def encoded(key: str, facts: Mapping[str, Any]) -> str:
    """A job as the text that a peer carries.

    Args:
        key: what is judged.
        facts: of it.
    """
    return json.dumps({"key": key, "facts": facts}, separators=(",", ":"))


class Judge:
    """Judges orders as every peer's worker does: compiled once, then one order at a time."""

    def __init__(self) -> None:
        self._loaded: LoadedRuleset = load_domain(SHIPPED, DOMAIN)
        self._worker = str(os.getpid())

    def row(self, text: str) -> tuple[Any, ...]:
        """The verdict on a job, as the values of `COLUMNS`."""
        job = json.loads(text)
        started = time.perf_counter_ns()
        evaluation = self._loaded.program.evaluate(job["facts"], as_of=AS_OF)
        micros = (time.perf_counter_ns() - started) // 1000
        found = evaluation.to_json()
        return (
            job["key"],
            found["outcome"],
            found["fired"],
            json.dumps(found["reasons"]),
            json.dumps(found["changes"]),
            self._loaded.digest,
            wire.digest(text),
            AS_OF,
            self._worker,
            datetime.now(UTC),
            micros,
        )


def create_table(database_url: str) -> None:
    """Make the table that peers store in, if it is missing."""
    with closing(connection(database_url)) as connected, connected.cursor() as cursor:
        cursor.execute(_CREATE)


def connection(database_url: str) -> Any:
    """A connection in autocommit: each statement is a transaction of its own."""
    connected = psycopg2.connect(database_url)
    connected.autocommit = True
    return connected
