"""A row of a query is judged by its own values, of whatever kinds; what the driver can't read costs its row alone."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from rulefarm.batch import SourceOptions, open_source
from rulefarm.errors import SourceRejected
from rulefarm.settings import Settings
from tests.tasks.judging import SHOP, answers, judge_frames, written

Answers = list[tuple[str, str, list[str]]]


def asked(folder: Path, sql: str, url: str | None, rows: int = 1000) -> Answers:
    source = open_source(written(folder, "query.sql", sql), SourceOptions(), rows=rows, database_url=url)
    return answers(judge_frames(SHOP, source.form, list(source.portions), rows))


CASES: list[tuple[str, str, Answers]] = [
    (
        "a jsonb number beside a jsonb text",
        "select * from (values ('J1', 3, 2, '{\"size\": 42}'::jsonb), ('J2', 3, 2, '{\"size\": \"XL\"}'))"
        " as t(sku, price, cost, attrs)",
        [("J1", "reject", ["size 42"]), ("J2", "accept", [])],
    ),
    (
        "numeric NaN and infinity",
        "select * from (values ('N1', 'NaN'::numeric, 1::float8), ('N2', 1, 'NaN'), ('N3', 'Infinity', 1),"
        " ('N4', 1, 2)) as t(sku, price, cost)",
        [
            ("N1", "error", ["Product.price is not a finite number: NaN"]),
            ("N2", "error", ["Product.cost is not a finite number: nan"]),
            ("N3", "error", ["Product.price is not a finite number: Infinity"]),
            ("N4", "reject", ["price 1 under cost 2"]),
        ],
    ),
    (
        "dates before the year 1, and after 9999",
        "select * from (values ('D1', timestamptz '0044-03-15 BC', null::timestamptz), ('D2', null, '12000-01-01'),"
        " ('D3', '2026-11-01', '2026-12-24 12:00+01')) as t(sku, special_from, special_to)",
        [
            (
                "D1",
                "error",
                ["Product.special_from is no date between the years 1 and 9999: '0044-03-15 00:00:00+00 BC'"],
            ),
            ("D2", "error", ["Product.special_to is no date between the years 1 and 9999: '12000-01-01 00:00:00+00'"]),
            (
                "D3",
                "review",
                ["no price", "special runs from 2026-11-01T00:00:00+00:00 to 2026-12-24T11:00:00+00:00"],
            ),
        ],
    ),
    (
        "dates without an end",
        "select * from (values ('D1', timestamptz 'infinity', date '2026-12-24'), ('D2', '-infinity', null),"
        " ('D3', null, 'infinity'), ('D4', null, null)) as t(sku, special_from, special_to)",
        [
            ("D1", "error", ["Product.special_from is no date between the years 1 and 9999: 'infinity'"]),
            ("D2", "error", ["Product.special_from is no date between the years 1 and 9999: '-infinity'"]),
            ("D3", "error", ["Product.special_to is no date between the years 1 and 9999: 'infinity'"]),
            ("D4", "review", ["no price"]),
        ],
    ),
    (
        "days and moments without a zone",
        "select 'D1' as sku, 1 as price, date '0001-01-01 BC' as special_from, timestamp '0044-03-15 BC' as special_to",
        [
            (
                "D1",
                "error",
                [
                    "Product.special_from is no date between the years 1 and 9999: '0001-01-01 BC'; "
                    "Product.special_to is no date between the years 1 and 9999: '0044-03-15 00:00:00 BC'"
                ],
            )
        ],
    ),
    (
        "mixed lists",
        "select * from (values ('L1', 1, '[1, {\"a\": 2}]'::jsonb), ('L2', 1, '[1, \"new\"]'), ('L3', 1, '[]'),"
        " ('L4', 1, '{\"a\": 1}')) as t(sku, price, tags)",
        [
            ("L1", "accept", []),
            ("L2", "review", ["tagged new"]),
            ("L3", "accept", []),
            ("L4", "error", ["Product.tags has to be a list, and is an object"]),
        ],
    ),
    (
        "lists of Postgres, with what Python has no date for in one",
        "select * from (values ('L1', 1, array['old', null, 'new'], null::date[]),"
        " ('L2', 1, null, array[date '0044-03-15 BC'])) as t(sku, price, tags, size)",
        [
            ("L1", "review", ["tagged new"]),
            ("L2", "error", ["Product.size has an item that is no date between the years 1 and 9999: '0044-03-15 BC'"]),
        ],
    ),
    (
        "padding of char(n) goes, other spaces stay",
        "select 'A1 '::char(9) as sku, 1 as price, 'DELI'::char(20) as category, 'x  '::varchar as name"
        " union all select 'A2', 1, null, null union all select 'A3', 1, 'DELI x', 'DELI ' order by 1",
        [("A1", "review", ["deli"]), ("A2", "accept", []), ("A3", "accept", [])],
    ),
    (
        "whole numbers in fields of text are their digits, however long",
        "select * from (values (4006381333931::bigint, 1, 4006381333931234567::bigint, 1.0::numeric),"
        " (2, 1, null, 0.5)) as t(sku, price, barcode, category)",
        [("4006381333931", "accept", []), ("2", "error", ["Product.category has to be a text, and is a number: 0.5"])],
    ),
    (
        "float sums, short floats, decimals with zeros behind, decimals of too many digits",
        "select * from (values ('F1', 0.1::float8 + 0.2::float8, 0.3::numeric),"
        " ('F3', 1, 0.1234567890123456), ('F4', 1, 1.00000000000000000000)) as t(sku, price, cost)",
        [
            ("F1", "accept", []),
            ("F3", "error", ["Product.cost has more than 15 significant digits: 0.1234567890123456"]),
            ("F4", "accept", []),
        ],
    ),
    (
        "a short float means what it prints as",
        "select 'F2' as sku, 0.7::real as price, 0.7::numeric as cost",
        [("F2", "accept", [])],
    ),
    (
        "kinds that rules do not have, in a field and in a column that is none",
        "select 'K1' as sku, 1 as price, '\\x01'::bytea as name, '\\x02'::bytea as photo"
        " union all select 'K2', 1, null, '\\x02' union all select 'K3', 1, null, null order by 1",
        [
            ("K1", "error", ["Product.name is a memoryview, for which rules have no kind"]),
            ("K2", "accept", []),
            ("K3", "accept", []),
        ],
    ),
    (
        "a number in JSON that no float holds",
        "select 'K1' as sku, 1 as price, '{\"size\": 42.123456789012345678}'::jsonb as attrs",
        [
            (
                "K1",
                "error",
                ["Product.attrs can't be read: '42.123456789012345678' has more than 15 significant digits"],
            )
        ],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_row_of_postgres_is_judged_by_itself(settings: Settings, tmp_path: Path, sql: str, expected: Answers) -> None:
    assert asked(tmp_path, sql, settings.database_url) == expected
    assert asked(tmp_path, sql, settings.database_url, rows=1) == expected


def test_text_in_one_row_of_a_number_column_is_the_error_of_that_row(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        # sqlite keeps whatever it is given, whatever the column is called.
        connection.execute("create table product (sku text, price real, cost)")
        rows = [(f"p{n}", 9.5, 10 if n % 2 else 9.0) for n in range(50)] + [("odd", "n/a", 9), ("blob", b"\x00", 1)]
        connection.executemany("insert into product values (?, ?, ?)", rows)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    found = {one[0]: one[1:] for one in asked(tmp_path, "select * from product order by rowid", url)}
    assert found["odd"] == ("error", ["Product.price has to be a number, and is a text: 'n/a'"])
    assert found["blob"] == ("error", ["Product.price is a bytes, for which rules have no kind"])
    for n in range(50):
        assert found[f"p{n}"] == (("reject", ["price 9.5 under cost 10"]) if n % 2 else ("accept", []))


def test_text_of_any_letters_is_text(database: Engine, settings: Settings, tmp_path: Path) -> None:
    with database.begin() as connection:
        connection.execute(text("create table odd (sku text, price int, category text)"))
        connection.execute(text("insert into odd values ('Ä', 1, 'Café'), ('\U0001f600', 1, E'a\\tb')"))
    assert asked(tmp_path, 'select * from odd order by sku collate "C"', settings.database_url) == [
        ("Ä", "review", ["cafe"]),
        ("\U0001f600", "accept", []),
    ]


SEVERAL = [
    "select 'A' as sku; select 'B' as sku",
    "select 'A' as sku;;\n-- the rest\n; values (1)",
    "select 'A' as sku; x",
    "select E'\\\\' as sku; select ';'",
    "select $$;$$ as sku; select 1",
    "/* /* ' */ */ select 'A' as sku; select 1",
]
ONE = [
    ("select 'A' as sku", "A"),
    ("select 'A;B' as sku;", "A;B"),
    ("select 'A'';' as sku ; ; -- ; select 2\n", "A';"),
    ("select E'A\\';' as sku; /* ; ' select 2 /* */ ; */", "A';"),
    ("select $a$;'$a$ as sku", ";'"),
    ("select 'A' as sku, 1 as \";x\" -- it's one\n;", "A"),
    ("select 'A' as sku /* it's one; really */;\n", "A"),
    ("select 'A' as sku, '\\' as name; ", "A"),
    ("select 7 as sku from (select 1 as a$b$c) as t;", "7"),
]


@pytest.mark.parametrize("query", SEVERAL)
def test_a_file_holds_one_query(tmp_path: Path, settings: Settings, query: str) -> None:
    with pytest.raises(SourceRejected) as caught:
        asked(tmp_path, query, settings.database_url)
    assert caught.value.code == "several-queries"


@pytest.mark.parametrize(("query", "subject"), ONE)
def test_semicolons_elsewhere_end_nothing(tmp_path: Path, settings: Settings, query: str, subject: str) -> None:
    assert [one[0] for one in asked(tmp_path, query, settings.database_url)] == [subject]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_the_database_may_be_named_in_any_spelling_of_postgres(settings: Settings, tmp_path: Path, scheme: str) -> None:
    url = settings.require_database().replace("postgresql:", f"{scheme}:")
    assert asked(tmp_path, "select 'S1' as sku, 3 as price, 2 as cost", url) == [("S1", "accept", [])]
