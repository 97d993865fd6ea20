"""Read the sheets of an XLSX file as tables.  csv_cells -> [workbook] -> ruleset

Takes the bytes of a workbook, gives one `Sheet` per sheet that has something in it: rows of cells, written as a person
would type them into a CSV file, and a source that names a place as spreadsheets do (`B3`). Formulas are not computed:
their last result counts. Whatever openpyxl makes of a broken file is one diagnostic."""

import io
import warnings
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

from engine.diagnostics import Span
from engine.language import MAX_RULES, MAX_SOURCE_CHARACTERS, Source, TooManyProblems
from engine.tables.archive_guard import BoundedSheet, RowTooLong, why_unsafe
from engine.tables.bare_texts import CellRefused
from engine.tables.csv_cells import MAX_CELL_CHARACTERS, MAX_COLUMNS, Cell, Sheet
from engine.tables.sheet_values import typed
from engine.tables.sheet_view import CellProblem, SheetView

#: Of one workbook.
MAX_SHEETS = 50

#: A sheet whose name begins so is for people, as a column named so is.
NOTES = "note"


def read_workbook(name: str, content: bytes) -> tuple[Source, list[Sheet]]:
    """Read a workbook.

    Args:
        name: as the caller calls the file.
        content: the file.

    Returns:
        A source that took the problems of the file as a whole; and the sheets, which took their own. The rules of the
        first sheet are named after the file, those of any other after the file and the sheet.
    """
    book = Source(name, "")
    try:
        problem = why_unsafe(content)
        sheets = [] if problem else _sheets(book, name, content)
    except TooManyProblems:
        return book, []
    # The file is anybody's, and openpyxl raises whatever its insides raise: KeyError, ValueError, ParseError.
    except Exception as error:
        problem, sheets = f"the workbook can't be read: {type(error).__name__}: {error}"[:300], []
    if problem:
        book.report("table-xlsx", 0, 1, problem, "save it as an Excel workbook (.xlsx), without passwords")
    elif not sheets and not book.diagnostics:
        book.report(
            "table-header", 0, 1, "no sheet of the workbook has anything in it", "when Product.price,then Review"
        )
    return book, sheets


def _sheets(book: Source, name: str, content: bytes) -> list[Sheet]:
    stem = PurePosixPath(name).stem
    sheets: list[Sheet] = []
    room = MAX_SOURCE_CHARACTERS
    with warnings.catch_warnings():
        # openpyxl warns of styles and extensions that it drops; none of them holds a cell.
        warnings.simplefilter("ignore")
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            if len(workbook.worksheets) > MAX_SHEETS:
                book.report("table-xlsx", 0, 1, f"a workbook has at most {MAX_SHEETS} sheets")
                return []
            for position, worksheet in enumerate(workbook.worksheets):
                title = str(worksheet.title)
                if title.lower().startswith(NOTES):
                    continue
                read = _SheetReading(f"{name}!{title}", stem if position == 0 else f"{stem}.{title}", room)
                sheet = read.sheet(worksheet)
                room -= len(sheet.text)
                if sheet.cells or sheet.diagnostics:
                    sheets.append(sheet)
        finally:
            workbook.close()
    return sheets


class _Parser(WorkSheetParser):
    """openpyxl's parser, which also tells a formula without a result from a blank cell."""

    source: BoundedSheet

    def parse_row(self, row: Any) -> tuple[int, list[dict[str, Any]]]:
        self.source.next_row(len(row))
        number, cells = super().parse_row(row)
        return number, cells

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None:
            cell["data_type"] = "f"
        return cell


