"""The payments are the real baskets in the order of time, and what is known of a household is of the time before."""

from datetime import datetime

import polars as pl
import pytest

from examples.areas import build_areas
from examples.orders import sum_baskets
from examples.payments import DEFAULT_PAYMENTS, Payments, build_payments


@pytest.fixture(scope="module")
def built() -> Payments:
    return build_payments()


@pytest.fixture(scope="module")
def baskets() -> pl.DataFrame:
    return sum_baskets()


def test_the_payments_are_the_newest_baskets(built: Payments, baskets: pl.DataFrame) -> None:
    payments = built.payments.unnest("Payment")
    newest = baskets.tail(DEFAULT_PAYMENTS)
    assert payments["payment_id"].to_list() == newest["basket_id"].cast(pl.String).to_list()
    assert payments["card"].to_list() == newest["household_id"].cast(pl.String).to_list()
    assert payments["at"].is_sorted()
    due = newest["total"].sum() - newest["coupon_total"].sum()
    assert round(payments["amount"].sum() * 100) == due
    assert (payments["amount"] >= payments["fuel"] - 0.001).sum() >= 0.99 * len(payments)
    assert payments["card"].n_unique() == 2_194


def test_nothing_is_known_that_is_not_past(built: Payments, baskets: pl.DataFrame) -> None:
    first = datetime.fromisoformat(built.payments.unnest("Payment")["at"][0]).replace(tzinfo=None)
    before = baskets.filter(pl.col("transaction_timestamp") < first)
    assert len(before) == len(baskets) - DEFAULT_PAYMENTS
    known = dict(built.households.select("household_id", "payments").iter_rows())
    counted = before.group_by(pl.col("household_id").cast(pl.String)).len()
    assert known == dict(counted.iter_rows())
    one = built.households.row(by_predicate=pl.col("household_id") == "69", named=True)
    own = before.filter(pl.col("household_id") == 69)
    due = (own["total"] - own["coupon_total"]) / 100
    assert one["usual_amount"] == round(due.median() or 0, 2)
    assert one["largest_amount"] == due.max()
    assert 0 <= one["days_silent"] <= one["days_known"]


def test_stores_that_share_customers_are_of_one_area() -> None:
    visits = {
        # Two stores with the same customers; a third that shares half of its own with the second; a fourth for itself.
        10: [1, 2, 3, 4, 1, 2],
        11: [1, 2, 3, 4],
        12: [3, 20],
        13: [30, 31, 32, 33, 4],
    }
    rows = [{"store_id": store, "household_id": one} for store, shoppers in visits.items() for one in shoppers]
    for frame in (pl.DataFrame(rows), pl.DataFrame(rows[::-1])):
        assert build_areas(frame).to_dicts() == [
            {"store_id": 10, "area": "10"},
            {"store_id": 11, "area": "10"},
            {"store_id": 12, "area": "10"},
            {"store_id": 13, "area": "13"},
        ]


def test_areas_are_few_and_households_keep_to_theirs(built: Payments, baskets: pl.DataFrame) -> None:
    areas = build_areas(baskets.head(-DEFAULT_PAYMENTS))
    assert 20 <= areas["area"].n_unique() <= 60
    assert (built.households["home_share"] >= 0.5).mean() > 0.9  # type: ignore[operator]
    payments = built.payments.unnest("Payment")
    assert payments["area"].null_count() < 50
