"""A row is judged the same whoever its neighbours are, and wherever a portion begins."""

from datetime import UTC
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulefarm.batch.frames import TableRow, checked_header, frames_of
from rulefarm.batch.source_options import Progress, SourceOptions
from tasks.text_typing import typed_columns, typed_value
from tests.engine.effort import cases
from tests.tasks.judging import SHOP, judge_frames

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**19), 10**19),
    st.integers(-3, 60),
    st.floats(),
    st.sampled_from([0.1 + 0.2, 0.7, 41.5, 9.5]),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=0, max_value=60, places=2),
    st.text(max_size=5),
    st.sampled_from(["9.50", "new", "DELI", "true", "", " ", "2026-11-01"]),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.sampled_from(["new", 7, None]), max_size=3),
    st.dictionaries(st.just("size"), st.sampled_from([42, "XL", 1.5]), max_size=1),
    st.binary(max_size=2),
)
FIELDS = [name for name in SHOP.schema.facts["Product"].fields if name != "sku"]


def judge_values(names: list[str], rows: list[list[Any]], form: str, size: int) -> list[tuple[Any, ...]]:
    header = checked_header(["sku", *names], Path("x"), SourceOptions(), Progress())
    values = iter(TableRow([f"p{n}", *row]) for n, row in enumerate(rows))
    judged = judge_frames(SHOP, form, list(frames_of(header, values, size, Progress())), size)
    return [(v.subject, v.outcome, v.fired, v.reasons, v.changes, v.facts_digest) for v in judged]


@settings(max_examples=cases(60), deadline=None)
@given(st.data(), st.sampled_from(["columns", "text"]))
def test_a_row_is_judged_the_same_whoever_its_neighbours_are(data: st.DataObject, form: str) -> None:
    names = data.draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4, unique=True))
    rows = data.draw(st.lists(st.lists(VALUES, min_size=len(names), max_size=len(names)), min_size=2, max_size=6))
    # Enough rows for the columnar pass, which a portion of seven or of one has not.
    rows = [rows[n % len(rows)] for n in range(40)]
    together = judge_values(names, rows, form, 1000)
    assert [one[0] for one in together] == [f"p{n}" for n in range(40)]
    assert judge_values(names, rows, form, 7) == together
    assert judge_values(names, rows, form, 1) == together


@pytest.mark.parametrize("blank", ["\x1c", "\x1f", "\x85", "\xa0", "\u2003", "\u3000", "\u200b", "\ufeff"])
def test_what_is_blank_is_blank_by_row_and_by_column(blank: str) -> None:
    field = SHOP.schema.facts["Product"].fields["price"]
    for text in (blank, f"{blank}9.5", f"9.5{blank}"):
        columns, odd = typed_columns(pl.DataFrame({"price": [text]}), {"price": field})
        assert odd.get(0, {}).get("price", columns["price"][0]) == typed_value(text, field)
