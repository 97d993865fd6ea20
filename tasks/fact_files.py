"""Read reference facts from a file.  csv, parquet, jsonl, sql -> [fact_files] -> pairs of key and fields

Reads a portion at a time, so that a file may be longer than memory. Stores nothing: `rulefarm.reference_facts` does."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from rulefarm.batch import JSON_COLUMN, SUBJECT_COLUMN, SourceOptions, open_source
from rulefarm.errors import SourceRejected
from rulefarm.normalize import abbreviate
from rulesets.loader import DeclaredFact
from tasks.shared_facts import key_text
from tasks.table_rows import TableRows, table_rows

#: Rows that are read at once.
_ROWS = 1_000


def read_pairs(
    path: str | os.PathLike[str],
    options: SourceOptions,
    *,
    declared: Callable[[], DeclaredFact],
    database_url: str | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The facts of a file, each with its key.

    Args:
        path: any source of a batch; a row, or line, is one fact.
        options: how it is to be read; `subject` is the column that holds the key, by default the first.
        declared: the fact as domains have it; asked for text alone, which does not say what is a number.
        database_url: where a query is asked.

    Raises:
        SourceRejected: the file can't be read, a row has no key, or a field of it can't be read, or is text that is not
            of its kind.
    """
    source = open_source(path, options, rows=_ROWS, database_url=database_url)
    known = declared() if source.form.startswith("text") else None
    if known is not None and known.decimal is None and options.decimal is None:
        message = f"{path}: the domains that look it up do not agree on how decimals are written"
        raise SourceRejected("no-decimal", message, "say it: --decimal . or --decimal ,")
    decimal = (known.decimal if known else None) or "."
    before = 0
    for frame in source.portions:
        if source.form == "json":
            subjects = frame[SUBJECT_COLUMN].to_list()
            documents = [json.loads(text) for text in frame[JSON_COLUMN]]
        else:
            fields = known.fact.fields_as_sent if known else {}
            rows = table_rows(frame, source.form, fields, decimal, all_matter=True)
            _check(rows, f"{path}: row", before)
            subjects, documents = rows.subjects, rows.documents
        column = options.subject or next(iter(source.progress.columns))
        for subject, document in zip(subjects, documents, strict=True):
            # A parquet may hold 7.0 for the key 7; what is text is a key as it stands.
            key = key_text(document.get(column)) if known is None else None
            # Null and missing are the same value: what is not there takes no room.
            yield key or subject, {name: value for name, value in document.items() if value is not None}
        before += len(documents)


def _check(rows: TableRows, place: str, before: int) -> None:
    """Refuse the first row of which anything can't be read."""
    bad = sorted(rows.flaws.keys() | rows.unreadable.keys() | rows.odd.keys())
    if not bad:
        return
    row = bad[0]
    flaw = rows.flaws.get(row)
    if flaw is None:
        flaw = "; ".join(f"{name} {why}" for name, why in rows.unreadable.get(row, {}).items())
    if not flaw:
        odd = rows.odd[row].items()
        flaw = "; ".join(f"{name} is not of its kind: {abbreviate(value)}" for name, value in odd)
    message = f"{place} {before + row + 1}, {abbreviate(rows.subjects[row])}: {flaw}"
    raise SourceRejected("wrong-kind", message, "see the fact in domain.toml")
