"""The rows of a table as plain values.  frame of a source or chunk -> [table_rows] -> chunk_rows, fact_files

Lays together what stands in the columns, what stands apart, and what text says by the kinds that a fact declares. What
nobody can read is named by its field, in its row alone. Refuses nothing: whether a row can do without is the caller's
affair."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from engine import FieldSchema, exact_floats
from rulefarm.batch import APART_COLUMN, SUBJECT_COLUMN, Apart, Unreadable
from tasks.text_typing import typed_columns, typed_value

#: What stands before the decimals, by the form of the source; the domain says it for the others.
_DECIMALS = {"text-point": ".", "text-comma": ","}


@dataclass
class TableRows:
    """The rows of one frame."""

    subjects: list[str]
    #: The columns, typed; a row that stands in `differing` has no value there for some fields.
    columns: pl.DataFrame
    #: The rows whose values are not those of the columns.
    own: set[int] = field(default_factory=set)
    #: The rows whose document is not what the columns have, in a field of the fact.
    differing: set[int] = field(default_factory=set)
    #: By row: the fields whose text is not of their kind, each with its text, or with a number of too many digits.
    odd: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: By row: the fields that nobody can read, each with what is wrong.
    unreadable: dict[int, dict[str, str]] = field(default_factory=dict)
    #: By row: what is wrong with the row as a whole.
    flaws: dict[int, str] = field(default_factory=dict)

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        """The values of each row; made when somebody asks, for most rows are judged by their columns."""
        return list(self.columns.iter_rows(named=True))


def table_rows(
    frame: pl.DataFrame, form: str, fields: Mapping[str, FieldSchema], decimal: str, *, all_matter: bool = False
) -> TableRows:
    """The rows of a frame.

    Args:
        frame: as a source gives it, or a chunk keeps it; of any form but json.
        form: of the source.
        fields: of the fact that the rows are, by every name of them. Text is read by their kinds in forms of text.
        decimal: what stands before decimals in text, where the form does not say.
        all_matter: whether a column that is none of the fields counts all the same. Default: nobody asks for it.
    """
    frame, apart = _split(frame)
    subjects = frame[SUBJECT_COLUMN].to_list()
    frame = exact_floats(frame.drop(SUBJECT_COLUMN))
    odd: dict[int, dict[str, Any]] = {}
    is_text = form.startswith("text")
    decimal = _DECIMALS.get(form, decimal)
    if is_text:
        frame, odd = typed_columns(frame, fields, decimal)
    rows = TableRows(subjects, frame, odd.keys() | apart.keys(), set(odd), odd)
    for row, values in odd.items():
        rows.documents[row] |= values
    for row, beside in apart.items():
        if beside.flaw:
            rows.flaws[row] = beside.flaw
        for name, value in beside.cells.items():
            known = fields.get(name)
            if known is not None or all_matter:
                rows.differing.add(row)
            if isinstance(value, Unreadable):
                if known is not None or all_matter:
                    rows.unreadable.setdefault(row, {})[name] = value.flaw
            elif is_text and known is not None and isinstance(value, str):
                read = rows.documents[row][name] = typed_value(value, known, decimal)
                if read is value and known.kind in ("number", "boolean"):
                    odd.setdefault(row, {})[name] = value
            else:
                rows.documents[row][name] = value
    return rows


def _split(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, Apart]]:
    if APART_COLUMN not in frame.columns:
        return frame, {}
    texts = frame[APART_COLUMN]
    apart = {row: Apart.from_text(texts[row]) for row in texts.is_not_null().arg_true().to_list()}
    return frame.drop(APART_COLUMN), apart
