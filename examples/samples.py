"""The samples that are checked in, for trying a command without the data package.  products, orders -> [samples]

Takes the built tables, writes `order.json` and `product.json` (one each, picked because several rules fire),
`orders.jsonl` and `products.csv` (a few of each)."""

import json
from pathlib import Path
from typing import Any

import polars as pl

#: An order in which signs of risk add up to a review; the sixth of its household that day.
ORDER = "41366822730"
#: Orders of the short list, by outcome of the payment rules: accepted, reviewed, rejected.
ORDERS = ("41324462970", "41324552750", "41366422623", "41366822730", "41382982295", "41413130440", "41426351883")
#: Products of the short list: those that sell most.
PRODUCTS = 25


def write_samples(products: pl.DataFrame, orders: pl.DataFrame, folder: Path) -> list[Path]:
    """Write the samples.

    Args:
        products: as `examples.products.build_products()` gives them.
        orders: as `examples.orders.build_orders()` gives them.
        folder: where the files go.

    Returns:
        The files.
    """
    by_id = {order["Order"]["order_id"]: order for order in orders.to_dicts()}
    accepted = [order for order in by_id.values() if len(order["Line"]) <= 4][:8]
    paths = [folder / name for name in ("order.json", "product.json", "orders.jsonl", "products.csv")]
    _write_json(paths[0], by_id[ORDER])
    _write_json(paths[1], {"Product": _product(products)})
    lines = [*accepted, *(by_id[order_id] for order_id in ORDERS)]
    text = "".join(json.dumps(order) + "\n" for order in lines)
    paths[2].write_text(text, encoding="utf-8")
    products.head(PRODUCTS).write_csv(paths[3])
    return paths


def _product(products: pl.DataFrame) -> dict[str, Any]:
    """The best seller among the products that are sold at a loss."""
    return products.filter(pl.col("margin") < 0).row(0, named=True)


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
