"""A sheet of a workbook as frames.  xlsx -> openpyxl -> [workbook_source] -> frames -> sources

The first sheet that is not hidden, or the one that is named; its first line with something in it is the header. Cells
keep their kinds: a number is a number, a date a date, and text is read by the kinds that the domain declares. What a
cell only shows (an error, a formula without a result) is no value. Runs no formula and follows no link."""

import re
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS_MAX_SIZE
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from rulefarm.batch.chunk_codec import Unreadable
from rulefarm.batch.frames import TableRow, checked_header, frames_of
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.batch.workbook_guard import BoundedPart, check_parts
from rulefarm.errors import SourceRejected
from rulefarm.limits import MAX_FIELDS

_STRING_TAG = f"{{{SHEET_MAIN_NS}}}si"
_PADDING = re.compile(r"0{2,}\Z")


def read_workbook(path: Path, options: SourceOptions, rows: int, progress: Progress) -> Iterator[pl.DataFrame]:
    """The rows of a sheet, each with its subject.

    Args:
        path: the workbook.
        options: subject, sheet.
        rows: of a frame, at most.
        progress: takes the columns, and remarks about what the sheet shows otherwise than it holds it.

    Raises:
        SourceRejected: no workbook, too large a one, no such sheet, or merged cells; else as `checked_header`.
    """
    try:
        check_parts(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = _WorkbookReader(path, read_only=True, data_only=True, keep_links=False)
            reader.read()
            workbook = reader.wb
    except SourceRejected:
        raise
    # The file is anybody's, and openpyxl raises whatever its insides raise: KeyError, ValueError, ParseError.
    except Exception as error:
        raise _unreadable(path, error) from error
    with closing(workbook):
        sheet = _Sheet(workbook, _sheet(workbook, path, options.sheet, progress), path, progress)
        with closing(sheet.records()) as records:
            header = next(records, None)
            if header is None:
                raise SourceRejected("empty-source", f"{path} has no rows in the sheet {sheet.title!r}")
            checked = checked_header([_heading(value) for value in header], path, options, progress)
            yield from frames_of(checked, _rows(records, len(header), sheet), rows, progress)


def _rows(records: Iterator[list[Any]], width: int, sheet: "_Sheet") -> Iterator[TableRow]:
    for record in records:
        beyond = next((place for place in range(width, len(record)) if record[place] is not None), None)
        flaw = ""
        if beyond is not None:
            flaw = f"cell {get_column_letter(beyond + 1)}{sheet.row} has a value, and its column no header"
        yield TableRow((record + [None] * width)[:width], flaw)


def _sheet(workbook: Any, path: Path, name: str | None, progress: Progress) -> Any:
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if name is not None:
        if name not in sheets:
            raise SourceRejected("no-such-sheet", f"{path} has no sheet {name!r}", f"it has {', '.join(sheets)}")
        return sheets[name]
    visible = [sheet for sheet in sheets.values() if sheet.sheet_state == "visible"]
    if not visible:
        raise SourceRejected("empty-source", f"{path} has no sheet that is not hidden")
    if len(visible) > 1:
        others = ", ".join(repr(sheet.title) for sheet in visible[1:])
        progress.remark(f"the sheet {visible[0].title!r} is read, and not {others} (another: --sheet NAME)")
    return visible[0]


class _UnmeasuredSheet(ReadOnlyWorksheet):
    """A sheet as openpyxl opens it, that does not say how large it is.

    Of one that does not say it in its first lines openpyxl would build a tree of all its cells, to learn that."""

    def _get_size(self) -> None:
        pass


class _WorkbookReader(ExcelReader):
    """openpyxl's reader, of sheets with cells alone; of what it has read it keeps no tree."""

    wb: Any
    package: Any

    def read_strings(self) -> None:
        part = self.package.find(SHARED_STRINGS)
        if part is None:
            return
        with self.archive.open(part.PartName[1:]) as stream:
            parsed = iterparse(stream, ("start", "end"))
            _, root = next(parsed)
            for event, node in parsed:
                if event == "end" and node.tag == _STRING_TAG:
                    text: Any = Text.from_tree(node)
                    # As openpyxl's own reader has it.
                    self.shared_strings.append(text.content.replace("x005F_", ""))
                    root.clear()

    def read_worksheets(self) -> None:
        for sheet, rel in self.parser.find_sheets():
            if rel.target in self.valid_files and "chartsheet" not in rel.Type:
                opened: Any = _UnmeasuredSheet(self.wb, sheet.name, rel.target, self.shared_strings)
                opened.sheet_state = sheet.state
                self.wb._sheets.append(opened)


class _SheetParser(WorkSheetParser):
    """openpyxl's parser, which also tells a formula without a result from a blank cell, and a hidden row."""

    hidden = 0
    source: BoundedPart

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None:
            cell["data_type"] = "f"
        return cell

    def parse_row(self, row: Any) -> tuple[int, list[dict[str, Any]]]:
        self.hidden += row.get("hidden") in ("1", "true")
        self.source.next_row(len(row))
        number, cells = super().parse_row(row)
        # It would keep the height of every row.
        self.row_dimensions.clear()
        return number, cells


class _Sheet:
    """One reading of one sheet."""

    def __init__(self, workbook: Any, worksheet: Any, path: Path, progress: Progress) -> None:
        self.title = str(worksheet.title)
        #: The number of the row that was given last.
        self.row = 0
        self._worksheet = worksheet
        self._path = path
        self._progress = progress
        #: Styles that show a number with zeros before it, and how wide.
        self._padded = _padded_styles(workbook)

    def records(self) -> Generator[list[Any], None, None]:
        """The values of every row that has any."""
        worksheet = self._worksheet
        book = worksheet.parent
        with worksheet._get_source() as part:
            parser = _SheetParser(
                BoundedPart(part, self._path),
                worksheet._shared_strings,
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,
                timedelta_formats=book._timedelta_formats,
            )
            try:
                for number, cells in _quietly(parser.parse()):
                    self.row = number
                    values = self._values(cells)
                    if values:
                        yield values
            except SourceRejected:
                raise
            except Exception as error:
                raise _unreadable(self._path, error) from error
            self._look_back(parser)

    def _values(self, cells: list[dict[str, Any]]) -> list[Any]:
        values: list[Any] = []
        for cell in cells:
            value, column = _value(cell), int(cell["column"])
            if value is None:
                continue
            if column > MAX_FIELDS:
                raise SourceRejected("too-many-fields", f"{self._path}: more than {MAX_FIELDS} columns")
            values += [None] * (column - len(values))
            values[column - 1] = value
            if self._padded and isinstance(value, int | float):
                self._note_padding(value, column, self._padded.get(cell["style_id"], 0))
        return values

    def _note_padding(self, value: float, column: int, width: int) -> None:
        if len(str(int(value))) < width:
            self._padded = {}
            cell = f"{get_column_letter(column)}{self.row}"
            # Not the number: it may be private, and what is remarked stays on record.
            self._progress.remark(f"cell {cell} shows {width} digits and holds fewer, which is what is read")

    def _look_back(self, parser: _SheetParser) -> None:
        merged = parser.merged_cells.mergeCell if parser.merged_cells is not None else ()
        for area in sorted(merged, key=lambda area: (area.min_row, area.min_col))[:1]:
            message = f"{self._path}: the cells {area.coord} are merged, so that all but the first are blank"
            raise SourceRejected("merged-cells", message, "unmerge them, and fill each cell")
        if parser.hidden:
            self._progress.remark(f"rows that the sheet hides are judged like all others: {parser.hidden}")


def _quietly(rows: Iterator[Any]) -> Iterator[Any]:
    """The rows, without what openpyxl warns of: styles and extensions that it drops, none of which holds a cell."""
    while True:
        # Not around the loop: whoever takes the rows has warnings of their own.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = next(rows, None)
        if row is None:
            return
        yield row


def _padded_styles(workbook: Any) -> dict[int, int]:
    own: list[str] = list(workbook._number_formats)
    widths = {}
    for style, cell in enumerate(workbook._cell_styles):
        code = cell.numFmtId - BUILTIN_FORMATS_MAX_SIZE
        if 0 <= code < len(own) and _PADDING.match(own[code]):
            widths[style] = len(own[code])
    return widths


def _value(cell: dict[str, Any]) -> Any:
    value, kind = cell["value"], cell["data_type"]
    if kind == "f":
        return Unreadable("is a formula without a result: open the file in a spreadsheet program and save it")
    if kind == "e":
        return Unreadable(f"shows the error {value}")
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else value
    return value


def _heading(value: Any) -> str:
    if value is None or isinstance(value, Unreadable):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _unreadable(path: Path, error: Exception) -> SourceRejected:
    message = f"{path} can't be read as a workbook: {type(error).__name__}: {error}"[:300]
    return SourceRejected("unreadable-source", message, "save it as an Excel workbook (.xlsx), without a password")
