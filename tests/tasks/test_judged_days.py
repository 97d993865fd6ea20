"""A date of a source is a day or a moment as it stands there, and means that in the zone of the domain."""

import json
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from rulefarm.batch import SourceOptions, open_source
from rulesets.loader import LoadedRuleset, load_domain
from tests.tasks.judging import answers, judge, judge_frames, workbook, written

#: What is sent, and whether it is over by the end of 30 November in Berlin.
SENT = {
    "A1": ("2026-11-30", True),
    "A2": ("2026-11-30T23:59:59", True),
    "A3": ("2026-11-30T22:59:59Z", True),
    "A4": ("2026-11-30T23:00:00Z", False),
    "A5": ("2026-12-01", False),
    "A6": ("2026-12-01T00:00:00+01:00", False),
}
WANTED = [(sku, "review" if over else "accept", [sent] * over) for sku, (sent, over) in SENT.items()]


@pytest.fixture
def shop(tmp_path: Path) -> LoadedRuleset:
    folder = tmp_path / "rulesets" / "offers"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(
        'subject = "Offer"\nkey = "sku"\ntimezone = "Europe/Berlin"\n[facts.Offer.fields]\n'
        'sku = { kind = "text", required = true }\nends = { kind = "date" }\n'
    )
    (folder / "rules.grl").write_text('rule Over { when Offer.ends <= "2026-11-30" then Review(Offer.ends); }')
    return load_domain(tmp_path / "rulesets", "offers")


def outcomes(found: list[tuple[str, str, list[str]]]) -> list[tuple[str, str]]:
    return [(sku, outcome) for sku, outcome, _ in found]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_text_dates_mean_the_same_in_every_source(name: str, shop: LoadedRuleset, tmp_path: Path) -> None:
    rows = [{"sku": sku, "ends": sent} for sku, (sent, _) in SENT.items()]
    if name.endswith("csv"):
        path = written(tmp_path, name, "sku,ends\n" + "".join(f"{row['sku']},{row['ends']}\n" for row in rows))
    elif name.endswith("jsonl"):
        path = written(tmp_path, name, "".join(json.dumps(row) + "\n" for row in rows))
    else:
        path = tmp_path / name
        pl.DataFrame(rows).write_parquet(path)
    assert outcomes(answers(judge(path, loaded=shop))) == outcomes(WANTED)


def test_columns_of_dates_and_of_clock_times_and_of_moments(shop: LoadedRuleset, tmp_path: Path) -> None:
    clock = [datetime(2026, 11, 30, 23, 59, 59), datetime(2026, 12, 1), None]
    moments = [datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC), None]
    days = [date(2026, 11, 30), date(2026, 12, 1), None]
    for column in (days, clock, moments):
        path = tmp_path / "a.parquet"
        pl.DataFrame({"sku": ["A1", "A2", "A3"], "ends": column}).write_parquet(path)
        found = outcomes(answers(judge(path, loaded=shop)))
        assert found == [("A1", "review"), ("A2", "accept"), ("A3", "accept")], column


def test_cells_of_a_workbook(shop: LoadedRuleset, tmp_path: Path) -> None:
    ends = [date(2026, 11, 30), datetime(2026, 11, 30, 23, 59), datetime(2026, 12, 1), "2026-11-30"]
    path = tmp_path / "a.xlsx"
    workbook(path, ["sku", "ends"], *([f"A{n}", one] for n, one in enumerate(ends)))
    found = outcomes(answers(judge(path, loaded=shop)))
    assert found == [("A0", "review"), ("A1", "review"), ("A2", "accept"), ("A3", "review")]


def test_rows_of_a_query(shop: LoadedRuleset, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table offers (sku text, ends text)")
        connection.executemany("insert into offers values (?, ?)", [(sku, sent) for sku, (sent, _) in SENT.items()])
    query = written(tmp_path, "q.sql", "select sku, ends from offers order by sku")
    source = open_source(query, SourceOptions(), rows=100, database_url=f"sqlite:///{tmp_path / 'a.db'}")
    assert outcomes(answers(judge_frames(shop, source.form, list(source.portions), 100))) == outcomes(WANTED)
