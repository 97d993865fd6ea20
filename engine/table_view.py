"""The cells of a decision table, for people who read it.  a file -> [table_view] -> rows of texts

As the engine reads them, without what it makes of them: a table that is shown is the table that judges. Of a file that
can't be read it gives what can be. Reports nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.language import Source, TooManyProblems, open_source
from engine.tables import Cell, read_cells


@dataclass(frozen=True, slots=True)
class TableCells:
    """One table."""

    #: What its rules call their source: the file, or the file and a sheet of it.
    source: str
    header: tuple[str, ...]
    #: Each row with the line that it stands on; of a sheet, its number.
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def table_cells(name: str, content: bytes) -> list[TableCells]:
    """The tables of a file: one of a `.csv`, one for each sheet of an `.xlsx`.

    Args:
        name: as the rules call their source.
        content: the file.
    """
    if not name.lower().endswith(".xlsx"):
        source, _ = open_source(name, content)
        try:
            return [_cells(source, read_cells(source))]
        except TooManyProblems:
            return []
    # As in engine.ruleset: openpyxl is loaded when there is a workbook.
    from engine.tables.workbook import read_workbook  # noqa: PLC0415

    return [_cells(sheet, sheet.cells) for sheet in read_workbook(name, content)[1]]


def _cells(source: Source, rows: Sequence[Sequence[Cell]]) -> TableCells:
    width = max(map(len, rows), default=0)
    shown = [
        (source.span(row[0].start, row[0].end).line, tuple(cell.text for cell in row) + ("",) * (width - len(row)))
        for row in rows
    ]
    return TableCells(source.name, shown[0][1] if shown else (), tuple(shown[1:]))
