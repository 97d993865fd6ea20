"""What a sheet shows otherwise than it is read: hidden parts, and number formats; and values that no rule has."""

import io
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from engine.diagnostics import Diagnostic
from engine.errors import RulesetRejected
from engine.ruleset import read_sources
from engine.tables.number_formats import seen_instead
from engine.tables.sheet_view import MAX_WARNINGS
from tests.engine.tables.test_workbook import HEADER, SHEET, SHOP, Rows, changed, workbook

ROWS: Rows = [HEADER, ["a", 5, "x"], ["b", 6, "y"], ["c", 7, "z"], ["d", 8, "w"]]


def sheet_of(rows: Rows) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.load_workbook(io.BytesIO(workbook(("S", rows))))
    return book, book["S"]


def found_in(book: openpyxl.Workbook) -> list[str]:
    """What is said of a workbook: a word for its weight, and the message, which names the cell."""
    written = io.BytesIO()
    book.save(written)
    found: tuple[Diagnostic, ...]
    try:
        found = read_sources({"t.xlsx": written.getvalue()}, SHOP).warnings
    except RulesetRejected as rejected:
        found = rejected.diagnostics
    return [f"{each.severity} {each.code} {each.message}" for each in found]


def test_nothing_is_said_of_a_sheet_that_shows_what_it_is() -> None:
    book, sheet = sheet_of(ROWS)
    sheet["B2"].number_format = '#,##0.00 "€"'
    sheet.column_dimensions["A"].width = 30
    sheet.row_dimensions[2].height = 40
    assert found_in(book) == []


def test_hidden_rows_are_named_and_read() -> None:
    book, sheet = sheet_of(ROWS)
    for row in (2, 3):
        sheet.row_dimensions[row].hidden = True
    assert found_in(book) == ["warning table-hidden A2: the rows 2 to 3 are hidden, and read"]
    flat = changed(workbook(("S", ROWS)), SHEET, b'<row r="5"', b'<row r="5" ht="0" customHeight="1"')
    (found,) = read_sources({"t.xlsx": flat}, SHOP).warnings
    assert found.message == "A5: row 5 is hidden, and read"


def test_a_hidden_row_without_cells_is_nobodys_concern() -> None:
    book, sheet = sheet_of(ROWS)
    sheet.row_dimensions[9].hidden = True
    assert found_in(book) == []


def test_hidden_columns_and_sheets_are_named() -> None:
    book, sheet = sheet_of(ROWS)
    sheet.column_dimensions["B"].hidden = True
    assert found_in(book) == ["warning table-hidden B1: column B is hidden, and read"]
    book, sheet = sheet_of(ROWS)
    book.create_sheet("Other").append(["note"])
    book["Other"].append(["x"])
    book.active = book["Other"]
    sheet.sheet_state = "veryHidden"
    assert "warning table-hidden A1: this sheet is hidden, and read" in found_in(book)


def test_a_format_that_changes_what_is_seen_is_named_once_a_column() -> None:
    book, sheet = sheet_of(ROWS)
    for cell in ("B2", "B3", "B4"):
        sheet[cell].number_format = "0%"
    sheet["B5"].number_format = "00000"
    assert found_in(book) == [
        "warning table-format B2: 5 is seen as 500%, and so are 2 more cells of the column",
        "warning table-format B5: 8 is seen as 00008",
    ]


@pytest.mark.parametrize(
    ("value", "number_format", "says"),
    [
        (
            timedelta(hours=25, minutes=30),
            "[h]:mm",
            "this cell holds a length of time, 25:30:00, and no text",
        ),
        (
            timedelta(minutes=-30),
            "[h]:mm:ss",
            "this cell holds a length of time, -0:30:00, and no text",
        ),
        (time(9, 30), "h:mm", "this cell holds a time of day, 09:30:00, and no text"),
        (0.5, "hh:mm AM/PM", "this cell holds a time of day, 12:00:00, and no text"),
        (1234567890123456, "General", "a number has at most 15 significant digits, this one has 16"),
        (-9007199254740993, "0", "a number has at most 15 significant digits, this one has 16"),
        (4006381333931123456.0, "0", "a number has at most 15 significant digits, this one has 16"),
    ],
)
def test_a_value_that_no_rule_has_is_refused_with_the_cell(value: object, number_format: str, says: str) -> None:
    book, sheet = sheet_of(ROWS)
    sheet["B3"] = value
    sheet["B3"].number_format = number_format
    assert found_in(book) == [f"error table-cell B3: {says}"]


