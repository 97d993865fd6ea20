"""What is judged is what stands in the file that was named: text of csv, and the parts of a folder."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulefarm.errors import SourceRejected
from tests.tasks.judging import answers, judge, written

UNDER_COST = ("A1", "reject", ["price 9.5 under cost 10"])

CSV: list[tuple[str, str, dict[str, Any], list[tuple[str, str, list[str]]]]] = [
    (
        "a quoted blank is no value",
        '"sku","name","category","price","cost","special_from","special_to","on_sale"\n'
        '"A1","Ham","DELI","9.50","","","","true"\n"A2","Cheese","DAIRY","9.50","9","","",""\n',
        {},
        [("A1", "review", ["on sale", "deli"]), ("A2", "accept", [])],
    ),
    ("headers are trimmed, numbers too", "sku, price, cost\nA1, 9.50, 10\n", {}, [UNDER_COST]),
    (
        "a decimal comma is not guessed",
        "sku;price;cost\nA1;9,50;10\n",
        {},
        [("A1", "error", ["Product.price has to be a number, and is a text: '9,50'"])],
    ),
    ("a decimal comma is read when it is said", "sku;price;cost\nA1;9,50;10\n", {"decimal": ","}, [UNDER_COST]),
    (
        "then a point is none",
        "sku;price;cost\nA1;9.50;10\nA2;1.234,50;10\nA3;11,5;10\n",
        {"decimal": ","},
        [
            ("A1", "error", ["Product.price has to be a number, and is a text: '9.50'"]),
            ("A2", "error", ["Product.price has to be a number, and is a text: '1.234,50'"]),
            ("A3", "accept", []),
        ],
    ),
    ("empty rows", "sku,price,cost\nA1,9.50,10\n,,\n\nA2,9.50,9\n,,\n", {}, [UNDER_COST, ("A2", "accept", [])]),
    (
        "only the odd field is named, with its text",
        "sku,price,cost,on_sale,special_from\nA1,9.50,ten,maybe,soon\nA2,9.50,9,yes,2026-11-01\n",
        {},
        [
            (
                "A1",
                "error",
                [
                    "Product.cost has to be a number, and is a text: 'ten'; "
                    "Product.special_from is no date (ISO 8601 expected): 'soon'; "
                    "Product.on_sale has to be a boolean, and is a text: 'maybe'"
                ],
            ),
            ("A2", "review", ["on sale"]),
        ],
    ),
    (
        "a float of 17 digits is what it prints as, a decimal of 17 digits is refused",
        "sku,price,cost\nA1,0.30000000000000004,0.3\nA2,1,12345678901234567\nA3,1,0.123456789012345678\n",
        {},
        [
            ("A1", "accept", []),
            ("A2", "error", ["Product.cost has more than 15 significant digits: 12345678901234567"]),
            ("A3", "error", ["Product.cost has more than 15 significant digits: 0.123456789012345678"]),
        ],
    ),
    (
        "a row that is too long, one that is too short, one with a stray quote",
        'sku,price,cost\nA1,9.50,10,x\nA2,9.50\nA3,9"50,10\nA4,9.50,9\n',
        {},
        [
            ("A1", "error", ["line 2 has 4 cells, and the header 3"]),
            ("A2", "error", ["line 3 has 2 cells, and the header 3"]),
            ("A3", "error", ["line 4 has a quote in the midst of a cell: put the cell in quotes, and double it"]),
            ("A4", "accept", []),
        ],
    ),
    (
        "another encoding",
        "sku,price,cost,category\nÄ1,9,10,x\n",
        {"encoding": "utf-8"},
        [("Ä1", "reject", ["price 9 under cost 10"])],
    ),
]


@pytest.mark.parametrize(("content", "options", "expected"), [case[1:] for case in CSV], ids=[case[0] for case in CSV])
def test_a_csv_is_judged_as_it_stands(
    tmp_path: Path, content: str, options: dict[str, Any], expected: list[tuple[str, str, list[str]]]
) -> None:
    assert answers(judge(written(tmp_path, "prices.csv", content), **options)) == expected


def test_an_error_has_the_code_of_what_went_wrong(tmp_path: Path) -> None:
    verdicts = judge(written(tmp_path, "a.csv", "sku,price\nA1,x\nA2,1,2\n"))
    assert [verdict.reasons[0]["code"] for verdict in verdicts] == ["facts-rejected", "row-refused"]


@pytest.mark.parametrize(
    "name", ["prices[2].csv", "prices*.csv", "prices?.csv", "{a,b}.csv", "a%20b.csv", "~.csv", "a=1.csv"]
)
@pytest.mark.parametrize("ending", ["", ".gz", ".parquet"])
def test_a_path_is_a_path(tmp_path: Path, name: str, ending: str) -> None:
    for other in ("prices2.csv", "pricesx.csv", "a.csv", "b.csv", "a b.csv"):
        frame = pl.DataFrame({"sku": ["WRONG"], "price": [1.0]})
        frame.write_csv(tmp_path / other)
        frame.write_parquet(tmp_path / f"{other}.parquet")
        frame.write_csv(tmp_path / f"{other}.gz", compression="gzip", check_extension=False)
    path = tmp_path / f"{name}{ending}"
    frame = pl.DataFrame({"sku": ["RIGHT"], "price": [1.0]})
    with path.open("wb") as file:
        if ending == ".parquet":
            frame.write_parquet(file)
        else:
            frame.write_csv(file, compression="gzip" if ending else "uncompressed")
    assert [verdict.subject for verdict in judge(path)] == ["RIGHT"]


ROWS = [{"sku": f"A{n}", "price": n / 4, "cost": 5.0} for n in range(40)]


@pytest.mark.parametrize("form", ["csv", "csv.gz", "csv.zst", "parquet", "jsonl", "jsonl.gz"])
def test_a_folder_holds_the_parts_of_one_source(tmp_path: Path, form: str) -> None:
    folder = tmp_path / f"prices.{form}"
    folder.mkdir()
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-1.crc").write_text("")
    for part, rows in enumerate((ROWS[:15], ROWS[15:30], ROWS[30:])):
        frame = pl.DataFrame(rows)
        path = folder / f"part-{part}.{form}"
        packed = {"gz": "gzip", "zst": "zstd"}.get(form.rpartition(".")[2], "uncompressed")
        if form == "parquet":
            frame.write_parquet(path)
        elif form.startswith("csv"):
            frame.write_csv(path, compression=packed, check_extension=False)
        else:
            frame.write_ndjson(path, compression=packed, check_extension=False)
    expected = [(row["sku"], "reject" if row["price"] < 5 else "accept") for row in ROWS]
    assert [(verdict.subject, verdict.outcome) for verdict in judge(folder, rows=7)] == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no files in it"),
        (["a.csv", "b.jsonl"], "holds .csv, .jsonl"),
        (["a.sql"], "holds .sql"),
        (["a.csv", "readme.txt"], "'.txt' is no format"),
        (["a.csv", "sub/b.csv"], "sub is no file"),
    ],
)
def test_a_folder_of_anything_else_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    (tmp_path / "f" / "sub").mkdir(parents=True) if any("/" in name for name in names) else (tmp_path / "f").mkdir()
    for name in names:
        (tmp_path / "f" / name).write_text("sku\nA\n")
    with pytest.raises(SourceRejected, match=message):
        judge(tmp_path / "f")


def test_parts_have_the_same_columns(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "sku,price\nA,1\n")
    written(tmp_path, "b.csv", "price,sku\n2,B\n")
    assert [verdict.subject for verdict in judge(tmp_path, subject="sku")] == ["A", "B"]
    written(tmp_path, "c.csv", "sku,prise\nC,1\n")
    with pytest.raises(SourceRejected, match=r"c.csv has not the columns of a.csv: price, prise"):
        judge(tmp_path)
