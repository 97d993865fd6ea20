"""Whether a frame is judged by columns or row by row: whichever costs less.  [choice] -> program

Takes a frame, counts what either way has to do, and compares by what that took when it was measured (the chunks of few
rows of `python -m bench`). Looks at the sizes of a frame and at nothing else, so that the same frame is judged in the
same way everywhere and always; the answers are the same either way."""

from collections.abc import Sequence
from typing import Any

import polars as pl

#: What a row costs by itself, in cells: a cell is a value of a field, of an object or of an element of a list.
_ROW = 6
#: What a column costs, in cells, however few rows there are: the steps of a pass over arrays.
_COLUMN = 60
#: The same of whole facts, whose elements are put together row by row.
_WHOLE_COLUMN = 260
#: What a pass costs without any column, in columns.
_PASS = 10
#: Findings about lists that cost what a column does: most of them are bits that are looked up together.
_FINDINGS_A_COLUMN = 4


def pays(frame: pl.DataFrame) -> bool:
    """Whether a pass over the columns of a frame is faster than judging one row after the other.

    Args:
        frame: each column is a field of one fact.
    """
    return len(frame) * (_ROW + frame.width) >= _COLUMN * (frame.width + _PASS)


def pays_whole(frame: pl.DataFrame, dtypes: Sequence[Any], findings: int) -> bool:
    """The same of whole facts, the elements of whose lists are rows, too.

    Args:
        frame: each column is a fact, an object or a list of them.
        dtypes: of its columns.
        findings: how many things are found out about lists before any rule is asked.
    """
    rows, columns, cells = len(frame), findings // _FINDINGS_A_COLUMN, 0
    lists = []
    for place, dtype in enumerate(dtypes):
        if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
            lists.append((place, len(dtype.inner.fields)))
        else:
            fields = len(dtype.fields) if isinstance(dtype, pl.Struct) else 1
            columns, cells = columns + fields, cells + fields * rows
    wanted = _WHOLE_COLUMN * (columns + sum(fields for _, fields in lists) + _PASS) - _ROW * rows
    for place, fields in lists:
        if cells >= wanted:
            break
        cells += fields * int(frame.to_series(place).list.len().sum() or 0)
    return cells >= wanted
