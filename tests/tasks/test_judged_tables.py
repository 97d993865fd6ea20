"""Each cell of a table keeps its kind and its digits: parquet, workbooks, lines of JSON."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulefarm.batch import open_source
from rulefarm.errors import SourceRejected
from tests.shipped import shipped
from tests.tasks.judging import answers, judge, workbook, written

PRODUCTS = Path(__file__).parents[2] / "examples" / "products.csv"


def test_columns_of_parquet_mean_what_they_print_as(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "sku": pl.Series([1, 2, 3, 4], dtype=pl.Int64),
            "price": pl.Series([0.7, 0.1, None, 0.1 + 0.2], dtype=pl.Float32),
            "cost": pl.Series([Decimal("0.70"), Decimal("0.10"), None, Decimal("0.30")], dtype=pl.Decimal(38, 2)),
            "barcode": pl.Series([4006381333931.0, None, 1.5, 2.0]),
            "special_from": pl.Series([datetime(2026, 11, 1)] * 4, dtype=pl.Datetime("ns")),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert answers(judge(tmp_path / "a.parquet")) == [
        ("1", "accept", []),
        ("2", "accept", []),
        ("3", "error", ["Product.barcode has to be a text: 1.5"]),
        ("4", "accept", []),
    ]


def test_a_decimal_of_too_many_digits_costs_its_row_alone(tmp_path: Path) -> None:
    prices = [Decimal("9.50"), Decimal("1234567890.123456789"), Decimal("-0.000000001"), None]
    frame = pl.DataFrame(
        {"sku": list("abcd"), "price": pl.Series(prices, dtype=pl.Decimal(38, 9)), "cost": [10, 10, None, 10]}
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert answers(judge(tmp_path / "a.parquet")) == [
        ("a", "reject", ["price 9.5 under cost 10"]),
        ("b", "error", ["Product.price has more than 15 significant digits: 1234567890.123456789"]),
        ("c", "error", ["Product.price is below its minimum 0"]),
        ("d", "review", ["no price"]),
    ]


def test_a_value_of_parquet_that_cannot_be_kept_costs_its_row_alone(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sku": ["a", "b", "c"], "name": ["x", "\x00", None], "price": [float("nan"), 1.0, 2.0]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert answers(judge(tmp_path / "a.parquet")) == [
        ("a", "error", ["Product.price is not a finite number: nan"]),
        ("b", "error", ["Product.name can't be read: text with a NUL character"]),
        ("c", "accept", []),
    ]


def test_a_workbook_is_judged_as_its_cells_are(tmp_path: Path) -> None:
    workbook(
        tmp_path / "a.xlsx",
        [],
        ["sku ", "price", "cost", "category", "on_sale", "special_from", "special_to"],
        [4711, 9.5, 10, None, None, None, None],
        ["A2", "9.50", 10, "DELI", True, None, None],
        ["A3", 0.1 + 0.2, 0.3, " ", None, date(2026, 11, 1), datetime(2026, 12, 24, 12)],
        [None, None, None, None, None, None, None],
        ["A4", "nine", 1, 7, "maybe", None, None],
        ["A5", "=1+1", 1, None, "no", None, None],
        ["A6", "#N/A", 1, None, None, None, None],
        ["A7", 2, 1, None, None, None, None, "beyond"],
    )
    assert answers(judge(tmp_path / "a.xlsx")) == [
        ("4711", "reject", ["price 9.5 under cost 10"]),
        ("A2", "reject", ["price 9.5 under cost 10", "on sale", "deli"]),
        ("A3", "review", ["special runs from 2026-11-01 to 2026-12-24T12:00:00+00:00"]),
        (
            "A4",
            "error",
            [
                "Product.price has to be a number, and is a text: 'nine'; "
                "Product.on_sale has to be a boolean, and is a text: 'maybe'"
            ],
        ),
        (
            "A5",
            "error",
            ["Product.price is a formula without a result: open the file in a spreadsheet program and save it"],
        ),
        ("A6", "error", ["Product.price shows the error #N/A"]),
        ("A7", "error", ["cell H10 has a value, and its column no header"]),
    ]
    assert answers(judge(tmp_path / "a.xlsx", rows=1)) == answers(judge(tmp_path / "a.xlsx"))


def test_the_first_sheet_is_read_or_the_one_that_is_named(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", ["sku", "price"], ["A", 1])
    second = book.create_sheet("Old")
    second.append(["sku", "price"])
    second.append(["B", 1])
    book.create_sheet("Hidden", 0).sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    source = open_source(tmp_path / "a.xlsx", rows=10)
    assert [frame["sku"].to_list() for frame in source.portions] == [["A"]]
    assert source.progress.remarks == ["the sheet 'Prices' is read, and not 'Old' (another: --sheet NAME)"]
    assert [verdict.subject for verdict in judge(tmp_path / "a.xlsx", sheet="Old")] == ["B"]
    with pytest.raises(SourceRejected, match=r"has no sheet 'old'.*Hidden, Prices, Old"):
        judge(tmp_path / "a.xlsx", sheet="old")


def test_what_a_sheet_shows_otherwise_than_it_holds_is_said_or_refused(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", ["sku", "price"], [42, 1], ["B", 2], ["C", 3])
    book.active["A2"].number_format = "00000"
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "a.xlsx")
    source = open_source(tmp_path / "a.xlsx", rows=10)
    assert [frame["rulefarm.subject"].to_list() for frame in source.portions] == [["42", "B", "C"]]
    assert source.progress.remarks == [
        "cell A2 shows 5 digits and holds fewer, which is what is read",
        "rows that the sheet hides are judged like all others: 1",
    ]
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SourceRejected, match="the cells B2:B3 are merged"):
        judge(tmp_path / "a.xlsx")


@pytest.mark.parametrize("content", [b"PK not really", b"", b"\xd0\xcf\x11\xe0 an old workbook"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(SourceRejected, match="can't be read as a workbook"):
        judge(tmp_path / "a.xlsx")


def test_lines_of_json_keep_their_own_kinds(tmp_path: Path) -> None:
    lines = [
        {"sku": 4711, "price": 9.5, "cost": 10},
        {"sku": "b", "price": "9.5", "attrs": {"size": 42}},
        {"sku": "c", "price": 9.5, "attrs": {"size": "XL"}},
        {"sku": 5.0, "price": 0.1 + 0.2, "cost": 0.3},
        {"sku": True, "price": 1},
        {"Product": {"sku": "f", "price": 1, "attrs": {"size": 42}}},
    ]
    path = written(tmp_path, "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines[:-1]))
    assert answers(judge(path)) == [
        ("4711", "reject", ["price 9.5 under cost 10"]),
        ("b", "error", ["Product.price has to be a number, and is a text: '9.5'"]),
        ("c", "accept", []),
        ("5", "accept", []),
        ("True", "error", ["Product.sku has to be a text: true"]),
    ]
    path = written(tmp_path, "b.jsonl", json.dumps(lines[-1]) + "\n")
    assert answers(judge(path)) == [("f", "reject", ["size 42"])]


def test_a_decimal_that_no_float_prints_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"sku": "a", "price": 1}\n{"sku": "b", "price": 0.123456789012345678}\n')
    with pytest.raises(SourceRejected, match=r"a.jsonl:2: '0.123456789012345678' has more than 15 significant digits"):
        judge(path)


def test_the_shipped_example_is_judged_alike_in_every_form(tmp_path: Path) -> None:
    pricing = shipped()["pricing"]
    expected = judge(PRODUCTS, loaded=pricing)
    assert sorted(verdict.outcome for verdict in expected) == ["accept"] * 18 + ["reject"] + ["review"] * 6
    frame = pl.read_csv(PRODUCTS, infer_schema_length=None)
    frame.write_csv(tmp_path / "quoted.csv", quote_style="always")
    frame.write_csv(tmp_path / "semicolon.csv", separator=";", decimal_comma=True)
    frame.write_csv(tmp_path / "tab.tsv", separator="\t")
    frame.write_parquet(tmp_path / "whole.parquet")
    floats = [name for name, dtype in frame.schema.items() if dtype == pl.Float64 and frame[name].max() < 10_000]
    frame.with_columns(pl.col(floats).cast(pl.Float32)).write_parquet(tmp_path / "short.parquet")
    frame.write_ndjson(tmp_path / "lines.jsonl")
    workbook(tmp_path / "book.xlsx", frame.columns, *frame.rows())
    for path in tmp_path.iterdir():
        options = {"decimal": ","} if path.name == "semicolon.csv" else {}
        judged = judge(path, loaded=pricing, **options)
        assert [(v.subject, v.outcome, v.fired, v.reasons, v.changes) for v in judged] == [
            (v.subject, v.outcome, v.fired, v.reasons, v.changes) for v in expected
        ], path.name


def test_an_integer_of_many_digits_is_an_identifier_or_refused(tmp_path: Path) -> None:
    numbers = [10**15, 1234567890123456, 12345678901234568, 4006381333931234567]
    lines = [{"sku": number, "price": 1, "cost": 1, "barcode": number} for number in numbers]
    lines += [{"sku": f"c{place}", "price": 1, "cost": number} for place, number in enumerate(numbers)]
    verdicts = judge(written(tmp_path, "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines)))
    assert answers(verdicts[: len(numbers)]) == [(str(number), "accept", []) for number in numbers]
    assert [verdict.outcome for verdict in verdicts[len(numbers) :]] == ["reject", "error", "error", "error"]
    assert answers(verdicts)[-3][2] == ["Product.cost has more than 15 significant digits: 1234567890123456"]


_DAYS = (pl.Int32, 2**30, "is no date between the years 1 and 9999")
_MICROS = (pl.Int64, 2**62, "is no date between the years 1 and 9999")
_TEXT = (pl.String, "a\x00b", "can't be read: text with a NUL character")
#: Of a column: its name, its kind, the kind that is written, one value, what is wrong with it.
BEYOND: list[tuple[str, Any, tuple[Any, Any, str]]] = [
    ("special_from", pl.Date, _DAYS),
    ("special_from", pl.Datetime("us"), _MICROS),
    ("special_to", pl.Datetime("ms"), _MICROS),
    ("special_to", pl.Datetime("us", "Asia/Tokyo"), (pl.Int64, 253_402_300_799_999_999, _MICROS[2])),
    ("special_to", pl.Datetime("us"), (pl.Int64, -62_135_596_800_000_001, _MICROS[2])),
    ("tags", pl.List(pl.Date), (pl.List(pl.Int32), [0, 2**30], f"has a value that {_DAYS[2]}")),
    ("tags", pl.List(pl.Duration("ms")), (pl.List(pl.Int64), [2**62], "has a value that is a duration out of range")),
    ("tags", pl.Array(pl.String, 1), (pl.Array(pl.String, 1), ["\x00"], f"has a value that {_TEXT[2]}")),
    (
        "attrs",
        pl.Struct({"s": pl.List(pl.Struct({"t": pl.String}))}),
        (None, {"s": [{"t": "\x00"}]}, f"has a value that {_TEXT[2]}"),
    ),
    ("category", pl.Categorical, _TEXT),
    ("note_text", pl.String, _TEXT),
]


@pytest.mark.parametrize("rows", [3, 100])
@pytest.mark.parametrize(("name", "dtype", "value"), BEYOND, ids=lambda part: str(part)[:40])
def test_what_python_has_no_value_for_costs_its_row_alone(
    tmp_path: Path, name: str, dtype: Any, value: tuple[Any, Any, str], rows: int
) -> None:
    written_as, odd, flaw = value
    column = pl.Series(name, [None, odd] + [None] * (rows - 2), written_as or dtype).cast(dtype)
    pl.DataFrame({"sku": [f"A{row}" for row in range(rows)], "price": 9}).with_columns(column).write_parquet(
        tmp_path / "a.parquet"
    )
    verdicts = answers(judge(tmp_path / "a.parquet"))
    assert verdicts[:3] == [("A0", "accept", []), ("A1", "error", [f"Product.{name} {flaw}"]), ("A2", "accept", [])]
    assert {outcome for _, outcome, _ in verdicts[2:]} == {"accept"}
