"""Cut a CSV file into cells that know their place.  language.source -> [csv_cells] -> reader, workbook

Takes a `Source`, gives rows of cells (RFC 4180: quotes around a cell, a doubled quote inside; comma, semicolon or tab
between cells, whichever the header uses); and the `Sheet`, a source whose places are cells of a workbook. Reads no
meaning into a cell. The csv module of Python would do, if it gave the column of a cell."""

import re
from bisect import bisect_right

from engine.diagnostics import Severity, Span
from engine.language import Source
from engine.plain_class import dataclass

#: A table is read by people; a cell of it is a value, a test or a sentence.
MAX_CELL_CHARACTERS = 10_000

MAX_COLUMNS = 100

_QUOTED = re.compile(r'[ \t]*"([^"]*(?:""[^"]*)*)"[ \t]*')

_DELIMITERS = re.compile(r"[,;\t]")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell."""

    #: Its content, without quotes and without white space around it.
    text: str
    #: Where the content begins and ends in the source.
    start: int
    end: int
    #: Whether a workbook holds a date here; a date that is typed is a text.
    is_date: bool = False


def read_cells(source: Source) -> list[list[Cell]]:
    """Every row that has something in it, the header first.

    Args:
        source: the file; takes the problems.

    Returns:
        The rows; no row has trailing empty cells, so their lengths differ.
    """
    text, position, end = source.text, 0, len(source.text)
    delimiter = _delimiter(text)
    plain = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    rows: list[list[Cell]] = []
    row: list[Cell] = []
    while position < end:
        quoted = _QUOTED.match(text, position)
        content = quoted or plain.match(text, position)
        if content is None:
            break
        cell = _cell(source, content, quoted is not None)
        # A line of nothing but commas is no reason to keep as many cells.
        if cell.text or len(row) <= MAX_COLUMNS:
            row.append(cell)
        position = content.end()
        if position < end and text[position] not in delimiter + "\r\n":
            stop = plain.match(text, position)
            source.report("table-csv", position, position + 1, "expected the end of the cell after the closing quote")
            position = stop.end() if stop else end
        if position < end and text[position] == delimiter:
            position += 1
            if position == end or text[position] in "\r\n":
                row.append(Cell("", position, position))
            else:
                continue
        _end_row(source, rows, row)
        row = []
        while position < end and text[position] in "\r\n":
            position += 1
    return rows


def _delimiter(text: str) -> str:
    """What stands between cells: what the header has first, outside of quotes."""
    header = re.sub(r'"[^"\n]*"', "", text[:10_000].partition("\n")[0])
    delimiter = _DELIMITERS.search(header)
    return delimiter[0] if delimiter else ","


def _cell(source: Source, written: re.Match[str], quoted: bool) -> Cell:
    content = written[1].replace('""', '"') if quoted else written[0]
    start = written.start(1) if quoted else written.start() + len(written[0]) - len(written[0].lstrip())
    end = written.end(1) if quoted else written.start() + len(written[0].rstrip())
    if not quoted and content.lstrip().startswith('"'):
        source.report("table-csv", start, start + 1, "this quote is never closed", "double a quote inside quotes")
    if len(content) > MAX_CELL_CHARACTERS:
        source.report("table-csv", start, start + 1, f"a cell has at most {MAX_CELL_CHARACTERS:,} characters")
        content = ""
    return Cell(content.strip(), start, max(start, end))


def _end_row(source: Source, rows: list[list[Cell]], row: list[Cell]) -> None:
    while row and not row[-1].text:
        row.pop()
    if len(row) > MAX_COLUMNS:
        source.report("table-csv", row[MAX_COLUMNS].start, row[MAX_COLUMNS].end, f"more than {MAX_COLUMNS} columns")
        del row[MAX_COLUMNS:]
    if row:
        rows.append(row)


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
        """Add a diagnostic, with the name of the cell before its message.

        Args:
            span: of the cell, on the line of its row.
            code: of the diagnostic.
            message: one sentence, no full stop.
            hint: what to do about it; default: none.
            severity: default `error`.

        Raises:
            TooManyProblems: it is an error, and one too many.
        """
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
