"""The orders and products that a drill submits.  seed, number -> [subjects] -> key and facts

Pure. Everything follows from the seed and a number, so a producer that was killed goes on where it stopped, and the
reference evaluation needs no record of what was submitted. Made-up subjects for the rulesets that ship: most are
accepted, some are reviewed, some break their schema."""

import random
from datetime import UTC, datetime
from typing import Any

#: The instant that everything is judged at, so that a repeat is the same job.
AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: The domains that judge single jobs; each job's number says which.
DOMAINS = ("payment", "pricing")
#: The domain that judges the batches, and the column that names their subjects.
BATCH_DOMAIN, BATCH_KEY = "pricing", "product_id"

_DEPARTMENTS = (("GROCERY", "FLUID MILK PRODUCTS"), ("DRUG GM", "VITAMINS"), ("MEAT", "BEEF"), ("FUEL", "GASOLINE"))
_METHODS = ("cash", "debit", "credit", "check", "mobile", "gift card")


def job(seed: int, key: str, number: int) -> tuple[str, dict[str, Any]]:
    """The domain and the facts of one job.

    Args:
        seed: of the drill.
        key: what is judged.
        number: of the job among those of its producer.

    Returns:
        Domain and facts.
    """
    domain = DOMAINS[number % len(DOMAINS)]
    rng = random.Random(f"{seed} {key}")
    return domain, {"Product": product(rng, key)} if domain == "pricing" else order(rng, key)


def order(rng: random.Random, key: str) -> dict[str, Any]:
    """The facts of an order; one in fifty breaks the schema.

    Args:
        rng: makes them.
        key: the order's number.
    """
    lines: list[dict[str, Any]] = [
        {
            "product_id": str(rng.randrange(10_000)),
            "department": department,
            "category": category,
            "quantity": rng.choice((1, 1, 1, 2, 6, 40)),
            "unit_price": round(rng.uniform(0.5, 300), 2),
        }
        for department, category in rng.choices(_DEPARTMENTS, k=rng.randrange(1, 4))
    ]
    for line in lines:
        line["amount"] = round(line["quantity"] * line["unit_price"], 2)
    total = round(sum(line["amount"] for line in lines), 2)
    coupons = round(total * rng.choice((0, 0, 0.1, 0.5)), 2)
    return {
        "Order": {
            "order_id": key,
            "placed_at": "2026-03-01T11:30:00Z",
            "order_of_day": rng.choice((1, 1, 2, 7)),
            "hours_since_previous": rng.choice((None, 0.3, 26.5, 200)),
            "line_count": len(lines),
            "item_count": sum(line["quantity"] for line in lines),
            "total": total if rng.random() > 0.02 else -1,
            "coupon_total": coupons,
            "amount_due": round(total - coupons, 2),
            "payment_method": rng.choice(_METHODS),
        },
        "Customer": {
            "age": rng.choice((None, "19-24", "35-44")),
            "orders_before": rng.choice((0, 3, 250)),
            "average_total_before": round(rng.uniform(5, 80), 2),
            "coupon_total_before": 0,
        },
        "Line": lines,
    }


def product(rng: random.Random, key: str) -> dict[str, Any]:
    """The facts of a product; one in fifty breaks the schema.

    Args:
        rng: makes them.
        key: the product's number.
    """
    department, category = rng.choice(_DEPARTMENTS)
    price = round(rng.uniform(0.5, 40), 2)
    cost = round(price * rng.uniform(0.5, 1.1), 2)
    units = rng.randrange(1, 20_000)
    return {
        "product_id": key,
        "department": department,
        "category": category,
        "brand": rng.choice(("National", "Private")),
        "average_price": price,
        "lowest_price": round(price * 0.8, 2),
        "highest_price": round(price * 1.3, 2),
        "base_price": round(price * 1.1, 2),
        "discount_depth": round(rng.uniform(0, 0.6), 4) if rng.random() > 0.02 else 1.5,
        "cost": rng.choice((cost, cost, None)),
        "category_median_price": round(price * rng.choice((0.4, 1, 2.5)), 2),
        "units_sold": units,
        "sales_value": round(units * price, 2),
        "weeks_sold": rng.randrange(1, 53),
        "weeks_since_sold": rng.choice((0, 1, 30)),
    }


def batch_rows(seed: int, number: int, rows: int, poison: dict[int, str]) -> list[dict[str, Any]]:
    """The products of one batch.

    Args:
        seed: of the drill.
        number: of the batch.
        rows: subjects in it.
        poison: row to the key that it gets instead of its own.
    """
    keys = [poison.get(row, f"b{number}-{row:06}") for row in range(rows)]
    return [product(random.Random(f"{seed} {key}"), key) for key in keys]
