"""However a source is made, reading it takes no more memory than docs/limits.md says: 250 MB beside the libraries."""

import gzip
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from backports import zstd
from openpyxl import Workbook

from rulefarm.batch import parquet_layout
from rulefarm.batch.parquet_layout import stretches
from rulefarm.batch.sources import open_source
from rulefarm.errors import SourceRejected
from tests.processes import python, says

#: Reads each source, as a batch does, and says what became of it and how much memory it ever took.
READER = """
import os
import sys
from itertools import islice
from pathlib import Path

from rulefarm.batch.chunk_codec import encode
from rulefarm.batch.sources import open_source
from rulefarm.errors import SourceRejected

def peak():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1000

for source in sys.argv[1:]:
    # A process for each, as a batch has: what the one before did not give back is no need of the next.
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    before = peak()
    opened = open_source(source, rows=1_000, database_url="sqlite://")
    try:
        # Enough to see what reading ahead would take.
        for portion in islice(opened.portions, 60):
            for _ in encode(portion, 1_000):
                pass
        outcome = "read"
    except SourceRejected as error:
        outcome = error.code
    print(Path(source).name, outcome, peak() - before, flush=True)
    os._exit(0)
"""
MB = 1_000_000
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1"><v>1</v></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>'
)


def packed(begin: bytes, block: bytes, size: int) -> Callable[[Path], None]:
    """A file that unpacks to some bytes."""

    def write(path: Path) -> None:
        with zstd.open(path, "wb") if path.suffix == ".zst" else gzip.open(path, "wb", compresslevel=1) as file:
            file.write(begin)
            for _ in range(size // len(block)):
                file.write(block)

    return write


def workbook(path: Path) -> None:
    """One cell of a sheet, which does not say how large it is, has 200 MB."""
    pl.DataFrame({"a": [1]}).write_csv(path)
    Workbook().save(path)
    parts = zipfile.ZipFile(path)
    contents = {name: parts.read(name) for name in parts.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in contents.items():
            with archive.open(name, "w") as part:
                if not name.endswith("sheet1.xml"):
                    part.write(content)
                    continue
                part.write(SHEET.encode())
                for _ in range(200):
                    part.write(b"x" * MB)
                part.write(b"</t></is></c></row></sheetData></worksheet>")


def row_group(path: Path) -> None:
    """Three million rows in one row group."""
    rows = pl.select(pl.int_range(3 * MB).alias("n")).with_columns(pl.col("n").hash(seed=7).alias("h"))
    columns = rows.select(pl.col("n").cast(pl.String).alias("sku"), pl.col("h").cast(pl.String).alias("name"), "h")
    columns.write_parquet(path, row_group_size=3 * MB, compression="uncompressed", statistics=False)


def query(path: Path) -> None:
    """A thousand rows of half a megabyte."""
    path.write_text(
        "with recursive t(n) as (select 1 union all select n + 1 from t where n < 1000)"
        " select n, hex(zeroblob(250000)) as name from t"
    )


def folder(path: Path) -> None:
    path.mkdir()
    for part in ("1.csv.gz", "2.csv.gz"):
        packed(b"sku,a\n", b"x," + b"y" * 2 * MB + b"\n", 80 * MB)(path / part)


SOURCES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no end of a quote.csv.gz": (packed(b'sku,a\nx,"', (b"y" * 40 + b",1\n") * 5_000, 60 * MB), "malformed-csv"),
    "no end of a record.csv.gz": (packed(b"sku,a\nx", (b',"' + b"y" * 20 + b'\n"') * 5_000, 90 * MB), "malformed-csv"),
    "no end of a line.csv.gz": (packed(b"sku,a\n", b"x" * MB, 200 * MB), "facts-too-large"),
    "no end of a line.csv.zst": (packed(b"sku,a\n", b"x" * MB, 500 * MB), "facts-too-large"),
    "no end of a line.jsonl.gz": (packed(b'{"a":"', b"x" * MB, 200 * MB), "facts-too-large"),
    "a header of blanks.csv.gz": (packed(b"sku", b"," * 50_000, 3 * MB), "too-many-fields"),
    "cells without a column.csv.gz": (packed(b"sku,a\n", b"x" + b",ab" * 900_000 + b"\n", 100 * MB), "read"),
    "quotes in a cell.csv.gz": (packed(b"sku,a\n", b'x,"' + b'""' * 1_900_000 + b'"\n', 40 * MB), "read"),
    "many values.jsonl.gz": (packed(b'{"a":[', b"{}," * 50_000, 15 * MB), "facts-too-large"),
    "long rows": (folder, "read"),
    "one cell.xlsx": (workbook, "workbook-too-large"),
    "long rows.sql": (query, "read"),
    "one row group.parquet": (row_group, "read"),
}


def test_no_source_takes_more_memory_than_a_batch_may(tmp_path: Path) -> None:
    for name, (write, _) in SOURCES.items():
        write(tmp_path / name)
    expected = [(name, outcome) for name, (_, outcome) in SOURCES.items()]
    with python(READER, *(tmp_path / name for name in SOURCES)) as reader:
        found = []
        for _ in SOURCES:
            name, outcome, peak = says(reader).rsplit(maxsplit=2)
            assert int(peak) < 250, name
            found.append((name, outcome))
    assert found == expected


def test_the_rows_of_a_large_row_group_are_read_in_stretches_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_layout, "STRETCH_BYTES", 20_000)
    monkeypatch.setattr(parquet_layout, "STRETCH_ROWS", 700)
    frame = pl.select(pl.int_range(5_000).alias("n")).with_columns(
        pl.col("n").cast(pl.String).alias("sku"),
        # Rows that are short, and rows that are long.
        pl.when(pl.col("n") < 4_000)
        .then(pl.lit("x"))
        .otherwise(pl.col("n").cast(pl.String).str.pad_start(200))
        .alias("t"),
        pl.when(pl.col("n") % 3 > 0).then(pl.concat_list("n", "n")).alias("list"),
        pl.struct(pl.col("n").alias("a"), (pl.col("n") % 7).alias("b")).alias("struct"),
    )
    for name, size in (("one", 5_000), ("few", 999), ("many", 64)):
        path = tmp_path / f"{name}.parquet"
        frame.write_parquet(path, row_group_size=size, data_page_size=3_000)
        found = list(stretches(path))
        assert len(found) > 7
        assert sum(one.rows for one in found) == len(frame)
        assert all(one.rows <= 700 for one in found)
        portions = list(open_source(path, rows=100).portions)
        assert pl.concat(portions).drop("rulefarm.subject").equals(frame)
        assert pl.concat(portions)["rulefarm.subject"].to_list() == [str(n) for n in range(5_000)]
    assert found[-1].rows < 700


