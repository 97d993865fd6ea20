"""The rows of a source as facts, one by one.  file -> [replay_rows] -> replay

Reads what a batch reads, by the same readers, and types it by the same rules as a worker does; only that a line of JSON
that can't be taken is an error with its number, for a replay is to go on, and that a subject may be named twice. Judges
nothing."""

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from engine import Schema
from rulefarm import wire
from rulefarm.batch import (
    MAX_COLUMNS_NOTED,
    Progress,
    SourceOptions,
    compare_columns,
    names_in,
    open_source,
    own_columns,
    read_lines,
    subject_names,
    value_at,
)
from rulefarm.errors import JobRejected, SourceRejected
from rulesets.loader import LoadedRuleset
from rulesets.source_fields import source_fields
from tasks.chunk_rows import read_rows, whole_facts

#: Rows that are read at once.
_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One row of a source."""

    #: Of its line, empty ones counted, or of its row; from 1.
    number: int
    #: What it is called in the source; None: nothing.
    subject: str | None
    document: dict[str, Any]
    #: Why it can't be judged: code and message; None if it can.
    refusal: tuple[str, str] | None = None


@dataclass(slots=True)
class ReplaySource:
    """A source that is about to be replayed."""

    #: In order, one at a time.
    rows: Iterator[ReplayRow]
    #: `line` or `row`: what one of them is.
    unit: str
    _progress: Progress
    _loaded: LoadedRuleset

    def remarks(self) -> list[str]:
        """What is to be said once all of it has been read, in sentences: columns that are no field, and their like."""
        published = source_fields(self._loaded)
        mismatch = compare_columns(own_columns(self._progress.columns, published), published)
        return [*mismatch.sentences(), *self._progress.remarks]


def open_replay(
    path: str, options: SourceOptions, loaded: LoadedRuleset, *, database_url: str | None = None
) -> ReplaySource:
    """The rows of a source of one's own.

    Args:
        path: of a file or folder that a batch could be.
        options: how it is to be read; its subject is by default the domain's key.
        loaded: the ruleset of the domain.
        database_url: where a query is asked.

    Raises:
        SourceRejected: as `open_source`; what else is wrong comes to light while it is read.
    """
    names = _subject_names(options.subject, loaded)
    options = replace(options, subject=names[0], subject_elsewhere=names[1:])
    source = open_source(path, options, rows=_ROWS, database_url=database_url)
    if source.form == "json" and not os.path.isdir(path):
        rows = _lines_of(Path(path), options, loaded, source.progress)
        return ReplaySource(rows, "line", source.progress, loaded)
    return ReplaySource(_rows_of(source.portions, source.form, loaded.schema), "row", source.progress, loaded)


def _subject_names(subject: str | None, loaded: LoadedRuleset) -> tuple[str, ...]:
    return subject_names(subject or loaded.schema.key, source_fields(loaded))


def rows_of_lines(
    lines: Iterable[str], loaded: LoadedRuleset, *, subject: str | None = None, progress: Progress | None = None
) -> Iterator[ReplayRow]:
    """Lines of JSON as rows; a line that can't be taken is one too.

    Args:
        lines: of facts, or of fields of the subject.
        loaded: the ruleset of their domain.
        subject: where the subject's name stands. Default: where the domain has its key.
        progress: takes the names in them. Default: nobody asks for these.
    """
    names = _subject_names(subject, loaded)
    progress = progress or Progress()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            sent = wire.parse(wire.canonical(wire.parse(text, source="the line")))
        except JobRejected as error:
            yield ReplayRow(number, None, {}, (error.code, error.message))
            continue
        if len(progress.columns) < MAX_COLUMNS_NOTED:
            progress.columns.update(dict.fromkeys(names_in(sent)))
        name = next((found for path in names if (found := value_at(sent, path)) is not None), None)
        yield ReplayRow(number, name, whole_facts(sent, loaded.schema))


def _lines_of(path: Path, options: SourceOptions, loaded: LoadedRuleset, progress: Progress) -> Iterator[ReplayRow]:
    try:
        with closing(read_lines(path, options.encoding)) as lines:
            yield from rows_of_lines(lines, loaded, subject=options.subject, progress=progress)
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceRejected("unreadable-source", f"{path} can't be read: {reason}") from None


def _rows_of(portions: Iterator[pl.DataFrame], form: str, schema: Schema) -> Iterator[ReplayRow]:
    before = 0
    for frame in portions:
        rows = read_rows(frame, form, schema)
        for place, (subject, document) in enumerate(zip(rows.subjects, rows.documents, strict=True)):
            yield ReplayRow(before + place + 1, subject, document, rows.refused.get(place))
        before += len(rows.subjects)
