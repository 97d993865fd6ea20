"""Cut a source into chunks.  csv, parquet, jsonl -> [batches] -> batch and chunk rows -> bells

Needs the extra `rulefarm[batch]`. A batch is on record whole, or not at all; a source that can't be cut into named,
unique subjects is refused before anything is written. Knows no schema: text stays text for the worker to read."""

import io
import os
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from rulefarm import wire
from rulefarm.bell import Bell, chunk_bell
from rulefarm.errors import JobRejected, SourceRejected
from rulefarm.jobs import Batch
from rulefarm.ledger import Ledger, reachable
from rulefarm.limits import MAX_KEY_CHARACTERS
from rulefarm.settings import Settings
from rulefarm.tables import batches, chunks

#: Added to every chunk: what the verdict's subject is, as text.
SUBJECT_COLUMN = "rulefarm.subject"
#: The one other column of a chunk whose rows are whole JSON documents.
JSON_COLUMN = "rulefarm.facts"

#: How a chunk's columns are to be read. columns: typed, as in parquet. text: every value text, as in csv, to be read
#: by the kinds that the domain declares. json: one canonical document a row.
FORMS = {".parquet": "columns", ".csv": "text", ".jsonl": "json", ".ndjson": "json"}


def take(
    ledger: Ledger,
    settings: Settings,
    domain: str,
    source: str | os.PathLike[str],
    *,
    subject: str | None = None,
    key: str | None = None,
    as_of: datetime | None = None,
) -> tuple[Batch, list[Bell]]:
    """Read a source, write its batch and chunk rows in one transaction, and give the bells to ring.

    Args:
        ledger: where the rows go.
        settings: chunk_rows, reconcile_grace_s.
        domain: who judges.
        source: path of a .csv, .parquet or .jsonl file.
        subject: the column or path that names the subject. Default: the first.
        key: makes the batch idempotent.
        as_of: the instant to judge at. Default: now.

    Returns:
        The batch as recorded, and one bell a chunk. A batch that was there already gives its chunks' bells again.

    Raises:
        SourceRejected: unreadable, empty, or with subjects that are missing or not unique.
        DatabaseUnreachable: nothing was written.
    """
    path = Path(source)
    moment = wire.instant(as_of) if as_of else datetime.now(UTC)
    batch_id = uuid.uuid4() if key is None else wire.job_id(domain, wire.checked_key(key), "batch", as_of)
    frame, form = read_source(path, subject)
    slices = list(encode(frame, settings.chunk_rows))
    record: dict[str, Any] = {
        "id": batch_id,
        "domain": domain,
        "source": str(path),
        "rows": len(frame),
        "chunks": len(slices),
        "as_of": moment,
    }
    ring_at = func.now() + timedelta(seconds=settings.reconcile_grace_s)
    with reachable(ledger.engine), ledger.engine.begin() as connection:
        statement = insert(batches).values(record).on_conflict_do_nothing(index_elements=["id"])
        if connection.execute(statement.returning(batches.c.id)).first():
            for n, (rows, facts) in enumerate(slices):
                connection.execute(
                    insert(chunks).values(batch=batch_id, n=n, rows=rows, form=form, facts=facts, ring_at=ring_at)
                )
        else:
            record = dict(connection.execute(select(batches).where(batches.c.id == batch_id)).mappings().one())
    batch = Batch(**{name: record[name] for name in ("id", "domain", "source", "rows", "chunks", "as_of")})
    return batch, [chunk_bell(domain, batch_id, n) for n in range(batch.chunks)]


def read_source(path: Path, subject: str | None) -> tuple[pl.DataFrame, str]:
    """The rows of a source, each with its subject.

    Args:
        path: a .csv, .parquet or .jsonl file.
        subject: the column or path that names the subject. Default: the first.

    Returns:
        A frame with SUBJECT_COLUMN, and the form of its other columns.

    Raises:
        SourceRejected: see `take`.
    """
    form = FORMS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(FORMS))
        raise SourceRejected(
            "unknown-format", f"{path}: {path.suffix or 'no suffix'!r} is no format", f"known: {known}"
        )
    try:
        if form == "json":
            frame = _read_jsonl(path, subject)
        elif form == "text":
            frame = _named(pl.read_csv(path, infer_schema=False), path, subject)
        else:
            frame = _named(pl.read_parquet(path), path, subject)
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceRejected("unreadable-source", f"{path} can't be read: {reason}") from error
    _check_subjects(frame[SUBJECT_COLUMN], path)
    return frame, form


def encode(frame: pl.DataFrame, rows: int) -> Iterator[tuple[int, bytes]]:
    """Cut a frame into chunks of at most `rows`: how many each has, and what its row keeps."""
    for part in frame.iter_slices(rows):
        buffer = io.BytesIO()
        part.write_ipc(buffer, compression="zstd")
        yield len(part), buffer.getvalue()


def decode(facts: bytes) -> pl.DataFrame:
    """The frame of a chunk row, SUBJECT_COLUMN included."""
    return pl.read_ipc(io.BytesIO(facts))


def _named(frame: pl.DataFrame, path: Path, subject: str | None) -> pl.DataFrame:
    if frame.is_empty():
        raise SourceRejected("empty-source", f"{path} has no rows")
    column = subject or frame.columns[0]
    if column not in frame.columns:
        raise SourceRejected(
            "no-subject", f"{path} has no column {column!r} to name the subjects", f"it has {', '.join(frame.columns)}"
        )
    return frame.with_columns(pl.col(column).cast(pl.String).alias(SUBJECT_COLUMN))


def _read_jsonl(path: Path, subject: str | None) -> pl.DataFrame:
    subjects: list[str | None] = []
    documents: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                document = wire.parse(line, source=f"{path}:{number}")
                documents.append(wire.canonical(document))
            except JobRejected as error:
                place = "" if str(path) in error.message else f"{path}:{number}: "
                raise SourceRejected(error.code, f"{place}{error.message}", error.hint) from None
            subject = subject or _first_path(document)
            subjects.append(_at(document, subject))
    if not documents:
        raise SourceRejected("empty-source", f"{path} has no rows")
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


def _check_subjects(subjects: pl.Series, path: Path) -> None:
    missing = subjects.is_null() | (subjects.str.len_chars() == 0)
    too_long = subjects.str.len_chars() > MAX_KEY_CHARACTERS
    unclean = subjects.str.contains("\x00", literal=True)
    for flawed, what in (
        (missing, "names no subject"),
        (too_long, f"names a subject of more than {MAX_KEY_CHARACTERS} characters"),
        (unclean, "names a subject with a NUL character"),
        (subjects.is_duplicated(), "names a subject that another row names too"),
    ):
        row = flawed.fill_null(False).arg_max() if flawed.any() else None
        if row is not None:
            raise SourceRejected(
                "bad-subject", f"{path}: row {row + 1} {what}: {subjects[row]!r}", "name the column with --subject"
            )
