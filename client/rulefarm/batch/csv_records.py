"""Records of a csv file, exactly as RFC 4180 has them.  text_lines -> [csv_records] -> csv_source

Comma, semicolon or tab between the cells, whichever the header has first outside of quotes, as in decision tables; or
what a first line `sep=;` says. Never mends anything: where quotes are wrong nobody can tell where a record ends, so the
file is refused with the line; a record of too few or too many cells, or with a quote in the midst of a cell, is kept
with that flaw. A record that has no end in sight is not read to it. Knows no kinds: every cell is text."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rulefarm.errors import SourceRejected
from rulefarm.limits import MAX_FIELDS, MAX_RECORD_CHARACTERS

#: Stands for a blank cell in quotes, which is empty text; a blank without quotes is no value. No cell holds a NUL: a
#: record that has one has a flaw.
QUOTED_BLANK = "\x00"
_DELIMITERS = re.compile(r"[,;\t]")
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?\Z', re.IGNORECASE)
#: Never goes back: what it would need to remember for that is fifty times a long cell.
_QUOTED = re.compile(r'[^"]*+(?:""[^"]*+)*+')


@dataclass(frozen=True, slots=True)
class Record:
    """One record."""

    #: The line that it begins on, from 1.
    line: int
    #: As many as the header has, whatever the record has; "" for a blank, QUOTED_BLANK for one in quotes.
    cells: list[str]
    #: Characters that it takes in the file.
    size: int
    #: Cells that it has.
    count: int
    #: What is wrong with it; empty if nothing.
    flaw: str = ""


def read_csv(lines: Iterator[str], path: Path) -> Generator[Record, None, None]:
    """The header, and then the records; those without anything in them are left out.

    Args:
        lines: of the file, with their ends.
        path: the file, for errors; `.tsv` has tabs between its cells.

    Raises:
        SourceRejected: the file has no header, or one of more than MAX_FIELDS columns; a quote is not closed, or
            something stands behind a closed one; a record has more than MAX_RECORD_CHARACTERS characters.
    """
    reader = _CsvReader(lines, path)
    header = reader.header()
    yield header
    width = len(header.cells)
    for record in reader.records(width):
        cells = record.cells
        if not record.flaw and not "".join(cells).replace(QUOTED_BLANK, "").strip():
            continue
        if record.count != width:
            many = "1 cell" if record.count == 1 else f"{record.count} cells"
            flaw = f"line {record.line} has {many}, and the header {width}"
            record = replace(record, cells=(cells + [""] * width)[:width], flaw=flaw)
        yield record


class _CsvReader:
    """One reading of one file."""

    def __init__(self, lines: Iterator[str], path: Path) -> None:
        self._lines = lines
        self._path = path
        self._line = 0
        #: Characters of the record that is being read.
        self._size = 0
        self._delimiter = "\t" if path.name.lower().partition(".tsv")[1] else ""
        #: Cells of a record that are of use; what stands behind them is only counted.
        self._width = MAX_FIELDS

    def header(self) -> Record:
        """The first line that has something in it, and its delimiter."""
        for text in self._next_lines():
            content = text.strip("\r\n")
            named = _SEPARATOR_LINE.match(content) if self._line == 1 else None
            if named:
                self._delimiter = named[1]
            elif content.strip(" ,;\t"):
                if not self._delimiter:
                    found = _DELIMITERS.search(re.sub(r'"[^"]*"', "", content))
                    self._delimiter = found[0] if found else ","
                header = self._record(text) if '"' in text or "\x00" in text else self._plain(text)
                if header.flaw:
                    raise self._refused(header.line, header.flaw)
                if header.count > MAX_FIELDS:
                    message = f"{self._path}:{header.line}: a header of {header.count} columns, over {MAX_FIELDS}"
                    raise SourceRejected("too-many-fields", message, "leave out what no rule reads")
                return replace(header, cells=[cell.replace(QUOTED_BLANK, "").strip() for cell in header.cells])
        raise SourceRejected("empty-source", f"{self._path} has no rows")

    def records(self, width: int) -> Iterator[Record]:
        """The records behind the header.

        Args:
            width: cells of the header.
        """
        self._width = width
        for text in self._next_lines():
            yield self._record(text) if '"' in text or "\x00" in text else self._plain(text)

    def _next_lines(self) -> Iterator[str]:
        for text in self._lines:
            self._line += 1
            yield text

    def _record(self, text: str) -> Record:
        """A record that begins with a line and has quotes."""
        first, delimiter = self._line, self._delimiter
        if "\x00" in text:
            if '"' in text:
                raise self._refused(first, "a NUL character in a record with quotes")
            return replace(self._plain(text), flaw=f"line {first} has a NUL character")
        content = text.rstrip("\r\n")
        if content.startswith('"') and content.endswith('"'):
            # Every cell in quotes, and no quote in any: then these are all that there are.
            cells = content[1:-1].split(f'"{delimiter}"', self._width)
            if len(cells) <= self._width and content.count('"') == 2 * len(cells):
                return Record(first, [cell or QUOTED_BLANK for cell in cells], len(text), len(cells))
        return self._cells(text, first)

    def _plain(self, text: str) -> Record:
        """A line without quotes. Of one that is too long not even a list of its cells is made."""
        cells = text.rstrip("\r\n").split(self._delimiter, self._width)
        count = len(cells)
        if count > self._width:
            count += cells[-1].count(self._delimiter)
            # What is left of it says whether anything stands there.
            cells[-1] = cells[-1].replace(self._delimiter, "")
        return Record(self._line, cells, len(text), count)

    def _cells(self, text: str, first: int) -> Record:
        delimiter, flaw = self._delimiter, ""
        cells: list[str] = []
        position = count = 0
        self._size = len(text)
        while True:
            count += 1
            start = position
            while text.startswith(" ", start):
                start += 1
            if text.startswith('"', start):
                cell, text, position = self._quoted(text, start + 1, first)
                cell = cell or QUOTED_BLANK
            else:
                end = text.find(delimiter, position)
                cell = (text[position:] if end < 0 else text[position:end]).rstrip("\r\n")
                if '"' in cell and not flaw:
                    flaw = f"line {first} has a quote in the midst of a cell: put the cell in quotes, and double it"
                position = len(text) if end < 0 else end
            # Of those without a column one is enough, to say that the record is no blank one.
            if count <= self._width or (len(cells) == self._width and cell != QUOTED_BLANK and cell.strip()):
                cells.append(cell)
            if not text.startswith(delimiter, position):
                return Record(first, cells, self._size, count, flaw)
            position += len(delimiter)

    def _quoted(self, text: str, start: int, first: int) -> tuple[str, str, int]:
        """A cell in quotes: what it holds, the line that it ends on, and where it ends there."""
        parts: list[str] = []
        while True:
            end = _QUOTED.match(text, start).end()  # type: ignore[union-attr]
            parts.append(text[start:end])
            if end < len(text):
                break
            text, start = next(self._lines, ""), 0
            self._line += 1
            self._size += len(text)
            if self._size > MAX_RECORD_CHARACTERS:
                flaw = (
                    f"a record of more than {MAX_RECORD_CHARACTERS} characters that begins here: is a quote not closed?"
                )
                raise self._refused(first, flaw)
            if not text:
                raise self._refused(first, "a quote is not closed")
            if "\x00" in text:
                raise self._refused(self._line, "a NUL character in a cell in quotes")
        position = end + 1
        while text.startswith(" ", position):
            position += 1
        if not text.startswith((self._delimiter, "\r", "\n"), position) and position < len(text):
            raise self._refused(self._line, "something stands behind a closing quote")
        return "".join(parts).replace('""', '"'), text, position

    def _refused(self, line: int, flaw: str) -> SourceRejected:
        hint = "a cell with quotes in it stands in quotes, and each quote in it is written twice"
        return SourceRejected("malformed-csv", f"{self._path}:{line}: {flaw}", hint)
