"""A frame is judged by columns where that costs less than judging its rows, and in the same way each time."""

import polars as pl
import pytest

from engine.columnar import FrameForm, lengths_of, pays, pays_whole


def products(rows: int, fields: int) -> pl.DataFrame:
    return pl.DataFrame({f"n{number}": [1.0] * rows for number in range(fields)})


def orders(rows: int, lines: int) -> pl.DataFrame:
    line = {f"n{number}": 1.0 for number in range(10)}
    order = {f"n{number}": 1.0 for number in range(30)}
    kinds = {
        "Order": pl.Struct(dict.fromkeys(order, pl.Float64)),
        "Line": pl.List(pl.Struct(dict.fromkeys(line, pl.Float64))),
    }
    return pl.DataFrame([{"Order": order, "Line": [line] * lines}] * rows, schema=kinds)


@pytest.mark.parametrize("fields", [1, 6, 30, 200])
def test_few_rows_are_judged_one_by_one_and_many_by_columns(fields: int) -> None:
    chosen = [pays(products(rows, fields)) for rows in range(150)]
    assert not any(chosen[:50])
    assert all(chosen[100:])
    assert sorted(chosen) == chosen


def pays_for(frame: pl.DataFrame, findings: int) -> bool:
    form = FrameForm(frame.columns, frame.dtypes)
    return pays_whole(len(frame), form, lengths_of(frame, form), findings)


def test_the_lines_of_orders_count_and_not_the_orders_alone() -> None:
    assert pays_for(orders(30, 100), 30)
    assert not pays_for(orders(30, 10), 30)
    assert pays_for(orders(200, 10), 30)
    assert not pays_for(orders(200, 1), 30)
    assert not pays_for(orders(200, 0), 30)
    assert pays_for(orders(2_000, 0), 30)


def test_more_that_is_found_out_takes_more_rows() -> None:
    assert pays_for(orders(160, 10), 0)
    assert not pays_for(orders(160, 10), 300)


@pytest.mark.parametrize(
    "column", [pl.Series("n", [], pl.Float64), pl.Series("l", [], pl.List(pl.Struct({"n": pl.Int8})))]
)
def test_an_empty_frame_is_not_worth_a_pass(column: pl.Series) -> None:
    assert not pays(pl.DataFrame([column]))
    assert not pays_for(pl.DataFrame([column]), 0)
    assert not pays(pl.DataFrame())


def test_lists_that_are_missing_have_no_lines() -> None:
    frame = orders(100, 10).with_columns(pl.lit(None, orders(1, 1).schema["Line"]).alias("Line"))
    assert not pays_for(frame, 30)
