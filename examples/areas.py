"""Which stores belong together.  baskets -> [areas] -> payments

The data does not say where a store stands, but it says who shops in it, and people shop near home. So a store belongs
to the busier store with which it shares the most households, if that is a quarter of its own or more, and that one to a
busier one in turn; the last of such a chain gives the area its name. An area is thus a set of stores between which
customers come and go: few households go to two areas, and more is not said about how far apart they are. Looks at
nothing but the baskets it is given, and gives the same areas for the same baskets."""

import polars as pl

#: Part of a store's households that it shares with a busier one to belong to it.
SHARED = 0.25


def build_areas(baskets: pl.DataFrame) -> pl.DataFrame:
    """The area of every store.

    Args:
        baskets: with `store_id` and `household_id`; one row a basket.

    Returns:
        `store_id` and `area`, as text: the number of the area's busiest store.
    """
    visits = baskets.group_by("store_id", "household_id").len()
    stores = visits.group_by("store_id").agg(pl.len().alias("households"), pl.col("len").sum().alias("baskets"))
    pairs = visits.join(visits, on="household_id", suffix="_other").filter(
        pl.col("store_id") != pl.col("store_id_other")
    )
    shared = pairs.group_by("store_id", "store_id_other").agg(pl.len().alias("shared"))
    both = shared.join(stores, on="store_id").join(
        stores, left_on="store_id_other", right_on="store_id", suffix="_other"
    )
    # Of equally busy ones the lower number comes first: without an order among all stores a chain could be a loop.
    busier = (pl.col("baskets_other") > pl.col("baskets")) | (
        (pl.col("baskets_other") == pl.col("baskets")) & (pl.col("store_id_other") < pl.col("store_id"))
    )
    nearest = (
        both.filter(busier & (pl.col("shared") >= pl.col("households") * SHARED))
        .sort("shared", "baskets_other", "store_id_other", descending=[True, True, False])
        .unique("store_id", keep="first", maintain_order=True)
    )
    belongs = dict(nearest.select("store_id", "store_id_other").iter_rows())
    names = sorted(stores["store_id"])
    areas = [str(_last(store, belongs)) for store in names]
    return pl.DataFrame({"store_id": names, "area": areas}, schema={"store_id": pl.Int64, "area": pl.String})


def _last(store: int, belongs: dict[int, int]) -> int:
    while store in belongs:
        store = belongs[store]
    return store
