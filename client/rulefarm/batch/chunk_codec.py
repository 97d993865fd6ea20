"""The facts of a chunk as its row keeps them.  frame -> [chunk_codec] -> compressed columns -> frame

What producer, store and worker agree on. A row whose values do not all fit the columns has the others apart, as JSON
with their kinds. Needs the extra `rulefarm[batch]`."""

import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from rulefarm.errors import SourceRejected
from rulefarm.limits import MAX_CHUNK_BYTES
from rulefarm.normalize import abbreviate

# These names stand in the rows of chunks: whoever changes one can't read what is on record.
#: Added to every chunk: what the verdict's subject is, as text.
SUBJECT_COLUMN = "rulefarm.subject"
#: The one other column of a chunk whose rows are whole JSON documents.
JSON_COLUMN = "rulefarm.facts"
#: What does not fit the columns of its chunk, for the rows that have such: see `Apart`.
APART_COLUMN = "rulefarm.apart"
#: No column of a source may begin so.
RESERVED = "rulefarm."


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value that a source has and nobody can read."""

    #: What is wrong with it, to be said behind the name of its field: `is no date …`.
    flaw: str


@dataclass(frozen=True, slots=True)
class Apart:
    """What a row has beside its columns."""

    #: Field to value, or to Unreadable: these count, and not what the columns have there.
    cells: dict[str, Any] = field(default_factory=dict)
    #: What is wrong with the row as a whole, so that it can't be judged; empty if nothing.
    flaw: str = ""

    def to_text(self) -> str:
        """As it stands in APART_COLUMN."""
        cells = {name: _tagged(value) for name, value in self.cells.items()}
        return json.dumps({"cells": cells, "flaw": self.flaw}, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> "Apart":
        """Read back what `to_text` gave."""
        document = json.loads(text)
        return cls({name: _untagged(*pair) for name, pair in document["cells"].items()}, document["flaw"])


def _tagged(value: Any) -> tuple[str, Any]:
    """A value with the name of its kind, where JSON has none for it."""
    if isinstance(value, Unreadable):
        return "unreadable", value.flaw
    if isinstance(value, Decimal):
        return "decimal", str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "float", repr(value)
    if isinstance(value, datetime):
        return "moment", value.isoformat()
    return ("date", value.isoformat()) if isinstance(value, date) else ("json", value)


def _untagged(tag: str, content: Any) -> Any:
    return _KINDS[tag](content)


_KINDS: Mapping[str, Any] = {
    "json": lambda content: content,
    "unreadable": Unreadable,
    "decimal": Decimal,
    "float": float,
    "moment": datetime.fromisoformat,
    "date": date.fromisoformat,
}


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