def test_a_row_group_that_takes_too_much_is_refused_with_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_layout, "STRETCH_ROWS", 500)
    monkeypatch.setattr(parquet_layout, "MAX_GROUP_BYTES", 60_000)
    texts = pl.select(pl.int_range(2_000).hash(seed=1).cast(pl.String).alias("t"))
    for name, how in {
        # The packed bytes of all of it are needed for any row; so is a dictionary; so is a page.
        "packed": {"compression": "uncompressed", "data_page_size": 1_000},
        "one page": {"data_page_size": 1 << 30},
    }.items():
        path = tmp_path / f"{name}.parquet"
        pl.concat([texts.head(400), texts]).write_parquet(path, row_group_size=1_200, **how)
        with pytest.raises(SourceRejected, match=r"row group [12] of 1200 rows takes") as caught:
            list(open_source(path, rows=100).portions)
        assert (caught.value.code, caught.value.may_pass) == ("row-group-too-large", False)
        assert "smaller row groups" in caught.value.hint


@pytest.mark.parametrize("place", [-5, -12, -40, 8])
def test_a_parquet_file_that_is_damaged_is_refused(tmp_path: Path, place: int) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame({"sku": [str(n) for n in range(100)]}).write_parquet(path)
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)
    outcome = "read"
    try:
        list(open_source(path, rows=100).portions)
    except SourceRejected as error:
        outcome = error.code
    assert re.fullmatch("read|unreadable-source|row-group-too-large|bad-subject|bad-name", outcome)
