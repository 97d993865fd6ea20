"""A csv file as frames of text.  csv_records -> [csv_source] -> sources

Every cell stays the text that it is; the worker reads it by the kinds that the domain declares."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl

from rulefarm.batch.chunk_codec import Apart
from rulefarm.batch.csv_records import QUOTED_BLANK, Record, read_csv
from rulefarm.batch.frames import checked_header, chunk_frame, portions
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.batch.text_lines import read_lines
from rulefarm.limits import MAX_RECORD_CHARACTERS


def read_csv_file(path: Path, options: SourceOptions, rows: int, progress: Progress) -> Iterator[pl.DataFrame]:
    """The rows of a csv file, each with its subject.

    Args:
        path: the file; `.gz` and `.zst` are unpacked.
        options: subject, encoding.
        rows: of a frame, at most.
        progress: takes the columns, and how many rows have a flaw.

    Raises:
        SourceRejected: as `read_lines`, `read_csv` and `checked_header`.
    """
    with (
        closing(read_lines(path, options.encoding, MAX_RECORD_CHARACTERS)) as lines,
        closing(read_csv(lines, path)) as records,
    ):
        names, subject = checked_header(next(records).cells, path, options, progress)
        for portion in portions(records, rows, lambda record: record.size):
            yield _frame(names, subject, portion, progress)


def _frame(names: list[str], subject: str, records: list[Record], progress: Progress) -> pl.DataFrame:
    apart = {row: Apart({}, record.flaw) for row, record in enumerate(records) if record.flaw}
    progress.refused += len(apart)
    columns = {
        name: pl.Series(name, cells, pl.String)
        for name, cells in zip(names, zip(*(record.cells for record in records), strict=True), strict=True)
        if name
    }
    text = pl.col(pl.String)
    # A NUL is nowhere but in our own mark, and in rows with a flaw.
    text = pl.when(text == "").then(None).when(text == QUOTED_BLANK).then(pl.lit("")).otherwise(text)
    frame = pl.DataFrame(list(columns.values())).with_columns(text.name.keep())
    return chunk_frame(frame[subject].to_list(), frame.get_columns(), apart)