@pytest.mark.parametrize("value", [123456789012345, 1234567890123450, 1e23, 0.1 + 0.2, 4006381333931.0])
def test_a_number_of_fifteen_digits_is_taken(value: float) -> None:
    book, sheet = sheet_of(ROWS)
    sheet["B3"] = value
    assert found_in(book) == []


DAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("value", "number_format", "seen"),
    [
        (1234, "00000", "as 01234"),
        (12345678, "000-00-0000", "as 012345678"),
        (0.25, "0%", "as 25%"),
        (0.1234, "0.0%", "as 12.3%"),
        (5.128, "0.00", "as 5.13"),
        (5.5, "0", "as 6"),
        (-5.5, "0", "as -6"),
        (1234567, "#,##0,", "as 1235"),
        (0.5, "# ?/?", "as a fraction"),
        (15128, "0.00E+00", "rounded"),
        (-5, "0;[Red]0", "as 5"),
        (-5, "0;", "as nothing"),
        (0, '0;-0;"none"', "as none"),
        (5, ";;;", "as nothing"),
        ("x", ";;;", "as nothing"),
        (1, '"yes"', "as yes"),
        (123456, "000-000", "with other signs among its digits"),
        (20260131, "0000-00-00", "with other signs among its digits"),
        (1230, '00":"00', "with other signs among its digits"),
        (5, '"1"0', "with other signs among its digits"),
        (5, "0\\0", "with other signs among its digits"),
        (DAY, "mmm yy", "without its day"),
        (DAY, "yyyy", "without its day and month"),
        (datetime(2026, 1, 31, 9, 30), "dd/mm/yyyy", "without its time"),
        (datetime(1900, 1, 5), "dd/mm/yyyy", "as a date, and may be a small number in a format of dates"),
    ],
)
def test_what_a_format_shows_instead(value: object, number_format: str, seen: str) -> None:
    assert seen_instead(value, number_format) == seen


@pytest.mark.parametrize(
    ("value", "number_format"),
    [
        (12345, "00000"),
        (5, "0.00"),
        (1234.5, "#,##0.00"),
        (1234.5, '_-* #,##0.00 "€"_-'),
        (-5, '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)'),
        (-5, "0;-0"),
        (1234567, "#\\ ##0"),
        (1234567, "#\\'##0.00"),
        (12, '0" m2"'),
        (12, '0.00" €/kg"'),
        (5, "+0.0;-0.0"),
        (0.5, ".0"),
        (0.5, "#.##"),
        (15000, "0.00E+00"),
        (5, "General"),
        (5, "@"),
        ("x", "0.00"),
        (True, "0"),
        (None, "00000"),
        (DAY, "dd/mm/yyyy"),
        (DAY, "[$-409]d\\ mmmm\\ yyyy;@"),
        (datetime(2026, 1, 31, 9, 30), "d/m/yy h:mm"),
    ],
)
def test_a_format_that_shows_the_value_is_in_order(value: object, number_format: str) -> None:
    assert seen_instead(value, number_format) == ""


@pytest.mark.parametrize("column", ["when Order.channel", "then Order.band", "when Order.tags", "then Log"])
def test_a_date_in_a_column_of_texts_is_refused(column: str) -> None:
    rows: Rows = [["F", column, "then Review"], ["a", DAY, "x"]]
    (found,) = found_in(sheet_of(rows)[0])
    assert found == "error table-cell B2: this cell holds a date, 2026-01-31, in a column of texts"


def test_a_date_in_a_column_of_dates_is_taken() -> None:
    assert found_in(sheet_of([["F", "when Order.placed", "then Review"], ["a", DAY, "x"]])[0]) == []


def test_a_sheet_is_not_warned_of_without_end() -> None:
    book, sheet = sheet_of([HEADER, *([f"r{number}", number, "x"] for number in range(200))])
    for row in range(3, 200, 2):
        sheet.row_dimensions[row].hidden = True
    found = found_in(book)
    assert len(found) == MAX_WARNINGS
    assert found[-1].endswith("; and there is more like this in the sheet")


@pytest.mark.parametrize("number_format", ["[" * 10_000, '"' * 255, "0" + "%" * 250, "0." + "0" * 250, "0" + "," * 250])
@pytest.mark.parametrize("value", [1e299, 1e-290, -5, "x"])
def test_no_format_is_too_odd(value: object, number_format: str) -> None:
    assert isinstance(seen_instead(value, number_format), str)
