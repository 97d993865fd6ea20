"""A source is read in portions, in order, each row with its subject; what can't be read is refused with its place."""

import json
import os
import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, text

from rulefarm.batch import (
    SUBJECT_COLUMN,
    BatchTerms,
    SourceOptions,
    decode,
    encode,
    is_source,
    open_source,
    record_batch,
)
from rulefarm.database import connect
from rulefarm.errors import SettingsError, SourceRejected
from rulefarm.limits import MAX_CHUNK_BYTES
from rulefarm.settings import Settings

ROWS = [{"sku": f"p{n}", "price": n / 4} for n in range(1050)]


def write(folder: Path, form: str) -> Path:
    path = folder / f"products.{form}"
    if form == "csv":
        pl.DataFrame(ROWS).write_csv(path)
    elif form == "parquet":
        # Row groups that no chunk fits.
        pl.DataFrame(ROWS).write_parquet(path, row_group_size=137)
    else:
        path.write_text("\ufeff" + "\n\n".join(json.dumps(row) for row in ROWS))
    return path


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_portions_are_whole_and_in_order(tmp_path: Path, form: str) -> None:
    portions = list(open_source(write(tmp_path, form), rows=100).portions)
    assert [len(portion) for portion in portions] == [100] * 10 + [50]
    subjects = [subject for portion in portions for subject in portion[SUBJECT_COLUMN]]
    assert subjects == [row["sku"] for row in ROWS]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl.gz", "a.parquet", "a.xlsx", "a.sql"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(SourceRejected, match="is a pipe or a device, and no file"):
        open_source(tmp_path / name, rows=10)


@pytest.mark.parametrize("ending", [".csv", ".jsonl.gz", ".parquet", ".xlsx", ".sql"])
@pytest.mark.parametrize("name", ["n" * 5_000, "n\0", "no-folder/n"], ids=["long", "nul", "nowhere"])
def test_a_name_that_no_file_has_is_refused_as_a_source_that_is_not_there(
    tmp_path: Path, name: str, ending: str
) -> None:
    assert is_source(name + ending)
    with pytest.raises(SourceRejected) as caught:
        list(open_source(tmp_path / (name + ending), rows=10, database_url="sqlite://").portions)
    assert (caught.value.code, caught.value.may_pass) == ("unreadable-source", True)


def test_a_subject_may_be_any_text(settings: Settings, tmp_path: Path) -> None:
    subjects = ['a"b', "a,b", "a\nb", "a\r\nb", "\\.", "\\N", " ", "'; drop table subjects; --", "ä", "\U0001f600"]
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(json.dumps({"sku": subject}) + "\n" for subject in subjects))
    batch, _ = record_batch(connect(settings), settings, "pricing", path, free_slots=0)
    assert batch.rows == len(subjects)
    path.write_text("".join(json.dumps({"sku": subject}) + "\n" for subject in [*subjects, "\\."]))
    with pytest.raises(SourceRejected, match="rows 5 and 11 name the same subject"):
        record_batch(connect(settings), settings, "pricing", path, free_slots=0)


def test_a_batch_under_a_known_key_is_not_read_again(settings: Settings, tmp_path: Path) -> None:
    path, engine, settings = write(tmp_path, "csv"), connect(settings), replace(settings, chunk_rows=1000)
    first, _ = record_batch(engine, settings, "pricing", path, terms=BatchTerms(key="nightly"), free_slots=100)
    path.unlink()
    again, messages = record_batch(engine, settings, "pricing", path, terms=BatchTerms(key="nightly"), free_slots=100)
    assert again == first
    assert len(messages) == first.chunks == 2


def test_a_flaw_in_the_last_row_leaves_that_it_failed_and_no_chunk(
    settings: Settings, database: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*ROWS, {"price": 1}]))
    with pytest.raises(SourceRejected, match="row 1051 names no subject"):
        record_batch(connect(settings), settings, "pricing", path, free_slots=0)
    with database.connect() as connection:
        rows = connection.execute(text("select state, records, code, rows, chunks from batches")).all()
        assert [tuple(row) for row in rows] == [("failed", 1051, "bad-subject", 0, 0)]
        assert connection.execute(text("select count(*) from chunks")).scalar() == 0


