"""The price check and the nightly batch, on nodes of several kinds.  options -> [routing_demo] -> RoutingReport

Postgres and Valkey are the embedded ones, synced to disk as in earnest, with data of their own that is gone
afterwards. Whatever ends the run, an interrupt too, stops all that it started."""

import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import polars as pl
import psycopg2
from sqlalchemy import Engine, func, select

from rulefarm.database import batches, connect, verdicts
from rulefarm.errors import RulefarmError
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from rulesets.loader import load_domain
from store.migrate import migrate
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from workers.demo.claims import NightlyTime, PriceCheck, RoutingReport
from workers.demo.demo_domains import OTHER_FACTS, PRICING, SHOP, write_rulesets
from workers.demo.running_nodes import running_nodes
from workers.drill.subjects import product
from workers.embedded import running_services

#: The column that names a product.
_KEY = "product_id"
#: The product whose price is checked one by one: sound, as far as the rules of pricing can tell.
ABC = {
    _KEY: "ABC",
    "department": "GROCERY",
    "category": "FLUID MILK PRODUCTS",
    "product_type": "FLUID MILK WHITE ONLY",
    "brand": "National",
    "package_size": "64 OZ",
    "package_ounces": 64,
    "average_price": 2.65,
    "lowest_price": 2.29,
    "highest_price": 2.99,
    "latest_price": 2.69,
    "base_price": 2.75,
    "discount_depth": 0.0364,
    "coupon_share": 0,
    "cost": 1.8,
    "margin": 0.3208,
    "price_per_ounce": 0.0414,
    "category_median_price": 2.5,
    "price_to_category_median": 1.06,
    "units_sold": 4_000,
    "sales_value": 10_600,
    "baskets": 3_100,
    "households": 900,
    "stores_sold": 90,
    "weeks_sold": 53,
    "weeks_since_sold": 0,
    "display_weeks": 2,
    "mailer_weeks": 6,
}
#: Seconds for one verdict, and for a batch; seconds between two looks at it.
_ANSWER_S, _BATCH_S, _LOOK_S = 60.0, 300.0, 0.005


class DemoFailed(RulefarmError):
    """The farm did not do what was to be measured."""


@dataclass(frozen=True, slots=True)
class DemoEffort:
    """How much to measure."""

    #: Price checks on each node, and as many before them that do not count.
    checks: int
    products: int
    #: Nightly batches of a kind, of which the median counts; one more before them does not.
    turns: int
    #: Processes of the node that has all rules, from one on.
    widths: tuple[int, ...]
    #: Nodes that the rules are dealt out to.
    parts: int
    #: Domains that the shop has beside those that ship.
    others: int


FULL = DemoEffort(checks=200, products=20_000, turns=3, widths=(1, 2, 4), parts=3, others=len(OTHER_FACTS))
#: Whether it works.
QUICK = DemoEffort(checks=5, products=100, turns=1, widths=(1,), parts=1, others=0)


def run_routing(effort: DemoEffort, *, on_progress: Callable[[str], None] = lambda line: None) -> RoutingReport:
    """Measure what routing to specialised nodes is worth.

    Args:
        effort: how much to measure.
        on_progress: called with what happens; default: nothing.

    Raises:
        DemoFailed: a batch is not judged, or has a verdict too few.
        VerdictPending, JobDead: a price is not checked.
        ServiceError: a server or a node can't be started.
    """
    with tempfile.TemporaryDirectory(prefix="rulefarm-demo-") as name:
        folder = Path(name)
        # Postgres runs as a user of its own where this is root, who has to pass through.
        folder.chmod(0o711)
        (folder / "rulesets").mkdir()
        on_progress("writing rules and products, starting Postgres and Valkey")
        parts = write_rulesets(folder / "rulesets", others=effort.others, parts=effort.parts)
        with running_services(folder / "services") as services:
            settings = Settings(
                home=folder / "farm",
                broker_url=services.broker_url,
                database_url=services.database_url,
                rulesets=folder / "rulesets",
            )
            database = connect(settings)
            try:
                migrate(database)
                with closing(Farm(settings)) as farm:
                    return _Routing(effort, settings, database, farm, on_progress).run(parts)
            finally:
                database.dispose()


