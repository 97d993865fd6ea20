"""Workbooks: a sheet means what the same table as CSV means, and a hostile file is one diagnostic."""

import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import compile_ruleset
from engine.diagnostics import Diagnostic
from engine.errors import RulesetRejected
from engine.language import MAX_RULES
from engine.ruleset import Ruleset, read_sources
from engine.schema import parse_schema
from engine.tables.archive_guard import MAX_PACKED_BYTES, MAX_PART_BYTES, MAX_UNPACKED_BYTES
from engine.tables.workbook import MAX_SHEETS

SHOP = parse_schema((Path(__file__).parents[1] / "cases" / "shop.toml").read_text("utf-8"))
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
Rows = list[list[Any]]
HEADER = ["F", "when Order.total", "then Review"]


def workbook(*sheets: tuple[str, Rows], merge: str = "") -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            # A person types `'= Order.total * 2`; what begins with `=` alone is a formula of the sheet.
            cell.data_type = "s" if str(cell.value).startswith("= ") else cell.data_type
        if merge:
            sheet.merge_cells(merge)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def read(content: bytes | str) -> Ruleset:
    return read_sources({"t.xlsx": content}, SHOP)


def problems(content: bytes | str) -> list[Diagnostic]:
    with pytest.raises(RulesetRejected) as rejected:
        read(content)
    return list(rejected.value.diagnostics)


def changed(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The workbook with other bytes in one of its parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == part:
                assert old in data
                data = data.replace(old, new)
            target.writestr(name, data)
    return written.getvalue()


PLAIN = workbook(("Limits", [HEADER, ["high", ">= 10", "look"]]))
SHEET = "xl/worksheets/sheet1.xml"


def test_a_sheet_means_what_the_same_csv_means() -> None:
    rows: Rows = [
        ["F", "when Order.total", "when Order.channel", "when Order.vip", "when Order.placed", "then Order.score"],
        ["a", 5, '"web","shop"', True, date(2026, 1, 31), 1.5],
        ["b", "[5..9)", "not(web)", False, datetime(2026, 1, 31, 9, 30), "= Order.total * 2"],
        [],
        [None, 0.1 + 0.2, "web", None, "< 2026-01-01", -7],
    ]
    csv = "\n".join(
        [
            ",".join(rows[0]),
            'a,5,"""web"",""shop""",true,2026-01-31,1.5',
            "b,[5..9),not(web),false,2026-01-31T09:30:00,= Order.total * 2",
            ",0.3,web,,< 2026-01-01,-7",
        ]
    )
    book, table = read(workbook(("Sheet", rows))), read_sources({"t.csv": csv}, SHOP)
    assert [(rule.name, rule.condition, rule.actions) for rule in book.rules] == [
        (rule.name, rule.condition, rule.actions) for rule in table.rules
    ]
    assert [rule.span.line for rule in book.rules if rule.span] == [2, 3, 5]


def test_a_program_judges_with_a_workbook() -> None:
    program = compile_ruleset({"t.xlsx": PLAIN}, SHOP)
    evaluation = program.evaluate({"Order": {"id": "1", "total": 12}}, as_of=MOMENT)
    assert (evaluation.outcome, evaluation.fired) == ("review", ["t#high"])


def test_every_sheet_is_a_table_but_notes() -> None:
    rows = [HEADER, ["a", 5, "x"]]
    book = read(workbook(("One", rows), ("Two", rows), ("Notes", [["whatever"]]), ("Blank", [])))
    assert [rule.name for rule in book.rules] == ["t#a", "t.Two#a"]
    assert [rule.activation_group for rule in book.rules] == ["t.xlsx!One", "t.xlsx!Two"]
    assert [rule.name for rule in read(workbook(("note", [["x"]]), ("Two", rows))).rules] == ["t.Two#a"]


def test_the_digest_is_that_of_the_meaning() -> None:
    assert read(PLAIN).digest == read(workbook(("Limits", [[], HEADER, ["high", ">=10", "look"]]))).digest
    assert read(PLAIN).digest != read(workbook(("Limits", [HEADER, ["high", ">= 11", "look"]]))).digest


def test_a_problem_names_the_cell() -> None:
    (found,) = problems(workbook(("Limits", [HEADER, [], ["a", "5, ", "x"]])))
    assert found.code == "table-cell"
    assert found.span is not None
    assert (found.span.source, found.span.line) == ("t.xlsx!Limits", 3)
    assert found.message.startswith("B3: ")
    assert str(found).splitlines()[1:3] == ["  3 | a\t5,\tx", "    |  \t^^"]


def test_an_overlap_names_both_rows() -> None:
    (found,) = problems(workbook(("S", [["U", *HEADER[1:]], ["a", "< 9", "x"], ["b", "> 5", "y"]])))
    assert (found.code, found.message) == ("table-overlap", "A3: rows 'a' and 'b' both hold for Order.total = 7")


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ([HEADER, ["a", "=1+1", "x"]], "table-cell", "B2: the result of this formula is not in the file"),
        ([HEADER, ["a", "#N/A", "x"]], "table-cell", "B2: this cell shows the error #N/A"),
        ([HEADER, ["a", "y" * 20_000, "x"]], "table-csv", "B2: a cell has at most 10,000 characters"),
        ([HEADER, ["a", "5", *["x"] * 120]], "table-csv", "A2: more than 100 columns"),
        ([HEADER, ["a", 5, "x", "y"]], "table-row", "D2: this row has 4 cells, the header has 3"),
        ([["Limits of the shop"], HEADER], "table-header", "A1: 'Limits of the shop' is not a column of a table"),
        ([HEADER], "table-header", "A1: a table needs a header and at least one row"),
    ],
)
def test_what_a_sheet_is_refused_for(rows: Rows, code: str, says: str) -> None:
    found = problems(workbook(("S", rows)))[0]
    assert (found.code, found.message) == (code, says)


