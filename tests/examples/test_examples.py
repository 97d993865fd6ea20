"""The example data: complete, the same every time, and true to what the raw data says."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from engine import Schema
from examples import tables
from examples.__main__ import DATA, main
from examples.orders import build_orders
from examples.products import COLUMNS, build_products
from examples.samples import write_samples
from examples.source import sales_lines
from rulesets.loader import SHIPPED
from tests.shipped import shipped


@pytest.fixture(scope="module")
def every_product() -> pl.DataFrame:
    return build_products(None)


@pytest.fixture(scope="module")
def newest_orders() -> list[dict[str, Any]]:
    return build_orders(500).to_dicts()


def test_every_product_sold_has_one_row(every_product: pl.DataFrame) -> None:
    assert every_product.height == 68_509
    assert every_product["product_id"].n_unique() == 68_509
    assert tuple(every_product.columns) == COLUMNS
    assert len(COLUMNS) >= 18


def test_products_are_sorted_by_sales(every_product: pl.DataFrame) -> None:
    assert every_product["sales_value"].is_sorted(descending=True)


def test_sums_of_the_products_are_those_of_the_raw_lines(every_product: pl.DataFrame) -> None:
    raw = sales_lines().select(pl.col("sales_value").sum(), pl.col("quantity").sum()).collect()
    assert round(every_product["sales_value"].sum() * 100) == raw["sales_value"].item()
    assert every_product["units_sold"].sum() == raw["quantity"].item()


def test_products_without_units_have_no_price(every_product: pl.DataFrame) -> None:
    unsold = every_product.filter(pl.col("units_sold") == 0)
    assert unsold.height == 249
    for column in ("average_price", "lowest_price", "base_price", "cost", "margin"):
        assert unsold[column].null_count() == 249


def test_what_the_catalogue_does_not_know_stays_null(every_product: pl.DataFrame) -> None:
    assert every_product["department"].null_count() == 17
    assert every_product["package_size"].null_count() > 20_000


def test_package_sizes_become_ounces(every_product: pl.DataFrame) -> None:
    sizes = dict(every_product.select("package_size", "package_ounces").unique().drop_nulls("package_size").iter_rows())
    assert (sizes["16 OZ"], sizes["1.5 LB"], sizes["1 GAL"], sizes["12 CT"]) == (16.0, 24.0, 128.0, None)


def test_every_order_fits_both_schemas(newest_orders: list[dict[str, Any]]) -> None:
    for domain in ("promotion", "payment"):
        for order in newest_orders:
            unknown_to_neither(order, shipped()[domain].schema)


def unknown_to_neither(order: Mapping[str, Any], schema: Schema) -> None:
    """Required fields are there, and every field that the schema names and is not written by rules is sent."""
    for fact in schema.facts.values():
        rows = order[fact.name] if fact.is_list else [order[fact.name]]
        for field in fact.fields.values():
            assert field.derived or all(field.name in row for row in rows), field.name
            assert not field.required or all(row[field.name] is not None for row in rows), field.name


def test_lines_add_up_to_the_order(newest_orders: list[dict[str, Any]]) -> None:
    for document in newest_orders:
        order, lines = document["Order"], document["Line"]
        assert order["line_count"] == len(lines)
        for total, part in (("total", "amount"), ("coupon_total", "coupon"), ("discount_total", "discount")):
            assert math.isclose(order[total], sum(line[part] for line in lines), abs_tol=0.001)


def test_the_newest_orders_come_in_the_order_of_time(newest_orders: list[dict[str, Any]]) -> None:
    placed = [document["Order"]["placed_at"] for document in newest_orders]
    assert placed == sorted(placed)
    assert placed[-1] == "2018-01-01T04:01:20Z"


def test_a_household_has_no_future(newest_orders: list[dict[str, Any]]) -> None:
    seen: dict[str, int] = {}
    for document in newest_orders:
        household, before = document["Order"]["household_id"], document["Customer"]["orders_before"]
        assert before == seen.get(household, before)
        seen[household] = before + 1


def test_the_shipped_tables_are_those_of_the_data(every_product: pl.DataFrame, tmp_path: Path) -> None:
    written = tables.write_tables(every_product, tmp_path)
    assert sum(written.values()) >= 1000
    for name in written:
        assert (tmp_path / name).read_bytes() == (SHIPPED / "pricing" / name).read_bytes(), name


def test_build_writes_the_best_sellers_and_the_newest_orders(every_product: pl.DataFrame, tmp_path: Path) -> None:
    options = ["--orders", "20", "--payments", "30"]
    result = CliRunner().invoke(main, ["build", "--out", str(tmp_path), *options])
    assert result.exit_code == 0, result.output
    assert pl.read_parquet(tmp_path / "products.parquet").equals(every_product.head(10_000))
    lines = (tmp_path / "orders.jsonl").read_text().splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [["Customer", "Line", "Order"]] * 20
    payments = [json.loads(line)["Payment"] for line in (tmp_path / "payments.jsonl").read_text().splitlines()]
    assert len(payments) == 30
    households = [json.loads(line) for line in (tmp_path / "households.jsonl").read_text().splitlines()]
    known = json.loads((tmp_path / "known.json").read_text())["Household"]
    assert known == {household["household_id"]: household for household in households}
    written = ["households.jsonl", "known.json", "orders.jsonl", "payments.jsonl", "products.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == written


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_senseless_count_is_refused(tmp_path: Path, count: str) -> None:
    result = CliRunner().invoke(main, ["build", "--out", str(tmp_path), f"--limit={count}"])
    assert result.exit_code == 2
    assert "give a number of rows, or `all`" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_samples_are_those_of_the_data(every_product: pl.DataFrame, tmp_path: Path) -> None:
    for path in write_samples(every_product, build_orders(), tmp_path):
        assert path.read_bytes() == (DATA.parent / path.name).read_bytes(), path.name
