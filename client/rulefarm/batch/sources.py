"""Read a source, a portion at a time.  csv, parquet, jsonl, sql -> [sources] -> frames with subjects -> submit

However long the source, a few portions of it are in memory. Each row is named by its subject; what can't be read or
named is refused with its place. Whether a subject is named twice is not seen here: that takes all rows at once."""

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from rulefarm import wire
from rulefarm.batch.chunk_codec import JSON_COLUMN, SUBJECT_COLUMN
from rulefarm.errors import JobRejected, SourceRejected
from rulefarm.limits import MAX_CHUNK_BYTES, MAX_KEY_CHARACTERS, MAX_MESSAGE_BYTES
from rulefarm.normalize import abbreviate, to_json_values

#: How a chunk's columns are to be read. columns: typed, as in parquet. text: every value text, as in csv, to be read
#: by the kinds that the domain declares. json: one canonical document a row.
FORMS = {".parquet": "columns", ".csv": "text", ".jsonl": "json", ".ndjson": "json", ".sql": "columns"}


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source that is about to be read."""

    #: One of FORMS.
    form: str
    #: Frames with SUBJECT_COLUMN, in the order of the source; reading on may raise SourceRejected.
    portions: Iterator[pl.DataFrame]


def open_source(
    source: str | os.PathLike[str], *, subject: str | None, rows: int, database_url: str | None = None
) -> OpenedSource:
    """The rows of a source, each with its subject.

    Args:
        source: path of a .csv, .parquet or .jsonl file, or of a .sql file that holds one query.
        subject: the column or path that names the subject. Default: the first.
        rows: of a portion, at most.
        database_url: where a query is asked.

    Raises:
        SourceRejected: no known format. What else is wrong with it comes to light while it is read.
    """
    path = Path(source)
    form = FORMS.get(path.suffix.lower())
    if form is None:
        formats = ", ".join(sorted(FORMS))
        raise SourceRejected(
            "unknown-format", f"{path}: {path.suffix or 'no suffix'!r} is no format", f"known: {formats}"
        )
    if form == "json":
        frames = _read_jsonl(path, subject, rows)
    elif path.suffix.lower() == ".sql":
        frames = _read_query(path, subject, rows, database_url)
    else:
        frames = _read_columns(path, subject, rows, is_text=form == "text")
    return OpenedSource(form, _portions(frames, path))


def _portions(frames: Generator[pl.DataFrame, None, None], path: Path) -> Iterator[pl.DataFrame]:
    before = 0
    try:
        # Closed at once when a row is refused: it may hold a connection.
        with closing(frames):
            for frame in frames:
                _check_subjects(frame[SUBJECT_COLUMN], path, before)
                yield frame
                before += len(frame)
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError, SQLAlchemyError, ImportError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceRejected("unreadable-source", f"{path} can't be read: {reason}") from error
    if not before:
        raise SourceRejected("empty-source", f"{path} has no rows")


def _read_columns(path: Path, subject: str | None, rows: int, *, is_text: bool) -> Generator[pl.DataFrame, None, None]:
    scan = pl.scan_csv(path, infer_schema=False) if is_text else pl.scan_parquet(path)
    column = _subject_column(scan.collect_schema().names(), path, subject)
    named = scan.with_columns(pl.col(column).cast(pl.String).alias(SUBJECT_COLUMN))
    yield from named.collect_batches(chunk_size=rows, lazy=True)


def _read_query(
    path: Path, subject: str | None, rows: int, database_url: str | None
) -> Generator[pl.DataFrame, None, None]:
    if database_url is None:
        raise SourceRejected("no-source-database", f"{path}: no database is named to ask", "set RULEFARM_SOURCE_URL")
    query = path.read_text(encoding="utf-8")
    options: dict[str, Any] = {
        # A cursor on the server's side: without it the client's library would fetch all rows at once.
        "stream_results": True,
        "max_row_buffer": rows,
        # A colon or a percent sign in somebody's query is no parameter of ours.
        "no_parameters": True,
    }
    with _engine(database_url).connect() as connection:
        result = connection.execution_options(**options).exec_driver_sql(query)
        column = _subject_column(list(result.keys()), path, subject)
        for portion in result.partitions(rows):
            frame = pl.DataFrame(portion, schema=list(result.keys()), orient="row", infer_schema_length=None)
            # A uuid, say: what polars has no column for is its text.
            objects = [name for name, kind in frame.schema.items() if kind == pl.Object]
            frame = frame.with_columns(pl.Series(name, [_text(value) for value in frame[name]]) for name in objects)
            yield frame.with_columns(pl.col(column).cast(pl.String).alias(SUBJECT_COLUMN))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _engine(database_url: str) -> Engine:
    url = make_url(database_url)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg2")
    return create_engine(url, poolclass=NullPool)


def _subject_column(columns: list[str], path: Path, subject: str | None) -> str:
    try:
        to_json_values(dict.fromkeys(columns))
    except JobRejected as error:
        raise SourceRejected(error.code, f"{path}: columns: {error.message}", error.hint) from None
    column = subject or next(iter(columns), "")
    if column not in columns:
        raise SourceRejected(
            "no-subject", f"{path} has no column {column!r} to name the subjects", f"it has {', '.join(columns)}"
        )
    return column


def _read_jsonl(path: Path, subject: str | None, rows: int) -> Generator[pl.DataFrame, None, None]:
    subjects: list[str | None] = []
    documents: list[str] = []
    characters = 0
    with path.open(encoding="utf-8-sig") as lines:
        number = 0
        # Not `for line in lines`: a line that does not end would be read whole.
        while line := lines.readline(MAX_MESSAGE_BYTES + 1):
            number += 1
            if len(line) > MAX_MESSAGE_BYTES:
                place = f"{path}:{number}"
                raise SourceRejected("facts-too-large", f"{place}: more than {MAX_MESSAGE_BYTES} characters in a line")
            if not line.strip():
                continue
            document, text = _document(line, f"{path}:{number}")
            subject = subject or _first_path(document)
            subjects.append(_at(document, subject))
            documents.append(text)
            characters += len(text)
            if len(documents) == rows or characters > MAX_CHUNK_BYTES // 2:
                yield _json_frame(subjects, documents)
                subjects, documents, characters = [], [], 0
    if documents:
        yield _json_frame(subjects, documents)


def _document(line: str, place: str) -> tuple[dict[str, Any], str]:
    try:
        document = wire.parse(line, source=place)
        return document, wire.canonical(document)
    except JobRejected as error:
        message = error.message if place in error.message else f"{place}: {error.message}"
        raise SourceRejected(error.code, message, error.hint) from None


def _json_frame(subjects: list[str | None], documents: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {SUBJECT_COLUMN: subjects, JSON_COLUMN: documents}, schema_overrides={SUBJECT_COLUMN: pl.String}
    )


def _first_path(document: Mapping[str, Any]) -> str:
    for name, value in document.items():
        return f"{name}.{_first_path(value)}" if isinstance(value, Mapping) else name
    return ""


def _at(document: Mapping[str, Any], path: str) -> str | None:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return None if value is None or isinstance(value, (Mapping, list)) else str(value)


def _check_subjects(subjects: Iterable[str | None], path: Path, before: int) -> None:
    for row, subject in enumerate(subjects, before + 1):
        if not subject:
            flaw = "names no subject"
        elif len(subject) > MAX_KEY_CHARACTERS:
            flaw = f"names a subject of more than {MAX_KEY_CHARACTERS} characters: {abbreviate(subject)}"
        elif "\x00" in subject:
            flaw = f"names a subject with a NUL character: {abbreviate(subject)}"
        else:
            continue
        raise SourceRejected("bad-subject", f"{path}: row {row} {flaw}", "name the column with --subject")
