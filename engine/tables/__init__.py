"""Decision tables (csv, xlsx) to the same nodes as GRL, with a report of overlaps and gaps.

Takes the cells of a file, gives the rules of its rows, ordered and grouped as the hit policy says. A cell that can't be
read for certain is refused. `engine.tables.workbook` is not handed on here: whoever needs it imports it then, for
openpyxl takes a quarter of a second."""

from engine.tables.csv_cells import Cell, read_cells
from engine.tables.reader import read_table

__all__ = ["Cell", "read_cells", "read_table"]
