"""Read reference facts from a file.  csv, parquet, jsonl, sql -> [fact_files] -> pairs of key and fields

Reads a portion at a time, so that a file may be longer than memory. Stores nothing: `rulefarm.reference_facts` does."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from engine import FactSchema
from rulefarm.batch import JSON_COLUMN, SUBJECT_COLUMN, open_source
from rulefarm.errors import SourceRejected
from rulefarm.normalize import abbreviate
from tasks.csv_typing import typed_columns
from tasks.shared_facts import key_text

#: Rows that are read at once.
_ROWS = 1_000


def read_pairs(
    path: str | os.PathLike[str],
    *,
    key: str | None,
    declared: Callable[[], FactSchema],
    database_url: str | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The facts of a file, each with its key.

    Args:
        path: a .csv, .parquet, .jsonl or .sql file; a row, or line, is one fact.
        key: the column that holds the key; default: the first.
        declared: the fact as a domain has it; asked for a csv alone, which does not say what is a number.
        database_url: where a query is asked.

    Raises:
        SourceRejected: the file can't be read, a row has no key, or text that is not of the kind of its field.
    """
    source = open_source(path, subject=key, rows=_ROWS, database_url=database_url)
    schema = declared() if source.form == "text" else None
    before = 0
    for frame in source.portions:
        subjects = frame[SUBJECT_COLUMN].to_list()
        frame = frame.drop(SUBJECT_COLUMN)
        if source.form == "json":
            documents = [json.loads(text) for text in frame[JSON_COLUMN]]
        else:
            if schema is not None:
                frame, untyped = typed_columns(frame, schema.fields)
                if untyped.any():
                    row = before + (untyped.arg_max() or 0)
                    message = f"{path}: row {row + 1}, {abbreviate(subjects[row - before])}: a field is not of its kind"
                    raise SourceRejected("wrong-kind", message, "see the fact in domain.toml")
            documents = list(frame.iter_rows(named=True))
        column = key or next(iter(frame.columns))
        for subject, document in zip(subjects, documents, strict=True):
            # A parquet may hold 7.0 for the key 7; what is text is a key as it stands.
            fact_key = key_text(document.get(column)) if source.form != "text" else None
            # Null and missing are the same value: what is not there takes no room.
            yield fact_key or subject, {name: value for name, value in document.items() if value is not None}
        before += len(documents)
