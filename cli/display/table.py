"""Lay rows out for a person.  rows of cells -> [table] -> the terminal, or a pipe

On a terminal: columns as wide as they need, lines broken between words. What does not fit beside the first columns
stands below its row, under its own name. In a pipe: a tab between cells and nothing else, for `cut` and `sort`."""

import sys
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table

from cli.display.terminal import Line, console, echo_data, echo_lines
from rulefarm.escaping import visible

#: Columns of the terminal between two columns of a table, and before what stands below a row.
_GAP, _INDENT = 2, 4


def print_rows(headers: Sequence[str], rows: Sequence[Sequence[Line]], *, right: Sequence[bool] = ()) -> None:
    """Print rows of cells.

    Args:
        headers: one a column; blank ones: the rows have no header.
        rows: as many cells as headers.
        right: which columns stand to the right; default: none.
    """
    top = [[Line(name, "bold") for name in headers]] if any(headers) else []
    columns = [[cells[i] for cells in (*top, *rows)] for i in range(len(headers))]
    if not sys.stdout.isatty():
        if top:
            print_tabbed([headers, *([cell.plain for cell in cells] for cells in rows)])
            return
        # Without a header it is no table for a program, but lines to read.
        widths = [max((cell.cell_len for cell in column), default=0) for column in columns]
        for cells in rows:
            padded = (cell.plain + " " * (width - cell.cell_len) for cell, width in zip(cells, widths, strict=True))
            echo_data((" " * _GAP).join(padded).rstrip())
        return
    out = console()
    least = [max((cell_len(word) for cell in column for word in cell.plain.split()), default=1) for column in columns]
    beside = len(headers)
    while beside > 1 and sum(least[:beside]) + _GAP * (beside - 1) > out.width and headers[beside - 1]:
        beside -= 1
    widths = _widths(columns[:beside], least, out.width - _GAP * (beside - 1))
    table = _table(widths, right)
    for row in top:
        table.add_row(*row[:beside])
    for cells in rows:
        table.add_row(*cells[:beside])
        below = [i for i in range(beside, len(headers)) if cells[i].plain not in ("", "-")]
        if below:
            out.print(table)
            table = _table(widths, right)
        for i in below:
            out.print(Padding(Line(f"{headers[i]}: ", "dim").append(cells[i]), (0, 0, 0, _INDENT)))
    if table.row_count:
        out.print(table)


def print_tabbed(rows: Iterable[Sequence[str]]) -> None:
    """Print rows for a program: a line each, a tab between cells, and none within them."""
    echo_lines("\t".join(map(visible, cells)) for cells in rows)


def _widths(columns: Sequence[Sequence[Line]], least: Sequence[int], room: int) -> list[int]:
    """How wide each column is: as wide as its widest cell, and the widest ones less while there is no room."""
    widths = [min(max((cell.cell_len for cell in column), default=1), max(room, 1)) for column in columns]
    while sum(widths) > room and max(widths) > 1:
        # A column gives way down to its longest word; when all are there, words are broken after all.
        spare = [i for i in range(len(widths)) if widths[i] > least[i]] or range(len(widths))
        widths[max(spare, key=lambda i: widths[i])] -= 1
    return widths


def _table(widths: Sequence[int], right: Sequence[bool]) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for i, width in enumerate(widths):
        justify = "right" if i < len(right) and right[i] else "left"
        table.add_column(width=width, overflow="fold", justify=justify)  # type: ignore[arg-type]
    return table
