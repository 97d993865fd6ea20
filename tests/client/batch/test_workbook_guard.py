"""A workbook costs what its size lets expect, whatever its parts are called and whatever its rows hold."""

import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from rulefarm.batch import workbook_guard
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.batch.workbook_guard import PART_BYTES, ROW_BYTES, check_parts
from rulefarm.batch.workbook_source import read_workbook
from rulefarm.errors import SourceRejected

SHEET = "xl/worksheets/sheet1.xml"
STYLES = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
TEXTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
#: As large as a part must not be; packed it is a thousandth of that.
LARGE = b"<a>" + b" " * PART_BYTES + b"</a>"


def rewritten(path: Path, *, rows: str | None = None, **parts: bytes) -> Path:
    """A plain workbook with other rows in its sheet, and parts added or replaced."""
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["sku", "price"])
    book.active.append(["A", 1])
    book.save(path)
    with zipfile.ZipFile(path) as source:
        content = {name: source.read(name) for name in source.namelist()}
    if rows is not None:
        sheet = content[SHEET].decode()
        content[SHEET] = (sheet[: sheet.index("</sheetData>")] + rows + sheet[sheet.index("</sheetData>") :]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in (content | parts).items():
            target.writestr(name, data)
    return path


def types_with(path: Path, name: str, kind: str) -> bytes:
    with zipfile.ZipFile(rewritten(path)) as source:
        text = source.read("[Content_Types].xml").decode()
    return text.replace("</Types>", f'<Override PartName="/{name}" ContentType="{kind}"/></Types>').encode()


def read(path: Path) -> int:
    progress = Progress()
    return sum(len(frame) for frame in read_workbook(path, SourceOptions(), 1000, progress))


@pytest.mark.parametrize(
    "name",
    [
        "xl/styles.xml",
        "xl/STYLES.XML",
        "xl\\styles.XmL",
        "xl/strings.bin",
        "xl/worksheets/sheet2.dat",
        "xl/worksheets/undeclared.xml",
        "xl/sharedStrings2.xml",
        "xl/media/picture.png",
        "docProps/core.xml",
        "noextension",
        "xl/_rels/workbook.xml.RELS",
    ],
)
def test_a_large_part_is_refused_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    path = rewritten(tmp_path / "a.xlsx", **{name: LARGE})
    with pytest.raises(SourceRejected, match="its part") as refused:
        read(path)
    assert refused.value.code == "workbook-too-large"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("xl/styles.xml", SHEETS),
        ("xl/styles.xml", TEXTS),
        ("xl/worksheets/s.xml", STYLES),
        ("xl/worksheets/s.rels", SHEETS),
    ],
)
def test_a_part_must_be_called_and_declared_what_may_be_large(tmp_path: Path, name: str, kind: str) -> None:
    types = types_with(tmp_path / "a.xlsx", name, kind)
    path = rewritten(tmp_path / "a.xlsx", **{"[Content_Types].xml": types, name: LARGE})
    with pytest.raises(SourceRejected) as refused:
        read(path)
    assert refused.value.code == "workbook-too-large"


def test_a_sheet_its_texts_and_a_picture_may_be_large(tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n" + bytes(PART_BYTES)
    path = tmp_path / "a.xlsx"
    types = types_with(path, "xl/worksheets/sheet2.xml", SHEETS)
    check_parts(
        rewritten(
            path,
            **{"[Content_Types].xml": types, "xl/worksheets/sheet2.xml": LARGE, "xl/media/a.png": picture},
        )
    )


def test_blank_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rewritten(tmp_path / "a.xlsx", rows="<row/>" * 998)
    monkeypatch.setattr(workbook_guard, "MAX_ROWS", 1000)
    assert read(path) == 1
    with pytest.raises(SourceRejected, match="more than 1000 rows") as refused:
        read(rewritten(tmp_path / "b.xlsx", rows="<row/>" * 999))
    assert refused.value.code == "workbook-too-large"


@pytest.mark.parametrize(
    "rows",
    [
        f"<row>{'<c/>' * 100_000}</row>",
        f"<row><c>{'<v/>' * 300_000}</c></row>",
        f"<other>{'<c/>' * 300_000}</other>",
        f'<row><c t="inlineStr"><is><t>{"x" * 1_200_000}</t></is></c></row>',
    ],
)
def test_a_row_is_bounded_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str) -> None:
    # A fifth of the rows, and of the bound.
    monkeypatch.setattr(workbook_guard, "ROW_BYTES", ROW_BYTES // 5)
    with pytest.raises(SourceRejected) as refused:
        read(rewritten(tmp_path / "a.xlsx", rows=rows))
    assert refused.value.code == "workbook-too-large"


def test_a_row_that_is_refused_took_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A fifth of the row, and of the bound: what is traced takes its time.
    monkeypatch.setattr(workbook_guard, "ROW_BYTES", ROW_BYTES // 5)
    path = rewritten(tmp_path / "a.xlsx", rows=f"<row>{'<c><v>1</v></c>' * 160_000}</row>")
    tracemalloc.start()
    try:
        with pytest.raises(SourceRejected):
            read(path)
        # Read whole, it was 157 MB.
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
