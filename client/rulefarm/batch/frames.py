"""Records of a table as frames of a chunk.  readers -> [frames] -> chunk_codec

What holds for every table, whatever format it came in: the checks of its header, and how its rows become a frame with
subjects. Reads nothing."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from rulefarm.batch.cells import columns_of, subject_text
from rulefarm.batch.chunk_codec import APART_COLUMN, RESERVED, SUBJECT_COLUMN, Apart
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.errors import JobRejected, SourceRejected
from rulefarm.limits import MAX_CHUNK_BYTES
from rulefarm.normalize import to_json_values

#: Characters of the records of a portion, unless a single one has more; four bytes each, if one is beyond Unicode's
#: first plane.
PORTION_CHARACTERS = MAX_CHUNK_BYTES // 4
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One record of a table, as its reader gives it."""

    #: A value a column.
    values: Sequence[Any]
    #: What is wrong with the record as a whole; empty if nothing.
    flaw: str = ""


def checked_header(
    names: Sequence[str], path: Path, options: SourceOptions, progress: Progress
) -> tuple[list[str], str]:
    """Trim and check the names of the columns.

    Args:
        names: as they stand there. A blank name is a column that nobody can ask for.
        path: the source, for errors.
        options: the column that names the subject.
        progress: takes the names.

    Returns:
        The names, and which of them names the subject.

    Raises:
        SourceRejected: a name stands there twice, is over a limit, or is one of ours; or no column has the subject.
    """
    trimmed = [unicodedata.normalize("NFC", name.strip()) for name in names]
    named = [name for name in trimmed if name]
    try:
        to_json_values(dict.fromkeys(trimmed))
    except JobRejected as error:
        raise SourceRejected(error.code, f"{path}: columns: {error.message}", error.hint) from None
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise SourceRejected("doubled-column", f"{path} has the column {twice!r} twice", "give each its own name")
    ours = next((name for name in named if name.startswith(RESERVED)), None)
    if ours is not None:
        raise SourceRejected("bad-name", f"{path}: the column {ours!r} has a name that rulefarm keeps for itself")
    wanted = [
        unicodedata.normalize("NFC", name.strip()) for name in (options.subject or "", *options.subject_elsewhere)
    ]
    column = next((name for name in wanted if name in named), wanted[0]) or next(iter(trimmed), "")
    if column not in named:
        raise SourceRejected(
            "no-subject", f"{path} has no column {column!r} to name the subjects", f"it has {', '.join(named)}"
        )
    progress.columns.update(dict.fromkeys(named))
    for place, name in enumerate(trimmed, 1):
        if not name:
            progress.remark(f"column {place} has no name, so that no rule can read it")
    return trimmed, column


def frames_of(
    header: tuple[list[str], str], rows: Iterator[TableRow], size: int, progress: Progress
) -> Iterator[pl.DataFrame]:
    """Frames out of rows of Python values.

    Args:
        header: from `checked_header`.
        rows: in the order of the source.
        size: rows of a frame.
        progress: takes the count of refused rows.
    """
    names, subject = header
    kept = [place for place, name in enumerate(names) if name]
    for portion in portions(rows, size, lambda row: row_size(row.values)):
        yield _frame([names[place] for place in kept], kept, names.index(subject), portion, progress)


def portions(records: Iterable[_Record], count: int, size: Callable[[_Record], int]) -> Iterator[list[_Record]]:
    """Records in portions that fit into memory, however long they are.

    Args:
        records: in the order of the source.
        count: of them in a portion, at most.
        size: how many characters a record has.
    """
    portion: list[_Record] = []
    characters = 0
    for record in records:
        own = size(record)
        if portion and (len(portion) == count or characters + own > PORTION_CHARACTERS):
            yield portion
            portion, characters = [], 0
        portion.append(record)
        characters += own
    if portion:
        yield portion


def row_size(values: Iterable[Any]) -> int:
    """About as many characters as a row has as text."""
    return sum(map(_size, values))


def _size(value: Any) -> int:
    """About as many characters as a value has as text."""
    if isinstance(value, str | bytes | memoryview):
        return len(value)
    return len(str(value)) if isinstance(value, list | dict) else 16


def _frame(names: list[str], kept: list[int], subject: int, rows: list[TableRow], progress: Progress) -> pl.DataFrame:
    columns, apart = columns_of(names, [[row.values[place] for place in kept] for row in rows])
    for place, row in enumerate(rows):
        if row.flaw:
            apart[place] = Apart({}, row.flaw)
            progress.refused += 1
    subjects = [subject_text(row.values[subject]) for row in rows]
    return chunk_frame(subjects, columns, apart)


def chunk_frame(subjects: Sequence[str | None], columns: Sequence[pl.Series], apart: dict[int, Apart]) -> pl.DataFrame:
    """A frame as `chunk_codec.encode` takes it.

    Args:
        subjects: the name of each row; None for one without.
        columns: of the same length.
        apart: what some rows have beside the columns, by the number of the row.
    """
    frame = pl.DataFrame([pl.Series(SUBJECT_COLUMN, subjects, pl.String), *columns])
    if apart:
        texts = [apart[row].to_text() if row in apart else None for row in range(len(frame))]
        frame = frame.with_columns(pl.Series(APART_COLUMN, texts, pl.String))
    return frame
