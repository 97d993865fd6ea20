"""One payment per basket, and what was known of each household before.  source -> [payments] -> the fraud domain

A payment is `{"Payment": {...}}`: the newest baskets, in the order of time, the household in place of its card. A
`Household` is counted from all baskets before the first of these payments, as are the areas of the stores, so that
nothing is judged with what nobody could know then. Deterministic: the same package gives the same payments."""

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from examples.areas import build_areas
from examples.orders import sum_baskets
from examples.source import dollars, ratio, sales_lines, scan, texts

#: Payments unless told otherwise: the last seven weeks of the year.
DEFAULT_PAYMENTS = 20_000

#: The hours with the fewest baskets, by the clock of the data: night, where the stores are.
_NIGHT = (6, 10)
_IDS = ("basket_id", "household_id", "store_id")
_DUE = pl.col("total") - pl.col("coupon_total")


@dataclass(frozen=True, slots=True)
class Payments:
    """A stretch of payments, and what was known before it began."""

    #: One column, `Payment`, of structs; in the order of time, then basket.
    payments: pl.DataFrame
    #: One row a household that had shopped before, by its number.
    households: pl.DataFrame

    def write_known(self, path: Path) -> None:
        """Write the households as `rulefarm eval --facts` reads them."""
        rows = {row["household_id"]: row for row in self.households.to_dicts()}
        path.write_text(json.dumps({"Household": rows}) + "\n", encoding="utf-8")


def build_payments(count: int = DEFAULT_PAYMENTS) -> Payments:
    """The newest payments, and what was known of the households before.

    Args:
        count: payments; default 20,000.

    Raises:
        DataMissing: the data package is not installed.
    """
    every = sum_baskets().rename({"transaction_timestamp": "moment"})
    before, newest = every.head(-count), every.tail(count)
    areas = build_areas(before)
    fuel = _fuel(newest)
    events = (
        newest.join(areas, on="store_id", how="left")
        .join(fuel, on="basket_id", how="left")
        .with_columns(pl.col("fuel").fill_null(0))
        .sort("moment", "basket_id")
    )
    payments = events.select(
        pl.struct(
            *[text.alias(name) for text, name in zip(texts(_IDS), ("payment_id", "card", "store"), strict=True)],
            pl.col("moment").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("at"),
            "area",
            dollars(_DUE).alias("amount"),
            pl.col("line_count").alias("lines"),
            pl.col("item_count").alias("items"),
            dollars(pl.col("fuel")).alias("fuel"),
            dollars(pl.col("discount_total")).alias("discount"),
            pl.col("coupon_count").alias("coupons"),
            dollars(pl.col("coupon_total")).alias("coupon_value"),
        ).alias("Payment")
    )
    return Payments(payments, _households(before.join(areas, on="store_id")))


def _fuel(newest: pl.DataFrame) -> pl.DataFrame:
    """What of each basket is motor fuel, in cents."""
    fuel = scan("products").filter(pl.col("department") == "FUEL").select("product_id")
    lines = sales_lines().join(newest.lazy().select("basket_id"), on="basket_id", how="semi")
    sums = lines.join(fuel, on="product_id", how="semi").group_by("basket_id").agg(pl.col("sales_value").sum())
    return sums.rename({"sales_value": "fuel"}).collect()


def _households(before: pl.DataFrame) -> pl.DataFrame:
    """What is known of each household, amounts in dollars."""
    last = before["moment"].max()
    night = pl.col("moment").dt.hour().is_between(*_NIGHT, closed="left")
    days = (pl.lit(last) - pl.col("moment").min()).dt.total_days()
    homes = (
        before.group_by("household_id", "area")
        .agg(pl.len().alias("visits"))
        .sort("visits", "area", descending=[True, False])
        .unique("household_id", keep="first", maintain_order=True)
        .rename({"area": "home_area"})
    )
    counted = before.group_by("household_id").agg(
        pl.len().cast(pl.Int64).alias("payments"),
        days.alias("days_known"),
        (pl.lit(last) - pl.col("moment").max()).dt.total_days().alias("days_silent"),
        dollars(_DUE.median()).alias("usual_amount"),
        dollars(_DUE.max()).alias("largest_amount"),
        pl.col("item_count").median().alias("usual_items"),
        pl.col("store_id").n_unique().cast(pl.Int64).alias("stores"),
        pl.col("area").n_unique().cast(pl.Int64).alias("areas"),
        night.sum().cast(pl.Int64).alias("night_payments"),
        pl.col("coupon_count").max().alias("most_coupons"),
        dollars(pl.col("coupon_total").max()).alias("largest_coupon_value"),
    )
    joined = counted.join(homes, on="household_id").sort("household_id")
    share = ratio(pl.col("visits"), pl.col("payments"), digits=2).alias("home_share")
    return joined.select(*texts(["household_id"]), pl.exclude("household_id", "visits"), share)