class _SheetReading:
    """One reading of one sheet."""

    def __init__(self, name: str, stem: str, room: int) -> None:
        self._name = name
        self._stem = stem
        #: Characters that may still come.
        self._room = room
        self._problems: list[CellProblem] = []
        #: Row and column of each cell that holds a date.
        self._dates: set[tuple[int, int]] = set()

    def sheet(self, worksheet: Any) -> Sheet:
        """Read it."""
        rows: dict[int, dict[int, str]] = {}
        view = SheetView(worksheet.parent)
        with worksheet._get_source() as part:
            parser = _Parser(
                BoundedSheet(part),
                worksheet._shared_strings,
                data_only=True,
                epoch=worksheet.parent.epoch,
                date_formats=worksheet.parent._date_formats,
                timedelta_formats=worksheet.parent._timedelta_formats,
            )
            try:
                for _, cells in parser.parse():
                    if not self._row(cells, rows, view):
                        break
            except RowTooLong as refused:
                self._problem(1, 1, refused.code, str(refused), "delete what is blank below and beside the table")
        merged = parser.merged_cells.mergeCell if parser.merged_cells is not None else ()
        for area in sorted(merged, key=lambda area: (area.min_row, area.min_col))[:1]:
            message = f"the cells {area.coord} are merged, so that all but the first are blank"
            self._problem(area.min_row, area.min_col, "table-xlsx", message, "unmerge them, and fill each cell")
        is_hidden = worksheet.sheet_state != "visible"
        self._problems += view.problems(rows, parser.row_dimensions, parser.column_dimensions, is_hidden=is_hidden)
        return self._written(rows)

    def _row(self, cells: list[dict[str, Any]], rows: dict[int, dict[int, str]], view: SheetView) -> bool:
        """Take the cells of one row; whether to go on."""
        for cell in cells:
            row, column = int(cell["row"]), int(cell["column"])
            text = self._text(row, column, cell["value"], cell["data_type"])
            if not text:
                continue
            self._room -= len(text)
            if column > MAX_COLUMNS:
                self._problem(row, 1, "table-csv", f"more than {MAX_COLUMNS} columns")
            elif row > 2 * MAX_RULES or (row not in rows and len(rows) > MAX_RULES):
                self._problem(1, 1, "too-many-rules", f"a table has at most {MAX_RULES:,} rows")
                return False
            elif self._room < 0:
                message = f"a workbook has at most {MAX_SOURCE_CHARACTERS:,} characters"
                self._problem(1, 1, "source-too-large", message)
                return False
            elif text != rows.setdefault(row, {}).setdefault(column, text):
                self._problem(row, column, "table-xlsx", "the file has this cell twice")
            view.look_at(row, column, cell["value"], cell["style_id"])
            if isinstance(cell["value"], date):
                self._dates.add((row, column))
        return True

    def _text(self, row: int, column: int, value: Any, kind: str) -> str:
        """A cell as a person would type it."""
        if kind == "f":
            hint = "open the file in a spreadsheet program and save it, or write the value"
            self._problem(row, column, "table-cell", "the result of this formula is not in the file", hint)
            return ""
        if kind == "e":
            self._problem(row, column, "table-cell", f"this cell shows the error {value}")
            return ""
        try:
            text = typed(value)
        except CellRefused as refused:
            self._problem(row, column, "table-cell", refused.message, refused.hint)
            return ""
        if len(text) > MAX_CELL_CHARACTERS:
            self._problem(row, column, "table-csv", f"a cell has at most {MAX_CELL_CHARACTERS:,} characters")
            return ""
        return text.strip()

    def _problem(self, row: int, column: int, code: str, message: str, hint: str = "") -> None:
        self._problems.append(CellProblem(row, column, code, message, hint))

    def _written(self, rows: dict[int, dict[int, str]]) -> Sheet:
        """The sheet as lines of text, and the cells at their places in these."""
        lines: list[str] = []
        starts: list[list[int]] = []
        cells: list[list[Cell]] = []
        position = 0
        for number in range(1, max((*rows, *(problem.row for problem in self._problems), 0)) + 1):
            row, line, columns = rows.get(number, {}), "", [0]
            row_cells: list[Cell] = []
            for column in range(1, max(row, default=0) + 1):
                if column > 1:
                    line += "\t"
                    columns.append(len(line))
                # A place is on one line, and white space of any kind looks the same there.
                shown = " ".join(row.get(column, "").split())
                at = position + len(line)
                is_date = (number, column) in self._dates
                row_cells.append(Cell(row.get(column, ""), at, at + len(shown), is_date))
                line += shown
            lines.append(line)
            starts.append(columns)
            position += len(line) + 1
            if row_cells:
                cells.append(row_cells)
        sheet = Sheet(self._name, self._stem, "\n".join(lines), starts, cells)
        self._report(sheet, starts)
        return sheet

    def _report(self, sheet: Sheet, starts: list[list[int]]) -> None:
        try:
            for problem in self._problems:
                columns = starts[problem.row - 1]
                at = columns[problem.column - 1] if problem.column <= len(columns) else columns[-1]
                span = Span(sheet.name, problem.row, at + 1)
                sheet.report_at(span, problem.code, problem.message, problem.hint, problem.severity)
        except TooManyProblems:
            sheet.cells = []
