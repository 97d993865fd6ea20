"""The facts of a chunk as its row keeps them.  frame -> [chunk_facts] -> compressed columns -> frame

What producer, store and worker agree on. Needs the extra `rulefarm[batch]`."""

import io
from collections.abc import Iterator

import polars as pl

#: Added to every chunk: what the verdict's subject is, as text.
SUBJECT_COLUMN = "rulefarm.subject"
#: The one other column of a chunk whose rows are whole JSON documents.
JSON_COLUMN = "rulefarm.facts"


def encode(frame: pl.DataFrame, rows: int) -> Iterator[tuple[int, bytes]]:
    """Cut a frame into chunks of at most `rows`: how many each has, and what its row keeps."""
    for part in frame.iter_slices(rows):
        buffer = io.BytesIO()
        part.write_ipc(buffer, compression="zstd")
        yield len(part), buffer.getvalue()


def decode(facts: bytes) -> pl.DataFrame:
    """The frame of a chunk row, SUBJECT_COLUMN included."""
    return pl.read_ipc(io.BytesIO(facts))
