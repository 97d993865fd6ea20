"""The pricing tables, from a year of real prices.  products -> [tables] -> rulesets/pricing/*.csv

How the bounds are found. The population of a row is every product of its category (or department, or brand) that was
sold in at least `MIN_BASKETS` baskets for more than nothing; motor fuel and booked coupons are left out. A row is
written when its population has `MIN_PRODUCTS` products or more. A bound is a quantile of the population, rounded
outwards, so that a product on the bound passes. The tables are checked in, and a test compares them with the data; copy
the domain to a folder of your own to edit them by hand.

- price_range: average price under the 0.5 % or over the 99.5 % quantile of the category.
- price_per_ounce: the same for the price per ounce, where package sizes are given in ounces.
- discount_limits: depth of discount over the 99 % quantile of the category and brand.
- private_label: a private label dearer than the 90 % quantile of the national brands of its category.
- margin_floors: margin under the 2 % quantile of the department and brand is reviewed; 20 points under that, and at a
  loss, it is rejected.
- price_moves: latest price against the average price outside the 0.5 % to 99.5 % quantiles of the department."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

#: A product sold less often than this has no price to speak of.
MIN_BASKETS = 10
#: Fewer products than this have no quantiles to speak of.
MIN_PRODUCTS = 12

#: Categories that hold booked coupons and corrections, not goods.
NOT_GOODS = ("COUPON/MISC ITEMS", "COUPONS/STORE & MFG")

#: A text that a table takes for nothing but a text. Any other stands in quotes.
_PLAIN = re.compile(r"(?!.*\b(?:and|or|in|not)\b)(?!null$|nil$)[A-Z0-9][A-Z0-9 .&/%:+-]*", re.IGNORECASE)

#: One line of a CSV file.
Row = tuple[str, ...]


def write_tables(products: pl.DataFrame, folder: Path) -> dict[str, int]:
    """Write the pricing tables.

    Args:
        products: all products, as `examples.products.build_products(None)` gives them.
        folder: where the CSV files go.

    Returns:
        Rows written, by file name.
    """
    goods = products.filter(
        (pl.col("average_price") > 0)
        & (pl.col("baskets") >= MIN_BASKETS)
        & (pl.col("department") != "FUEL")
        & ~pl.col("category").is_in(NOT_GOODS)
    )
    written = {}
    for name, (header, rows) in TABLES.items():
        lines = list(rows(goods))
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *lines])
        written[name] = len(lines)
    return written


def _quantiles(goods: pl.DataFrame, keys: list[str], column: str, *levels: float) -> Iterable[tuple[object, ...]]:
    """Keys, then the quantiles of a column, for each population that is large enough, sorted by key."""
    bounds = [pl.col(column).quantile(level).alias(str(level)) for level in levels]
    return (
        goods.drop_nulls([*keys, column])
        .group_by(keys)
        .agg(pl.len().alias("products"), *bounds)
        .filter(pl.col("products") >= MIN_PRODUCTS)
        .sort(keys)
        .drop("products")
        .iter_rows()
    )


def _down(bound: float, digits: int) -> float:
    scale: float = 10**digits
    return math.floor(bound * scale + 1e-6) / scale


def _up(bound: float, digits: int) -> float:
    scale: float = 10**digits
    return math.ceil(bound * scale - 1e-6) / scale


def _range_rows(column: str, digits: int, unit: str) -> Callable[[pl.DataFrame], Iterator[Row]]:
    """Two rows per category: cheaper than nearly all of it, and dearer than nearly all of it."""

    def rows(goods: pl.DataFrame) -> Iterator[Row]:
        for category, low, high in _quantiles(goods, ["category"], column, 0.005, 0.995):
            under, over = _down(float(str(low)), digits), _up(float(str(high)), digits)
            cell = _text(str(category))
            if under > 0:
                reason = f"under {under:.{digits}f}{unit}: cheaper than 199 in 200 of its category"
                yield f"{category} low", cell, f"< {under:.{digits}f}", reason, "low"
            reason = f"over {over:.{digits}f}{unit}: dearer than 199 in 200 of its category"
            yield f"{category} high", cell, f"> {over:.{digits}f}", reason, "high"

    return rows


def _discount_rows(goods: pl.DataFrame) -> Iterator[Row]:
    for category, brand, limit in _quantiles(goods, ["category", "brand"], "discount_depth", 0.99):
        bound = _up(float(str(limit)), 2)
        reason = f"discount over {bound:.0%}: deeper than 99 in 100 of its category and brand"
        yield f"{category} {str(brand).lower()}", _text(str(category)), str(brand), f"> {bound:.2f}", reason


def _private_label_rows(goods: pl.DataFrame) -> Iterator[Row]:
    private = set(goods.filter(pl.col("brand") == "Private")["category"])
    national = goods.filter(pl.col("brand") == "National")
    for category, limit in _quantiles(national, ["category"], "average_price", 0.9):
        if category in private:
            bound = _up(float(str(limit)), 2)
            reason = f"over {bound:.2f}: a private label dearer than 9 in 10 national brands"
            yield str(category), _text(str(category)), "Private", f"> {bound:.2f}", reason


def _margin_rows(goods: pl.DataFrame) -> Iterator[Row]:
    for department, brand, limit in _quantiles(goods, ["department", "brand"], "margin", 0.02):
        floor = _down(float(str(limit)), 2)
        bottom = min(floor - 0.2, 0.0)
        name, cell = f"{department} {str(brand).lower()}", _text(str(department))
        loss = f"margin under {bottom:.0%}: a loss that no promotion plan carries"
        yield f"{name} loss", cell, str(brand), f"< {bottom:.2f}", "", loss
        thin = f"margin under {floor:.0%}: the floor of its department and brand"
        yield f"{name} thin", cell, str(brand), f"[{bottom:.2f}..{floor:.2f})", thin, ""


def _move_rows(goods: pl.DataFrame) -> Iterator[Row]:
    moved = goods.with_columns((pl.col("latest_price") / pl.col("average_price")).alias("move"))
    for department, low, high in _quantiles(moved, ["department"], "move", 0.005, 0.995):
        under, over = _down(float(str(low)), 2), _up(float(str(high)), 2)
        cell = _text(str(department))
        if under > 0:
            yield (
                f"{department} fall",
                cell,
                f"< {under:.2f}",
                f"last sold at less than {under:.0%} of its average price",
            )
        yield f"{department} rise", cell, f"> {over:.2f}", f"last sold at more than {over:.0%} of its average price"


def _text(value: str) -> str:
    """A cell that means this text: quoted where a table would read more into it."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


#: File name -> header line, and what makes its rows.
TABLES: dict[str, tuple[Row, Callable[[pl.DataFrame], Iterator[Row]]]] = {
    "price_range.csv": (
        ("U", "when Product.category", "when Product.average_price", "then Review", "then Product.price_flag"),
        _range_rows("average_price", 2, ""),
    ),
    "price_per_ounce.csv": (
        ("U", "when Product.category", "when Product.price_per_ounce", "then Review", "then Product.ounce_flag"),
        _range_rows("price_per_ounce", 3, " an ounce"),
    ),
    "discount_limits.csv": (
        ("U", "when Product.category", "when Product.brand", "when Product.discount_depth", "then Review"),
        _discount_rows,
    ),
    "private_label.csv": (
        ("U", "when Product.category", "when Product.brand", "when Product.average_price", "then Review"),
        _private_label_rows,
    ),
    "margin_floors.csv": (
        ("F", "when Product.department", "when Product.brand", "when Product.margin", "then Review", "then Reject"),
        _margin_rows,
    ),
    "price_moves.csv": (
        ("U", "when Product.department", "when Product.latest_price / Product.average_price", "then Review"),
        _move_rows,
    ),
}
