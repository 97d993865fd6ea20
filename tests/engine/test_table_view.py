"""A table that people are shown has the cells that judge, each row at its place."""

import io

import pytest
from openpyxl import Workbook

from engine import compile_ruleset, table_cells

TABLE = 'U,when Order.total,when Order.country,then Review\n\na,> 10,"FR,\n""x""",much\nb,-,<b>\n'


def test_rows_have_the_lines_that_rules_name_and_as_many_cells_as_the_header() -> None:
    [found] = table_cells("shop/limits.csv", TABLE.encode())
    assert (found.source, found.header) == (
        "shop/limits.csv",
        ("U", "when Order.total", "when Order.country", "then Review"),
    )
    assert found.rows == ((3, ("a", "> 10", 'FR,\n"x"', "much")), (5, ("b", "-", "<b>", "")))


def test_sheets_of_a_workbook_are_tables_whose_rows_are_those_of_the_rules() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["U", "when Order.total", "then Review"], [], ["a", 12, "twelve"]):
        sheet.append(row)
    book.create_sheet("second").append(["then Accept"])
    book["second"].append(["fine"])
    book.create_sheet("note").append(["for people"])
    file = io.BytesIO()
    book.save(file)
    found = table_cells("limits.xlsx", file.getvalue())
    assert [(one.source, one.header, one.rows) for one in found] == [
        ("limits.xlsx!Sheet", ("U", "when Order.total", "then Review"), ((3, ("a", "12", "twelve")),)),
        ("limits.xlsx!second", ("then Accept",), ((2, ("fine",)),)),
    ]
    rules = compile_ruleset({"limits.xlsx": file.getvalue()}).rules
    assert {(rule.span.source, rule.span.line) for rule in rules if rule.span} == {
        (one.source, line) for one in found for line, _ in one.rows
    }


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", b"\xff"), ("a.csv", b""), ("a.xlsx", b"PK\3\4"), ("a.xlsx", b"")]
)
def test_of_what_can_not_be_read_there_is_what_can(name: str, content: bytes) -> None:
    assert all(not one.rows for one in table_cells(name, content))