def test_a_sheet_of_more_rows_than_a_domain_has_rules_is_refused() -> None:
    content = workbook(("S", [HEADER]))
    # Written by hand, for a library takes a second for as many.
    row = b"<row><c/><c><v>5</v></c><c t='inlineStr'><is><t>x</t></is></c></row>"
    (found,) = problems(changed(content, SHEET, b"</sheetData>", row * (MAX_RULES + 1) + b"</sheetData>"))
    assert (found.code, found.message) == ("too-many-rules", "A1: a table has at most 20,000 rows")


def test_merged_cells_are_refused() -> None:
    found = problems(workbook(("S", [HEADER, ["a", 5, "x"], ["b", None, "y"]]), merge="B2:B3"))[0]
    assert found.message == "B2: the cells B2:B3 are merged, so that all but the first are blank"


def test_a_formula_counts_with_its_last_result() -> None:
    content = changed(workbook(("S", [HEADER, ["a", "=2+3", "x"]])), SHEET, b"<v />", b"<v>5</v>")
    assert read(content).rules[0].condition == read(workbook(("S", [HEADER, ["a", 5, "x"]]))).rules[0].condition


def archive(**parts: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return written.getvalue()


BOMB = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("text", "not an Excel workbook"),
        (b"", "not an Excel workbook"),
        (b"PK\x03\x04 and no more", "not an Excel workbook"),
        (PLAIN[:-40], "not an Excel workbook"),
        (archive(a=b"x"), "can't be read"),
        (b"x" * (MAX_PACKED_BYTES + 1), "at most 4,000,000 bytes"),
        (archive(a=bytes(MAX_UNPACKED_BYTES), b=b"x"), "unpacked 48,000,000 bytes"),
        (archive(**{f"p{number}": b"" for number in range(1_001)}), "at most 1,000 parts"),
        (archive(**{"xl/styles.xml": bytes(MAX_PART_BYTES + 1)}), "more than 2,000,000 bytes"),
        (changed(PLAIN, SHEET, b"<worksheet", BOMB + b"<worksheet"), "document type"),
        (archive(**{"xl/workbook.xml": "<?xml version='1.0'?><x/>".encode("utf-16")}), "not UTF-8"),
        (archive(**{"xl/workbook.xml": b"<?xml version='1.0' encoding='cp037'?><x/>"}), "not UTF-8"),
        (archive(**{"XL\\STYLES.XML": b" " * (MAX_PART_BYTES + 1)}), "more than 2,000,000 bytes"),
        (archive(**{"xl/strings.bin": b"<a>" + b" " * MAX_PART_BYTES}), "more than 2,000,000 bytes"),
        (archive(**{"xl/media/a.png": b"<a>" + b" " * MAX_PART_BYTES}), "more than 2,000,000 bytes"),
        (archive(**{"xl/worksheets/a.xml": b"<styleSheet>" + b" " * MAX_PART_BYTES}), "more than 2,000,000 bytes"),
        (archive(**{"xl/workbook.XML": BOMB + b"<x/>"}), "document type"),
        (archive(**{"xl/workbook.bin": "<x/>".encode("utf-16-le")}), "not UTF-8"),
        (changed(PLAIN, SHEET, b"</sheetData>", b"<row/>" * 100_001 + b"</sheetData>"), "at most 100,000 rows"),
        (changed(PLAIN, SHEET, b"</row>", b"<c/>" * 20_000 + b"</row>"), "at most 16,384 cells"),
        (changed(PLAIN, SHEET, b"</row>", b"<c/>" * 800_000 + b"</row>"), "at most 2,000,000 bytes"),
        (changed(PLAIN, SHEET, b"</sheetData>", b"</sheet>"), "can't be read"),
        (changed(PLAIN, SHEET, b'r="B2"', b'r="B2222222222"'), "at most 20,000 rows"),
        (changed(PLAIN, SHEET, b'r="B2"', b'r="ZZZZZ2"'), "can't be read"),
        (changed(PLAIN, SHEET, b'r="B2"', b'r="A2"'), "has this cell twice"),
        (workbook(*((f"s{number}", []) for number in range(MAX_SHEETS + 1))), "at most 50 sheets"),
        (workbook(("notes", [["x"]])), "no sheet of the workbook has anything in it"),
    ],
)
def test_a_hostile_file_is_one_diagnostic(content: bytes | str, says: str) -> None:
    found = problems(content)[0]
    assert says in found.message
    assert found.code in ("table-xlsx", "table-header", "too-many-rules", "table-csv")


@given(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=4))
def test_no_bytes_give_anything_but_rules_or_a_rejection(at: int, new: bytes) -> None:
    try:
        read(PLAIN[:at] + new + PLAIN[at + len(new) :])
    except RulesetRejected as rejected:
        assert rejected.diagnostics  # noqa: PT017
