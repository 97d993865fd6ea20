"""What of a sheet is seen otherwise than it is read.  number_formats, sheet_values -> [sheet_view] -> workbook

Whoever reads a sheet on the screen does not see its hidden rows, columns and sheets, and sees numbers and dates as
their formats have them; all of it judges. Takes cells as they are read, gives warnings that name them. Refuses
nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

from engine.diagnostics import Severity
from engine.tables.csv_cells import MAX_COLUMNS, column_letters
from engine.tables.number_formats import seen_instead
from engine.tables.sheet_values import typed

#: Of one sheet.
MAX_WARNINGS = 50


@dataclass(frozen=True, slots=True)
class CellProblem:
    """Something odd about a cell; rows and columns from 1."""

    row: int
    column: int
    code: str
    message: str
    hint: str
    severity: Severity = "error"


class SheetView:
    """What is seen of one sheet.

    Args:
        workbook: openpyxl's; has the formats.
    """

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        #: Number formats by style.
        self._formats: dict[int, str] = {}
        #: Cells that are seen as something else, by column and format.
        self._seen: dict[tuple[int, str], list[CellProblem]] = {}

    def look_at(self, row: int, column: int, value: object, style: int) -> None:
        """Take a cell that is read.

        Args:
            row: from 1.
            column: from 1.
            value: of the cell.
            style: its number in the workbook.
        """
        shown = self._format(style)
        seen = seen_instead(value, shown)
        if seen:
            hint = "format the cell as what it is; a code with leading zeros is a text"
            message = f"{typed(value)[:40]} is seen {seen}"
            self._seen.setdefault((column, shown), []).append(_warn(row, column, "table-format", message, hint))

    def _format(self, style: int) -> str:
        if style not in self._formats:
            number = self._workbook._cell_styles[style].numFmtId
            own = number - BUILTIN_FORMATS_MAX_SIZE
            formats = self._workbook._number_formats
            self._formats[style] = formats[own] if own >= 0 else BUILTIN_FORMATS.get(number, "General")
        return self._formats[style]

    def problems(
        self,
        rows: Mapping[int, Mapping[int, str]],
        row_dimensions: Mapping[str, Mapping[str, str]],
        column_dimensions: Mapping[str, Mapping[str, str]],
        *,
        is_hidden: bool,
    ) -> list[CellProblem]:
        """The warnings, one for a stretch of rows or columns, and one for a column and format.

        Args:
            rows: texts of the cells that are read, by row and column.
            row_dimensions: what the file says of rows, by their numbers.
            column_dimensions: what it says of columns; each is from `min` to `max`.
            is_hidden: whether the sheet is.
        """
        found: list[CellProblem] = []
        if is_hidden and rows:
            found.append(_hidden(min(rows), 1, "this sheet is"))
        hidden = [row for row in sorted(rows) if _is_hidden(row_dimensions.get(str(row), {}), "ht")]
        for first, last in _stretches(hidden):
            what = f"row {first} is" if first == last else f"the rows {first} to {last} are"
            found.append(_hidden(first, min(rows[first]), what))
        used = {column for row in rows.values() for column in row}
        unseen = {
            column
            for dimension in column_dimensions.values()
            if _is_hidden(dimension, "width")
            for column in range(int(dimension["min"]), min(int(dimension["max"]), MAX_COLUMNS) + 1)
        }
        for first, last in _stretches(sorted(unseen & used)):
            letters = column_letters(first)
            what = f"column {letters} is" if first == last else f"the columns {letters} to {column_letters(last)} are"
            found.append(_hidden(min(row for row in rows if first in rows[row]), first, what))
        for problem, *others in self._seen.values():
            more = f", and so are {len(others):,} more cells of the column" if others else ""
            found.append(replace(problem, message=problem.message + more))
        if len(found) > MAX_WARNINGS:
            reported = found[MAX_WARNINGS - 1]
            more = f"{reported.message}; and there is more like this in the sheet"
            found[MAX_WARNINGS - 1 :] = [replace(reported, message=more)]
        return found


def _hidden(row: int, column: int, what: str) -> CellProblem:
    hint = "show it, so that whoever reads the table sees what judges; or take it out"
    return _warn(row, column, "table-hidden", f"{what} hidden, and read", hint)


def _warn(row: int, column: int, code: str, message: str, hint: str) -> CellProblem:
    return CellProblem(row, column, code, message, hint, "warning")


def _is_hidden(dimension: Mapping[str, str], size: str) -> bool:
    """Whether a row or a column is hidden, or has no height or width left."""
    return dimension.get("hidden") in ("1", "true") or float(dimension.get(size, 1)) == 0


def _stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each stretch of numbers that follow each other."""
    stretches: list[tuple[int, int]] = []
    for number in numbers:
        if stretches and stretches[-1][1] == number - 1:
            stretches[-1] = stretches[-1][0], number
        else:
            stretches.append((number, number))
    return stretches
