"""A time of day or a duration of a source is what stands there, as a text, a cell or a column of its own kind."""

import json
import sqlite3
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulefarm.batch import SourceOptions, open_source
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset, load_domain
from tests.tasks.judging import answers, judge, judge_frames, workbook, written

#: What is sent, and what is said of it.
SENT: dict[str, tuple[str | None, str | None, str, list[str]]] = {
    "A1": ("08:00", "PT1H30M", "review", ["08:00:00 PT1H30M"]),
    "A2": ("17:59:59.5", "P1DT1H30M", "review", ["17:59:59.500000 P1DT1H30M"]),
    "A3": ("18:00", "PT90M", "accept", []),
    "A4": ("24:00", "PT90M", "error", ["Order.at is no time of day (00:00 to 23:59:59.999999 expected): '24:00'"]),
    "A5": (None, "PT90M", "accept", []),
    "A6": ("09:00", "PT59M", "accept", []),
}
WANTED = [(id_, outcome, said) for id_, (_, _, outcome, said) in SENT.items()]


@pytest.fixture
def shop(tmp_path: Path) -> LoadedRuleset:
    folder = tmp_path / "rulesets" / "slots"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(
        'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = { kind = "text", required = true }\n'
        'at = { kind = "time" }\ntook = { kind = "duration" }\n'
    )
    (folder / "rules.grl").write_text(
        'rule Late { when Order.at < "18:00" && Order.took >= "PT1H" then Review(Order.at + " " + Order.took); }'
    )
    return load_domain(tmp_path / "rulesets", "slots")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_texts_mean_the_same_in_every_source(name: str, shop: LoadedRuleset, tmp_path: Path) -> None:
    rows = [{"id": id_, "at": at, "took": took} for id_, (at, took, _, _) in SENT.items()]
    path = tmp_path / name
    if name.endswith("csv"):
        lines = "".join(f"{row['id']},{row['at'] or ' '},{row['took']}\n" for row in rows)
        written(tmp_path, name, "id,at,took\n" + lines)
    elif name.endswith("jsonl"):
        written(tmp_path, name, "".join(json.dumps(row) + "\n" for row in rows))
    else:
        pl.DataFrame(rows).write_parquet(path)
    assert answers(judge(path, loaded=shop)) == WANTED


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_columns_of_parquet(unit: Any, shop: LoadedRuleset, tmp_path: Path) -> None:
    took = pl.Series([timedelta(minutes=90), timedelta(hours=2), None], dtype=pl.Duration(unit))
    at = [time(8), time(18), time(9)]
    pl.DataFrame({"id": ["A1", "A2", "A3"], "at": at, "took": took}).write_parquet(tmp_path / "a.parquet")
    found = answers(judge(tmp_path / "a.parquet", loaded=shop))
    assert found == [("A1", "review", ["08:00:00 PT1H30M"]), ("A2", "accept", []), ("A3", "accept", [])]


def test_a_duration_too_long_for_python_is_the_error_of_its_row(shop: LoadedRuleset, tmp_path: Path) -> None:
    took = pl.Series([2**62, 5_400_000, -(2**62)], dtype=pl.Int64).cast(pl.Duration("ms"))
    frame = pl.DataFrame({"id": ["A1", "A2", "A3"], "at": [time(8)] * 3, "took": took})
    frame.write_parquet(tmp_path / "a.parquet")
    assert answers(judge(tmp_path / "a.parquet", loaded=shop)) == [
        ("A1", "error", ["Order.took is a duration out of range"]),
        ("A2", "review", ["08:00:00 PT1H30M"]),
        ("A3", "error", ["Order.took is a duration out of range"]),
    ]


def test_cells_of_a_workbook(shop: LoadedRuleset, tmp_path: Path) -> None:
    book = workbook(
        tmp_path / "a.xlsx",
        ["id", "at", "took"],
        ["A1", time(8), timedelta(hours=25, minutes=30)],
        ["A2", "08:00", "PT2H"],
        ["A3", time(19), timedelta(hours=2)],
    )
    book.active["C2"].number_format = book.active["C4"].number_format = "[h]:mm"
    book.save(tmp_path / "a.xlsx")
    assert answers(judge(tmp_path / "a.xlsx", loaded=shop)) == [
        ("A1", "review", ["08:00:00 P1DT1H30M"]),
        ("A2", "review", ["08:00:00 PT2H"]),
        ("A3", "accept", []),
    ]


def test_rows_of_a_query(shop: LoadedRuleset, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table orders (id text, at text, took text)")
        rows = [(id_, at, took) for id_, (at, took, _, _) in SENT.items()]
        connection.executemany("insert into orders values (?, ?, ?)", rows)
    query = written(tmp_path, "q.sql", "select id, at, took from orders order by id")
    source = open_source(query, SourceOptions(), rows=100, database_url=f"sqlite:///{tmp_path / 'a.db'}")
    assert answers(judge_frames(shop, source.form, list(source.portions), 100)) == WANTED


def test_intervals_of_postgres(settings: Settings, shop: LoadedRuleset, tmp_path: Path) -> None:
    sql = (
        "select * from (values ('A1', time '08:00', interval '1 day 90 minutes'), ('A2', '09:00', '1 month'),"
        " ('A3', '09:00', '-1 hour'), ('A4', '09:00', '1 year 2 days')) as t(id, at, took)"
    )
    source = open_source(written(tmp_path, "q.sql", sql), SourceOptions(), rows=100, database_url=settings.database_url)
    assert answers(judge_frames(shop, source.form, list(source.portions), 100)) == [
        ("A1", "review", ["08:00:00 P1DT1H30M"]),
        ("A2", "error", ["Order.took is no duration of days and what is shorter: '1 mon'"]),
        ("A3", "accept", []),
        ("A4", "error", ["Order.took is no duration of days and what is shorter: '1 year 2 days'"]),
    ]
