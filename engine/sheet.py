"""One sheet of a workbook, as a table and as a source.  workbook -> [sheet] -> tables

Its rows are lines of a text, so that all that reads CSV reads a sheet too; its problems name cells (`B3`). It knows
nothing of files (`engine.workbook` does), so that a domain without any pays nothing for reading them."""

from bisect import bisect_right

from engine.csv_cells import Cell
from engine.errors import Severity
from engine.nodes import Span
from engine.source import Source


class Sheet(Source):
    """One sheet: a source whose lines are its rows, and whose problems name cells.

    Args:
        name: of the source: the file, and the sheet after a `!`.
        stem: what its rules are named after.
        text: one line per row of the sheet, from row 1.
        starts: for each row, where each of its columns begins in the line, from 0.
        cells: rows that have something in them, the header first.
    """

    def __init__(self, name: str, stem: str, text: str, starts: list[list[int]], cells: list[list[Cell]]) -> None:
        super().__init__(name, text)
        self.stem = stem
        self.cells = cells
        self._columns = starts

    def report_at(self, span: Span, code: str, message: str, hint: str = "", severity: Severity = "error") -> None:
        """Add a diagnostic, with the name of the cell before its message."""
        starts = self._columns[span.line - 1] if span.line <= len(self._columns) else [0]
        column = max(1, bisect_right(starts, span.column - 1))
        super().report_at(span, code, f"{column_letters(column)}{span.line}: {message}", hint, severity)


def column_letters(number: int) -> str:
    """The name of a column, from 1.

    >>> column_letters(2), column_letters(28)
    ('B', 'AB')
    """
    letters = ""
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters
