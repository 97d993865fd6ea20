"""What the bench times of the shipped rules is every size of chunk that its table has. No time is judged."""

import random

import polars as pl

from bench.suites import Effort, orders, shipped
from bench.timing import Goal, ReportRow
from rulesets.loader import SHIPPED, load_domain
from workers.drill.subjects import order, product

EFFORT = Effort(products=60, rounds=1, budget_s=0.001, slow_rounds=1, largest=60, shipped=60)
CHANCE = random.Random("suites")


def sections(rows: list[ReportRow]) -> dict[str, int]:
    """How many contenders each section has."""
    names = [row.section for row in rows]
    return {name: names.count(name) for name in names}


def test_the_pricing_rules_are_timed_on_chunks_of_products() -> None:
    products = pl.DataFrame([product(CHANCE, f"P{n}") for n in range(60)], infer_schema_length=None)
    rows = shipped(load_domain(SHIPPED, "pricing").program, products, EFFORT)
    assert sections(rows) == {
        f"shipped pricing rules, chunks of {size} products": 3 for size in ("20", "50", "200", "1,000", "60")
    }


def test_the_rules_of_orders_are_timed_on_chunks_of_orders_against_their_targets() -> None:
    taken = [order(CHANCE, f"O{n}") for n in range(60)]
    rows = orders("payment", load_domain(SHIPPED, "payment").program, taken, Goal(1, "a"), Goal(2, "b"), EFFORT)
    assert sections(rows) == {
        f"shipped payment rules, chunks of {size} orders": 3 for size in ("20", "50", "200", "60")
    }
    assert [row.target for row in rows].count("a") == 1
