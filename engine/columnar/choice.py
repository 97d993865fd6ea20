"""Whether a frame is judged by columns or row by row: whichever costs less.  frame_form -> [choice] -> program

Takes a frame, counts what either way has to do, and compares by what that took when it was measured (the chunks of few
rows of `python -m bench`). Looks at the sizes of a frame and at nothing else, so that the same frame is judged in the
same way everywhere and always; the answers are the same either way."""

from collections.abc import Mapping, Sequence

import polars as pl

from engine.columnar.frame_form import FrameForm

#: For fewer rows, making facts of each is faster than taking a frame apart.
FEW_ROWS = 6
#: What a row costs by itself, in cells: a cell is a value of a field, of an object or of an element of a list.
_ROW = 6
#: What a column costs, in cells, however few rows there are: the steps of a pass over arrays.
_COLUMN = 60
#: The same of whole facts, whose elements are put together row by row.
_WHOLE_COLUMN = 340
#: What a pass costs without any column, in columns.
_PASS = 10
#: Findings about lists that cost what a column does: most of them are bits that are looked up together.
_FINDINGS_A_COLUMN = 4


#: Place of each column of lists of objects to how long the list of each row is; None: there is none.
Lengths = Mapping[int, Sequence[int | None]]


def pays(frame: pl.DataFrame) -> bool:
    """Whether a pass over the columns of a frame is faster than judging one row after the other.

    Args:
        frame: each column is a field of one fact.
    """
    return len(frame) * (_ROW + frame.width) >= _COLUMN * (frame.width + _PASS)


def pays_whole(rows: int, form: FrameForm, lengths: Lengths, findings: int) -> bool:
    """The same of whole facts, the elements of whose lists are rows, too.

    Args:
        rows: of a frame, each column of which is a fact, an object or a list of them.
        form: of the frame.
        lengths: of its lists, as `lengths_of` gives them.
        findings: how many things are found out about lists before any rule is asked.
    """
    columns, cells = findings // _FINDINGS_A_COLUMN, 0
    for place, fields in enumerate(form.widths):
        columns += fields
        cells += fields * (sum(filter(None, lengths[place])) if place in lengths else rows)
    return cells + _ROW * rows >= _WHOLE_COLUMN * (columns + _PASS)


def lengths_of(frame: pl.DataFrame, form: FrameForm) -> Lengths:
    """How long the lists of objects are: asking for it takes as long as judging a record, so not of a few rows.

    Args:
        frame: each column is a fact, an object or a list of them.
        form: of the frame.
    """
    if len(frame) < FEW_ROWS:
        return {}
    return {place: frame.to_series(place).list.len().to_list() for place in form.lists}
