"""The facts of a chunk as its row keeps them.  frame -> [chunk_codec] -> compressed columns -> frame

What producer, store and worker agree on. Needs the extra `rulefarm[batch]`."""

import io
from collections.abc import Iterator

import polars as pl

from rulefarm.errors import SourceRejected
from rulefarm.limits import MAX_CHUNK_BYTES
from rulefarm.normalize import abbreviate

# These names stand in the rows of chunks: whoever changes one can't read what is on record.
#: Added to every chunk: what the verdict's subject is, as text.
SUBJECT_COLUMN = "rulefarm.subject"
#: The one other column of a chunk whose rows are whole JSON documents.
JSON_COLUMN = "rulefarm.facts"


def encode(frame: pl.DataFrame, rows: int) -> Iterator[tuple[int, bytes]]:
    """Cut a frame into chunks.

    Args:
        frame: with SUBJECT_COLUMN.
        rows: of a chunk at most; fewer where they would take more than MAX_CHUNK_BYTES.

    Returns:
        How many rows each chunk has, and what its row keeps.

    Raises:
        SourceRejected: one row takes more than a chunk may.
    """
    for part in frame.iter_slices(rows):
        size = part.estimated_size()
        if size <= MAX_CHUNK_BYTES:
            buffer = io.BytesIO()
            part.write_ipc(buffer, compression="zstd")
            yield len(part), buffer.getvalue()
        elif len(part) > 1:
            yield from encode(part, (len(part) + 1) // 2)
        else:
            subject = abbreviate(part[SUBJECT_COLUMN][0])
            raise SourceRejected("row-too-large", f"the row of {subject} takes {size} bytes, over {MAX_CHUNK_BYTES}")


def decode(facts: bytes) -> pl.DataFrame:
    """The frame of a chunk row, SUBJECT_COLUMN included."""
    return pl.read_ipc(io.BytesIO(facts))
