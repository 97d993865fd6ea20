"""The rows of a chunk as facts.  chunk row -> [chunk_rows] -> judge, judged_facts, replay_rows

One reading for whoever judges a row and whoever explains it later. Most rows are judged by their columns; one whose
values do not all fit these has a document of its own. What nobody can read is said with its field, in that row alone.
Judges nothing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from engine import Schema
from rulefarm.batch import APART_COLUMN, JSON_COLUMN, SUBJECT_COLUMN, decode
from tasks.table_rows import table_rows

#: Codes of the two ways in which a row can't be judged, whatever the rules.
ROW_REFUSED, CELL_REFUSED = "row-refused", "facts-rejected"


@dataclass(frozen=True)
class ChunkRows:
    """The rows of one chunk."""

    subjects: list[str]
    #: Gives the facts of each row.
    read: Callable[[], list[dict[str, Any]]]
    #: The rows that can't be judged, by their number: code and reason.
    refused: dict[int, tuple[str, str]]
    #: The columns, typed; None for documents.
    columns: pl.DataFrame | None
    #: Whether each column is a whole fact; else they are fields of the subject.
    is_whole: bool
    #: The rows that the columns do not tell all about that rules may read, refused ones included.
    apart: frozenset[int]
    #: The rows whose facts are not what the columns have, in any name.
    own: frozenset[int]

    @cached_property
    def documents(self) -> list[dict[str, Any]]:
        """The facts of each row, as they were sent; made when somebody asks."""
        return self.read()


def read_chunk(chunk: Mapping[str, Any], schema: Schema, *, only: str | None = None) -> ChunkRows:
    """The rows of a chunk.

    Args:
        chunk: form and facts of the chunk's row.
        schema: of its domain.
        only: this subject alone. Default: all.
    """
    frame = decode(chunk["facts"])
    if only is not None:
        frame = frame.filter(pl.col(SUBJECT_COLUMN) == only)
    return read_rows(frame, chunk["form"], schema)


def read_rows(frame: pl.DataFrame, form: str, schema: Schema) -> ChunkRows:
    """The rows of a frame.

    Args:
        frame: as a source gives it, or a chunk keeps it.
        form: of the source, one of `rulefarm.batch.sources.FORMS`.
        schema: of its domain.
    """
    if form == "json":
        sent = [whole_facts(json.loads(text), schema) for text in frame[JSON_COLUMN]]
        return ChunkRows(frame[SUBJECT_COLUMN].to_list(), lambda: sent, {}, None, True, frozenset(), frozenset())
    # Our own columns aside, is each a whole fact?
    names = [name for name in frame.columns if name not in (SUBJECT_COLUMN, APART_COLUMN)]
    is_whole = bool(names) and all(schema.sent_names.fact(name) in schema.facts for name in names)
    fields = schema.facts[schema.subject].fields_as_sent
    table = table_rows(frame, form, {} if is_whole else fields, schema.decimal, all_matter=is_whole)
    refused = {row: (CELL_REFUSED, _named(flaws, schema, is_whole)) for row, flaws in table.unreadable.items()}
    refused |= {row: (ROW_REFUSED, flaw) for row, flaw in table.flaws.items()}
    apart = frozenset(table.differing | refused.keys())

    def documents() -> list[dict[str, Any]]:
        return table.documents if is_whole else [{schema.subject: document} for document in table.documents]

    return ChunkRows(table.subjects, documents, refused, table.columns, is_whole, apart, frozenset(table.own))


def _named(flaws: Mapping[str, str], schema: Schema, is_whole: bool) -> str:
    names, subject = schema.sent_names, schema.subject
    own = {name: names.fact(name) if is_whole else f"{subject}.{names.field(subject, name)}" for name in flaws}
    return "; ".join(f"{own[name]} {flaw}" for name, flaw in flaws.items())


def whole_facts(document: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """A document of a batch as facts: it may hold these, or the fields of the subject.

    Args:
        document: as it was sent.
        schema: of its domain.
    """
    is_whole = all(schema.sent_names.fact(name) in schema.facts for name in document)
    return document if is_whole else {schema.subject: document}
