"""A row's digest, made by columns, is to the byte that of a single job with the same facts, and that of before."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulefarm import wire
from rulefarm.batch import APART_COLUMN, SUBJECT_COLUMN, Apart
from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_FIELDS, MAX_ITEMS, MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from tasks.chunk_rows import ChunkRows, read_rows
from tasks.facts_digests import document_digest, facts_digests
from tests.tasks.judging import SHOP, judge_frames
from tests.tasks.typed_columns import KINDS, column

#: What the release before gave.
RECORDED = json.loads((Path(__file__).parent / "cases" / "facts_digests.json").read_text("utf-8"))


def read(columns: list[pl.Series], rows: int, apart: dict[int, Apart] | None = None) -> ChunkRows:
    beside = [apart[row].to_text() if apart and row in apart else None for row in range(rows)]
    own = [pl.Series(SUBJECT_COLUMN, [f"s{row}" for row in range(rows)]), pl.Series(APART_COLUMN, beside, pl.String)]
    return read_rows(pl.DataFrame([*own, *columns]), "columns", SHOP.schema)


def digests(rows: ChunkRows) -> list[str]:
    """The digests by columns, which are those of the rows one by one."""
    found = facts_digests(rows, SHOP.schema.subject)
    assert found == [document_digest(document) for document in rows.documents]
    for digest, document in zip(found, rows.documents, strict=True):
        try:
            alone = wire.digest(wire.canonical(document))
        except JobRejected:
            continue
        assert digest == alone
    return found


@pytest.mark.parametrize("recorded", RECORDED["columns"], ids=lambda recorded: recorded["kind"])
def test_digests_are_those_on_record(recorded: dict[str, Any]) -> None:
    texts = [row["value"] for row in recorded["rows"]]
    rows = read([column("x", recorded["kind"], texts)], len(texts))
    assert digests(rows) == [row["digest"] for row in recorded["rows"]]


def test_digests_of_nested_values_and_odd_names_are_those_on_record() -> None:
    columns = {
        "b": [{"z": 7.0, "a": [1.0, 2.5, None]}, {"z": 1e16, "a": []}, None, {"z": float("nan"), "a": None}],
        "é": ["x", None, "y", "z"],
        "Z": [True, None, False, True],
        "a%s": [1, 2, 3, 10**15],
        'q"': ["1", "2", "3", "4"],
    }
    assert digests(read([pl.Series(name, values) for name, values in columns.items()], 4)) == RECORDED["nested"]


_TEXT = st.text(max_size=6) | st.sampled_from(["\x00", "\\u0000", "\x1f", "é", "\U0001f600", '"%s"', "\u2028"])
_STORABLE = _TEXT.filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text))
_WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([10**15 - 1, 10**15, -(10**15), 2**53 + 1])
_FLOAT = st.floats() | st.integers(-(10**17), 10**17).map(float) | st.decimals(-1000, 1000, places=2).map(float)
_NESTED = pl.Struct({"é": pl.Float64, "a": pl.List(pl.Struct({"%": pl.Int64, "": pl.String})), "d": pl.Date})
_LINE = st.fixed_dictionaries({"%": st.none() | _WHOLE, "": st.none() | _STORABLE})
_ONE = st.fixed_dictionaries(
    {
        "é": st.none() | _FLOAT,
        "a": st.none() | st.lists(st.none() | _LINE, max_size=3),
        "d": st.none() | st.dates(),
    }
)
_COLUMNS = st.sampled_from(
    [
        (pl.Float64, _FLOAT),
        (pl.Float32, st.floats(width=32)),
        (pl.Int64, _WHOLE),
        (pl.Int16, st.integers(-(2**15), 2**15 - 1)),
        (pl.UInt64, st.integers(0, 2**64 - 1)),
        (pl.Boolean, st.booleans()),
        (pl.String, _STORABLE),
        (pl.Categorical, _STORABLE),
        (pl.Binary, st.binary(max_size=3)),
        (pl.Date, st.dates()),
        (pl.Datetime("us", "Europe/Berlin"), st.datetimes(min_value=datetime(1, 1, 3), timezones=st.just(UTC))),
        (pl.Decimal(20, 3), st.decimals(-(10**16), 10**16, places=3)),
        (pl.List(pl.Float64), st.lists(st.none() | _FLOAT, max_size=3)),
        (pl.Array(pl.Int64, 2), st.lists(_WHOLE, min_size=2, max_size=2)),
        (_NESTED, _ONE),
        (pl.List(_NESTED), st.lists(st.none() | _ONE, max_size=2)),
    ]
)
_NAME = _STORABLE | st.sampled_from(
    ["n" * MAX_NAME_CHARACTERS, "n" * (MAX_NAME_CHARACTERS + 1), "\uffff", "\U00010000"]
)


@given(data=st.data())
def test_by_columns_and_one_by_one_are_the_same(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 5))
    columns = []
    for name in data.draw(st.lists(_NAME, max_size=4, unique=True)):
        dtype, value = data.draw(_COLUMNS)
        values = data.draw(st.lists(st.none() | value, min_size=rows, max_size=rows))
        columns.append(pl.Series(name, values, dtype, strict=False))
    apart = {0: Apart({"beside": 7.0})} if data.draw(st.booleans()) else {}
    digests(read(columns, rows, apart))


def test_columns_that_are_whole_facts_are_the_same() -> None:
    fact = SHOP.schema.subject
    values = [{"price": 7.0, "name": "x"}, None, {"price": float("inf"), "name": "\x00"}, {"price": 0.1, "name": None}]
    rows = read([pl.Series(fact, values, pl.Struct({"price": pl.Float64, "name": pl.String}))], 4)
    assert rows.is_whole
    assert len(set(digests(rows))) == 4


def test_what_is_over_a_limit_is_the_same() -> None:
    long = ["x" * MAX_TEXT_CHARACTERS, "x" * (MAX_TEXT_CHARACTERS + 1), "é" * MAX_TEXT_CHARACTERS]
    digests(read([pl.Series("x", long)], 3))
    digests(read([pl.Series("x", [[1] * MAX_ITEMS, [1] * (MAX_ITEMS + 1), []])], 3))
    digests(read([pl.Series(f"f{n}", [n]) for n in range(MAX_FIELDS)], 1))
    digests(read([pl.Series(f"f{n}", [n]) for n in range(MAX_FIELDS + 1)], 1))
    digests(read([pl.Series(f"f{n}", ["y" * 99_000]) for n in range(12)], 1))
    for depth in (29, 30, 31):
        value: Any = 7.0
        for _ in range(depth):
            value = [value]
        digests(read([pl.Series("x", [value])], 1))


def test_the_kinds_on_record_are_all_that_a_source_has() -> None:
    assert {recorded["kind"] for recorded in RECORDED["columns"]} == KINDS.keys()


def test_an_id_is_the_uuid5_of_batch_and_subject() -> None:
    subjects = ["7", "é", "x" * 200, "\U0001f600", " "]
    frame = pl.DataFrame({SUBJECT_COLUMN: subjects, "price": [1.0] * len(subjects)})
    judged = judge_frames(SHOP, "columns", [frame], 100)
    assert [verdict.id for verdict in judged] == [uuid.uuid5(uuid.UUID(int=7), subject) for subject in subjects]
