"""One row per product sold, as the pricing rules read it.  source -> [products] -> products.parquet

Every column but `cost` and `margin` is counted from a year of real sales. The data has no purchase cost, so it is
derived: `cost = base_price x COST_RATIO[department] x (PRIVATE_FACTOR for a private label)`, rounded to four decimals,
and `margin = 1 - cost / average_price`. Deterministic: the same package gives the same rows in the same order."""

from functools import cache

import polars as pl

from examples.source import WEEKS, dollars, products, ratio, sales_lines, scan

#: Rows of the nightly run: the products that sell most.
DEFAULT_LIMIT = 10_000

#: Assumed purchase cost per dollar of undiscounted price. Lower than a cost ratio against the selling price would be,
#: because the average discount is paid out of the difference.
COST_RATIO = {
    "DRUG GM": 0.62,
    "FUEL": 0.92,
    "DELI": 0.55,
    "FLORAL": 0.50,
    "GROCERY": 0.62,
    "MEAT": 0.55,
    "MEAT-PCKGD": 0.55,
    "NUTRITION": 0.62,
    "PASTRY": 0.50,
    "PRODUCE": 0.62,
    "RESTAURANT": 0.40,
    "SALAD BAR": 0.45,
    "SEAFOOD": 0.55,
    "SEAFOOD-PCKGD": 0.55,
    "SPIRITS": 0.72,
}

#: Cost ratio of every other department, and of products without one.
DEFAULT_COST_RATIO = 0.60

#: A private label costs the shop less than the national brand at the same price.
PRIVATE_FACTOR = 0.92

#: Ounces in one unit of the package size; weight and volume ounces are not told apart, as on the package.
OUNCES = {"OZ": 1.0, "LB": 16.0, "GAL": 128.0, "QT": 32.0, "PT": 16.0, "L": 33.814, "ML": 0.033814}


def build_products(limit: int | None = DEFAULT_LIMIT) -> pl.DataFrame:
    """The products table.

    Args:
        limit: rows kept, highest sales value first; None keeps all 68,509; default 10,000.

    Returns:
        One row per product sold, by sales value, highest first, then by identifier.

    Raises:
        DataMissing: the data package is not installed.
    """
    sold = _sales().join(products().collect(), on="product_id", how="left")
    priced = _prices(sold).join(_promotions(), on="product_id", how="left")
    ranked = priced.sort("sales_value", "product_id", descending=[True, False])
    rows = ranked if limit is None else ranked.head(limit)
    return rows.with_columns(pl.col("product_id").cast(pl.String)).select(COLUMNS)


@cache
def _sales() -> pl.DataFrame:
    """Sums and extremes over the sales lines, per product; money in cents. Counted once a process."""
    counted = pl.col("quantity") > 0  # a line of quantity 0 carries a coupon or a correction, and has no unit price
    line_price = (pl.col("sales_value") / 100 / pl.col("quantity")).filter(counted)
    return (
        sales_lines()
        .group_by("product_id")
        .agg(
            pl.col("sales_value").filter(counted).sum().alias("counted_value"),
            pl.col("retail_disc", "coupon_match_disc").filter(counted).sum(),
            pl.col("sales_value").sum(),
            pl.col("coupon_disc").sum(),
            pl.col("quantity").sum().alias("units_sold"),
            line_price.min().round(4).alias("lowest_price"),
            line_price.max().round(4).alias("highest_price"),
            line_price.last().round(4).alias("latest_price"),
            pl.col("week").n_unique().cast(pl.Int64).alias("weeks_sold"),
            pl.col("week").max().alias("last_week"),
            pl.col("store_id").n_unique().cast(pl.Int64).alias("stores_sold"),
            pl.col("basket_id").n_unique().cast(pl.Int64).alias("baskets"),
            pl.col("household_id").n_unique().cast(pl.Int64).alias("households"),
        )
        .collect()
    )


def _prices(sold: pl.DataFrame) -> pl.DataFrame:
    """Prices, discounts, cost and the comparison with the category, from the sums."""
    undiscounted = pl.col("counted_value") + pl.col("retail_disc") + pl.col("coupon_match_disc")
    ounces = pl.col("package_size").str.extract_groups(r"^(?<amount>\d+(?:\.\d+)?) ?(?<unit>OZ|LB|GAL|QT|PT|ML|L)$")
    cost_ratio = pl.col("department").replace_strict(COST_RATIO, default=DEFAULT_COST_RATIO, return_dtype=pl.Float64)
    private = pl.when(pl.col("brand") == "Private").then(PRIVATE_FACTOR).otherwise(1.0)
    median = pl.when(pl.col("category").is_not_null()).then(pl.col("average_price").median().over("category").round(4))
    amount = ounces.struct.field("amount").cast(pl.Float64)
    unit = ounces.struct.field("unit").replace_strict(OUNCES, default=None, return_dtype=pl.Float64)
    return (
        sold.with_columns(
            ratio(pl.col("counted_value") / 100, pl.col("units_sold")).alias("average_price"),
            ratio(undiscounted / 100, pl.col("units_sold")).alias("base_price"),
            ratio(undiscounted - pl.col("counted_value"), undiscounted).alias("discount_depth"),
            ratio(pl.col("coupon_disc"), pl.col("sales_value")).alias("coupon_share"),
            (WEEKS - pl.col("last_week")).alias("weeks_since_sold"),
            (amount * unit).round(2).alias("package_ounces"),
        )
        .with_columns(
            (pl.col("base_price") * cost_ratio.fill_null(DEFAULT_COST_RATIO) * private).round(4).alias("cost"),
            median.alias("category_median_price"),
            ratio(pl.col("average_price"), pl.col("package_ounces")).alias("price_per_ounce"),
            dollars(pl.col("sales_value")),
        )
        .with_columns(
            (1 - ratio(pl.col("cost"), pl.col("average_price"))).round(4).alias("margin"),
            ratio(pl.col("average_price"), pl.col("category_median_price")).alias("price_to_category_median"),
        )
    )


@cache
def _promotions() -> pl.DataFrame:
    """In how many weeks any shop had the product on display, or in its mailer.

    The raw table has 20.9 million rows, so it is streamed, and once a process; a product that never appears in it gets
    no row."""
    return (
        scan("promotions")
        .select(
            "product_id",
            pl.col("week").cast(pl.Int8),
            (pl.col("display_location") != "0").alias("display_weeks"),
            (pl.col("mailer_location") != "0").alias("mailer_weeks"),
        )
        .group_by("product_id", "week")
        .agg(pl.col("display_weeks", "mailer_weeks").any())
        .group_by("product_id")
        .agg(pl.col("display_weeks", "mailer_weeks").sum().cast(pl.Int64))
        .collect(engine="streaming")
    )


#: Columns of the table, in order; docs/data.md says what each one means.
COLUMNS = (
    "product_id",
    "manufacturer_id",
    "department",
    "category",
    "product_type",
    "brand",
    "package_size",
    "package_ounces",
    "average_price",
    "lowest_price",
    "highest_price",
    "latest_price",
    "base_price",
    "discount_depth",
    "coupon_share",
    "cost",
    "margin",
    "price_per_ounce",
    "category_median_price",
    "price_to_category_median",
    "units_sold",
    "sales_value",
    "baskets",
    "households",
    "stores_sold",
    "weeks_sold",
    "weeks_since_sold",
    "display_weeks",
    "mailer_weeks",
)
