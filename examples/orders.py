"""One order per basket, as the promotion and payment rules read it.  source -> [orders] -> orders.jsonl

An order is `{"Order": {...}, "Customer": {...}, "Line": [...]}`. All of it is counted from real baskets, with one
exception: the data does not say how a basket was paid, so `payment_method` is derived by the formula of
`_payment_method`. What an order knows of the past (`orders_before`, `hours_since_previous`, …) is counted over the
household's earlier baskets only. Deterministic: the same package gives the same orders in the same sequence."""

from functools import cache

import polars as pl

from examples.source import dollars, products, ratio, sales_lines, scan, texts

#: Orders written unless told otherwise: the newest ones, so that each household has a history.
DEFAULT_ORDERS = 5_000

_LINE_MONEY = ("amount", "list_amount", "discount", "coupon", "coupon_match")


def build_orders(count: int | None = DEFAULT_ORDERS) -> pl.DataFrame:
    """The orders, ready to be written as JSON lines.

    Args:
        count: orders kept, the newest; None keeps all 155,848; default 5,000.

    Returns:
        Columns `Order`, `Customer` (structs) and `Line` (list of structs), in the order of time, then basket.

    Raises:
        DataMissing: the data package is not installed.
    """
    baskets = _history()
    kept = baskets if count is None else baskets.tail(count)
    kept = kept.join(_redemptions(), on=["household_id", "day"], how="left")
    kept = kept.join(_campaigns(kept), on="basket_id", how="left")
    kept = kept.join(scan("demographics").collect(), on="household_id", how="left")
    kept = kept.join(_lines(kept), on="basket_id", how="left")
    filled = kept.with_columns(
        pl.col("campaign_coupons", "campaigns").fill_null(0),
        *texts(["basket_id", "household_id", "store_id"]),
        pl.col("transaction_timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("placed_at"),
        _payment_method().alias("payment_method"),
    )
    return filled.sort("transaction_timestamp", "basket_id").select(
        pl.struct(pl.col("basket_id").alias("order_id"), *ORDER_FIELDS).alias("Order"),
        pl.struct(CUSTOMER_FIELDS).alias("Customer"),
        "Line",
    )


@cache
def sum_baskets() -> pl.DataFrame:
    """Sums over the lines of each basket, money in cents, in the order of time; summed once a process.

    Raises:
        DataMissing: the data package is not installed.
    """
    discounted = pl.col("retail_disc") + pl.col("coupon_match_disc")
    # Motor fuel is recorded in thousandths of a gallon: a quantity of thousands is not a count of things.
    things = pl.col("quantity").filter(pl.col("quantity") < 1000)
    return (
        sales_lines()
        .group_by("basket_id", "household_id", "store_id", "week", "transaction_timestamp")
        .agg(
            pl.len().cast(pl.Int64).alias("line_count"),
            things.sum().alias("item_count"),
            pl.col("sales_value").sum().alias("total"),
            (pl.col("sales_value") + discounted).sum().alias("list_total"),
            discounted.sum().alias("discount_total"),
            pl.col("coupon_disc").sum().alias("coupon_total"),
            pl.col("coupon_match_disc").sum().alias("coupon_match_total"),
            (pl.col("coupon_disc") > 0).sum().cast(pl.Int64).alias("coupon_count"),
        )
        .sort("transaction_timestamp", "basket_id")
        .with_columns(pl.col("transaction_timestamp").dt.date().alias("day"))
        .collect()
    )


@cache
def _history() -> pl.DataFrame:
    """The baskets with what is known of the household when the order is placed; totals become dollars."""
    before = pl.int_range(pl.len()).over("household_id")
    total_before = (pl.col("total").cum_sum() - pl.col("total")).over("household_id")
    coupons_before = (pl.col("coupon_total").cum_sum() - pl.col("coupon_total")).over("household_id")
    since = pl.col("transaction_timestamp").diff().over("household_id").dt.total_minutes()
    money = ("total", "list_total", "discount_total", "coupon_total", "coupon_match_total")
    return sum_baskets().with_columns(
        before.alias("orders_before"),
        ratio(total_before / 100, before, digits=2).alias("average_total_before"),
        dollars(coupons_before).alias("coupon_total_before"),
        (since / 60).round(2).alias("hours_since_previous"),
        (pl.int_range(1, pl.len() + 1).over("household_id", "day")).alias("order_of_day"),
        ratio(pl.col("discount_total"), pl.col("list_total")).alias("discount_share"),
        ratio(pl.col("coupon_total"), pl.col("total")).alias("coupon_share"),
        dollars(pl.col("total") - pl.col("coupon_total")).alias("amount_due"),
        *[dollars(pl.col(column)).alias(column) for column in money],
    )


def _redemptions() -> pl.DataFrame:
    """Coupons of a campaign that the household redeemed on a day; the data does not say in which basket."""
    day = pl.col("redemption_date").dt.date().alias("day")
    count = pl.len().cast(pl.Int64).alias("campaign_coupons")
    return scan("coupon_redemptions").group_by("household_id", day).agg(count).collect()


def _campaigns(baskets: pl.DataFrame) -> pl.DataFrame:
    """How many campaigns that the household belongs to were running on the day of the order."""
    running = scan("campaigns").join(scan("campaign_descriptions"), on="campaign_id").collect()
    pairs = baskets.select("basket_id", "household_id", "transaction_timestamp").join(running, on="household_id")
    started = pl.col("transaction_timestamp") >= pl.col("start_date")
    ended = pl.col("transaction_timestamp").dt.date() > pl.col("end_date").dt.date()
    return pairs.filter(started & ~ended).group_by("basket_id").agg(pl.len().cast(pl.Int64).alias("campaigns"))


def _lines(baskets: pl.DataFrame) -> pl.DataFrame:
    """The lines of these baskets, one list per basket."""
    catalogue = products().select("product_id", "department", "category", "product_type", "brand")
    quantity = pl.col("quantity")
    lines = (
        sales_lines()
        .join(baskets.lazy().select("basket_id"), on="basket_id", how="semi")
        .join(catalogue, on="product_id", how="left")
        .sort("basket_id", "product_id")
        .with_columns(
            pl.col("sales_value").alias("amount"),
            (pl.col("sales_value") + pl.col("retail_disc") + pl.col("coupon_match_disc")).alias("list_amount"),
            (pl.col("retail_disc") + pl.col("coupon_match_disc")).alias("discount"),
            pl.col("coupon_disc").alias("coupon"),
            pl.col("coupon_match_disc").alias("coupon_match"),
            ratio(pl.col("sales_value") / 100, quantity).alias("unit_price"),
            pl.col("product_id").cast(pl.String),
        )
        .with_columns([dollars(pl.col(column)) for column in _LINE_MONEY])
    )
    by_basket = lines.group_by("basket_id", maintain_order=True).agg(pl.struct(LINE_FIELDS).alias("Line"))
    return by_basket.collect()


def _payment_method() -> pl.Expr:
    """The derived payment method: a habit of the household, bent by the amount that is due.

    `habit = (household number x 7 + orders_before) mod 20`: 0-3 cash, 4-10 debit, 11-16 credit, 17 check, 18 mobile,
    19 gift card. Nothing due: `none`. Over 200 cash becomes debit, a gift card credit; under 5 a check becomes cash.
    """
    habit = (pl.col("household_id") * 7 + pl.col("orders_before")) % 20
    due = pl.col("amount_due")
    return (
        pl.when(due <= 0)
        .then(pl.lit("none"))
        .when(habit <= 3)
        .then(pl.when(due > 200).then(pl.lit("debit")).otherwise(pl.lit("cash")))
        .when(habit <= 10)
        .then(pl.lit("debit"))
        .when(habit <= 16)
        .then(pl.lit("credit"))
        .when(habit == 17)
        .then(pl.when(due < 5).then(pl.lit("cash")).otherwise(pl.lit("check")))
        .when(habit == 18)
        .then(pl.lit("mobile"))
        .otherwise(pl.when(due > 200).then(pl.lit("credit")).otherwise(pl.lit("gift card")))
    )


#: Fields of `Order` after `order_id`; docs/data.md says what each one means.
ORDER_FIELDS = (
    "household_id",
    "store_id",
    "placed_at",
    "week",
    "order_of_day",
    "hours_since_previous",
    "line_count",
    "item_count",
    "list_total",
    "discount_total",
    "discount_share",
    "total",
    "coupon_total",
    "coupon_share",
    "coupon_count",
    "coupon_match_total",
    "campaign_coupons",
    "amount_due",
    "payment_method",
)

#: Fields of `Customer`; the first seven are null for a household that told nothing about itself.
CUSTOMER_FIELDS = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
    "household_id",
    "orders_before",
    "average_total_before",
    "coupon_total_before",
    "campaigns",
)

#: Fields of each `Line`.
LINE_FIELDS = (
    "product_id",
    "department",
    "category",
    "product_type",
    "brand",
    "quantity",
    "unit_price",
    *_LINE_MONEY,
)