class _Routing:
    """A run, on servers that answer."""

    def __init__(
        self, effort: DemoEffort, settings: Settings, database: Engine, farm: Farm, on_progress: Callable[[str], None]
    ) -> None:
        self._effort, self._settings, self._database, self._farm = effort, settings, database, farm
        self._on_progress = on_progress
        self._services_home = settings.home.with_name("services")
        self._source = settings.home.with_name("products.parquet")
        made = (product(random.Random(f"demo {number}"), f"P{number:05d}") for number in range(effort.products))
        pl.DataFrame(list(made), infer_schema_length=None).write_parquet(self._source)

    def run(self, parts: Sequence[str]) -> RoutingReport:
        """Measure one kind of nodes after the other.

        Args:
            parts: the domains that hold a part of pricing's rules each.
        """
        rules = self._publish([PRICING, SHOP, *parts])
        self._on_progress("checking the price of product ABC: pricing alone, and every rule of every domain")
        pricing, shop = self._checks(rules)
        nights = []
        for width in self._effort.widths:
            self._on_progress(f"nightly, {self._effort.products:,} products: one node, processes: {width}")
            nights.append(self._night({"pricing": ([PRICING], width)}))
        self._on_progress(f"nightly: nodes with a part of the rules each: {len(parts)}")
        return RoutingReport(
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            products=self._effort.products,
            commit_ms=self._commit_ms(),
            pricing=pricing,
            shop=shop,
            nights=tuple(nights),
            parts=self._night({domain: ([domain], 1) for domain in parts}),
        )

    def _publish(self, domains: Sequence[str]) -> dict[str, int]:
        """Domain to the number of its rules."""
        loaded = [load_domain(self._settings.rulesets or "", domain) for domain in domains]
        publish(self._database, [RulesetSnapshot.of(one) for one in loaded], note="demo")
        return {one.domain: len(one.program.rules) for one in loaded}

    def _checks(self, rules: dict[str, int]) -> list[PriceCheck]:
        facts = {"Product": ABC}
        domains = (PRICING, SHOP)
        answers: dict[str, list[tuple[float, Verdict]]] = {domain: [] for domain in domains}
        nodes = {domain: ([domain], 1) for domain in domains}
        with running_nodes(self._settings, self._services_home, nodes, bulk=False):
            for number in range(2 * self._effort.checks):
                # In turns: a machine is slower in one minute than in the next.
                for domain in domains:
                    began = time.perf_counter()
                    verdict = self._farm.evaluate(domain, facts, key=f"ABC-{number}", timeout=_ANSWER_S)
                    answers[domain].append(((time.perf_counter() - began) * 1000, verdict))
        checks = []
        for domain in domains:
            counted = answers[domain][self._effort.checks :]
            verdict = counted[-1][1]
            engine_ms = median(verdict.micros for _, verdict in counted) / 1000
            answer_ms = median(waited for waited, _ in counted)
            checks.append(PriceCheck(rules[domain], engine_ms, answer_ms, verdict.outcome, tuple(verdict.fired)))
        return checks

    def _night(self, nodes: dict[str, tuple[list[str], int]]) -> NightlyTime:
        domains = [domain for served, _ in nodes.values() for domain in served]
        seconds, cpu_s, stored = [], [], 0
        with running_nodes(self._settings, self._services_home, nodes, bulk=True) as running:
            for _ in range(self._effort.turns + 1):
                before = running.cpu_s()
                took_s, stored = self._batches(domains)
                seconds.append(took_s)
                cpu_s.append(running.cpu_s() - before)
        processes = sum(width for _, width in nodes.values())
        return NightlyTime(len(nodes), processes, median(seconds[1:]), median(cpu_s[1:]), stored)

    def _batches(self, domains: Sequence[str]) -> tuple[float, int]:
        """Seconds until every product has a verdict of each domain, and how many verdicts that are."""
        began = time.perf_counter()
        ids = [self._farm.submit_batch(domain, self._source, subject=_KEY).id for domain in domains]
        unfinished = select(func.count()).where(batches.c.id.in_(ids), batches.c.state != "done")
        with self._database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while connection.scalar(unfinished):
                if time.perf_counter() - began > _BATCH_S:
                    raise DemoFailed("demo-stuck", f"a batch is not done after {_BATCH_S:g} s")
                time.sleep(_LOOK_S)
            took_s = time.perf_counter() - began
            stored = int(connection.scalar(select(func.count()).where(verdicts.c.batch.in_(ids))) or 0)
        if stored != len(ids) * self._effort.products:
            raise DemoFailed("demo-verdicts", f"{stored:,} verdicts of {len(ids)} x {self._effort.products:,}")
        return took_s, stored

    def _commit_ms(self) -> float:
        """A row, written and committed by itself."""
        waited = []
        with closing(psycopg2.connect(self._settings.require_database())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("create table committed (number integer)")
                for number in range(self._effort.checks):
                    began = time.perf_counter()
                    cursor.execute("insert into committed values (%s)", (number,))
                    waited.append((time.perf_counter() - began) * 1000)
        return median(waited)
