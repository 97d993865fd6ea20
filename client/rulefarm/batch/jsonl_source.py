"""Lines of JSON as frames of documents.  text_lines -> [jsonl_source] -> frames with one document a row -> sources

A line is the fields of the domain's subject, or whole facts. Each document stays what it is, by itself."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from rulefarm import wire
from rulefarm.batch.cells import subject_text
from rulefarm.batch.chunk_codec import JSON_COLUMN
from rulefarm.batch.frames import chunk_frame
from rulefarm.batch.source_options import MAX_COLUMNS_NOTED, Progress, SourceOptions
from rulefarm.batch.text_lines import read_lines
from rulefarm.errors import JobRejected, SourceRejected
from rulefarm.limits import MAX_CHUNK_BYTES


def read_jsonl(path: Path, options: SourceOptions, rows: int, progress: Progress) -> Iterator[pl.DataFrame]:
    """The documents of a file of JSON lines, each with its subject.

    Args:
        path: the file; `.gz` and `.zst` are unpacked.
        options: subject, encoding.
        rows: of a frame, at most; fewer where documents are long.
        progress: takes the names that stand in the documents: `price`, and `Product.price` in whole facts.

    Raises:
        SourceRejected: a line is no JSON object, or holds what no job may hold.
    """
    paths = (options.subject, *options.subject_elsewhere) if options.subject else ()
    subjects: list[str | None] = []
    documents: list[str] = []
    characters = 0
    with closing(read_lines(path, options.encoding)) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            document, text = _document(line, f"{path}:{number}")
            if len(progress.columns) < MAX_COLUMNS_NOTED:
                progress.columns.update(dict.fromkeys(names_in(document)))
            paths = paths or (_first_path(document),)
            subjects.append(next((name for path in paths if (name := value_at(document, path)) is not None), None))
            documents.append(text)
            characters += len(text)
            if len(documents) == rows or characters > MAX_CHUNK_BYTES // 2:
                yield _frame(subjects, documents)
                subjects, documents, characters = [], [], 0
    if documents:
        yield _frame(subjects, documents)


def _document(line: str, place: str) -> tuple[dict[str, Any], str]:
    try:
        document = wire.parse(line, source=place)
        return document, wire.canonical(document)
    except JobRejected as error:
        message = error.message if place in error.message else f"{place}: {error.message}"
        raise SourceRejected(error.code, message, error.hint) from None


def _frame(subjects: list[str | None], documents: list[str]) -> pl.DataFrame:
    return chunk_frame(subjects, [pl.Series(JSON_COLUMN, documents, pl.String)], {})


def names_in(document: Mapping[str, Any]) -> Iterator[str]:
    """The names in a document: its fields, and those of the objects in it, as the fields of a fact."""
    for name, value in document.items():
        yield name
        inner = value if isinstance(value, list) else [value]
        for one in inner:
            if isinstance(one, Mapping):
                yield from (f"{name}.{field}" for field in one)


def _first_path(document: Mapping[str, Any]) -> str:
    for name, value in document.items():
        return f"{name}.{_first_path(value)}" if isinstance(value, Mapping) else name
    return ""


def value_at(document: Mapping[str, Any], path: str) -> str | None:
    """What a document has at a path, as the name of its row; None: nothing.

    Args:
        document: fields of the subject, or whole facts.
        path: `order_id`, `Order.order_id`.
    """
    if path in document:
        return subject_text(document[path])
    # A name of another system may have dots of its own.
    for place, character in enumerate(path):
        inner = document.get(path[:place]) if character == "." else None
        if isinstance(inner, Mapping):
            return value_at(inner, path[place + 1 :])
    return None