def test_big_rows_make_small_chunks_and_one_too_big_is_named() -> None:
    frame = pl.DataFrame({SUBJECT_COLUMN: [f"p{n}" for n in range(7)], "text": ["x" * (MAX_CHUNK_BYTES // 3)] * 7})
    chunks = list(encode(frame, 1000))
    assert [rows for rows, _ in chunks] == [2, 2, 2, 1]
    assert pl.concat([decode(facts) for _, facts in chunks]).equals(frame)
    with pytest.raises(SourceRejected, match="the row of 'p0' takes") as caught:
        list(encode(pl.DataFrame({SUBJECT_COLUMN: ["p0"], "text": ["x" * MAX_CHUNK_BYTES]}), 1000))
    assert caught.value.code == "row-too-large"


TOO_MUCH: list[tuple[str, str, str]] = [
    ("wide.csv", ",".join(f"c{n}" for n in range(1001)) + "\n", "too-many-fields"),
    ("name.csv", "sku," + "n" * 201 + "\na,1\n", "bad-name"),
    ("long.jsonl", json.dumps({"sku": "a", "text": "x" * 100_001}), "text-too-long"),
    ("endless.jsonl", " " * 16_000_001, "facts-too-large"),
    ("deep.jsonl", '{"sku": "a", "x": ' + "[" * 100_000, "too-deep"),
    ("nul.jsonl", '{"sku": "a\\u0000"}', "bad-text"),
    ("key.jsonl", json.dumps({"sku": "x" * 201}), "bad-subject"),
    ("twice.jsonl", '{"sku": "a", "sku": "b"}', "duplicate-name"),
    ("number.jsonl", '{"sku": "a", "x": 1e400}', "bad-number"),
]


@pytest.mark.parametrize(("name", "content", "code"), TOO_MUCH, ids=[case[0] for case in TOO_MUCH])
def test_what_is_over_a_limit_is_refused_with_its_place(tmp_path: Path, name: str, content: str, code: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SourceRejected) as caught:
        list(open_source(path, rows=100).portions)
    assert caught.value.code == code
    assert str(path) in caught.value.message


def query(folder: Path, sql: str) -> Path:
    path = folder / "query.sql"
    path.write_text(sql)
    return path


def test_a_query_is_a_source(settings: Settings, tmp_path: Path) -> None:
    path = query(
        tmp_path,
        "-- those of: this year\n"
        "select n::bigint as id, (n / 4.0)::numeric(10, 2) as price, n::float8 as cost, n % 2 = 0 as sold_out,"
        " case when n > 500 then 'toys' end as category, date '2026-03-01' as since,"
        " case when n > 100 then '5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266'::uuid end as shop"
        " from generate_series(1, 1050) as n order by n;\n",
    )
    source = open_source(path, rows=100, database_url=settings.database_url)
    portions = list(source.portions)
    assert source.form == "columns"
    assert [len(portion) for portion in portions] == [100] * 10 + [50]
    assert portions[10].row(49, named=True) == {
        "id": 1050,
        "price": 262.5,
        "cost": 1050.0,
        "sold_out": True,
        "category": "toys",
        "since": date(2026, 3, 1),
        "shop": "5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266",
        SUBJECT_COLUMN: "1050",
    }
    options = SourceOptions(subject="id")
    batch, _ = record_batch(connect(settings), _asking(settings), "pricing", path, options=options, free_slots=0)
    assert (batch.rows, batch.source) == (1050, str(path))


def _asking(settings: Settings) -> Settings:
    values: dict[str, Any] = {name: getattr(settings, name) for name in ("home", "broker_url", "database_url")}
    return Settings(**values, source_url=settings.database_url)


def test_any_database_that_sqlalchemy_knows_can_be_asked(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table product (sku text, price real, seen timestamp)")
        connection.executemany("insert into product values (?, ?, null)", [(row["sku"], row["price"]) for row in ROWS])
    path = query(tmp_path, "select sku, price, seen from product where sku like 'p%' order by rowid")
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    portions = list(open_source(path, rows=500, database_url=url).portions)
    assert pl.concat(portions).select("sku", "price").rows(named=True) == ROWS


@pytest.mark.parametrize(
    ("sql", "url", "code", "said"),
    [
        ("select 1", None, "no-source-database", "RULEFARM_SOURCE_URL"),
        ("select 1", "no url", "bad-url", "RULEFARM_SOURCE_URL is no URL"),
        ("select 1", "nosuchsql://localhost/x", "unreadable-source", "nosuchsql"),
        ("select 1", "postgresql://nobody:secret@127.0.0.1:1/none", "unreadable-source", "127.0.0.1"),
        ("selec 1", "own", "unreadable-source", "syntax error"),
        ("select 1 as sku where false", "own", "empty-source", "no rows"),
        ("select null::text as sku", "own", "bad-subject", "row 1 names no subject"),
        ("create table x (n int)", "own", "unreadable-source", "syntax error"),
        ("select 1 as a, 2 as a", "own", "doubled-column", "'a' twice"),
    ],
)
def test_a_query_that_gives_no_rows_is_refused(
    settings: Settings, tmp_path: Path, sql: str, url: str | None, code: str, said: str
) -> None:
    path = query(tmp_path, sql)
    database_url = settings.database_url if url == "own" else url
    with pytest.raises((SourceRejected, SettingsError)) as caught:
        list(open_source(path, rows=100, database_url=database_url).portions)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
