"""Put a source on record as a batch.  source -> sources -> [submit] -> batch and chunk rows -> messages

Needs the extra `rulefarm[batch]`. A batch is on record whole, or not at all: everything is written in one transaction,
a portion of the source at a time, so that the producer's memory does not grow with the source. Knows no schema: text
stays text for the worker to read."""

import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from rulefarm import wire
from rulefarm.batch.chunk_codec import SUBJECT_COLUMN, encode
from rulefarm.batch.source_options import SourceOptions
from rulefarm.batch.sources import OpenedSource, open_source
from rulefarm.database import batches, chunks, copy_rows, translate_errors
from rulefarm.errors import SourceRejected
from rulefarm.jobs import Batch
from rulefarm.messaging import TaskMessage, chunk_message
from rulefarm.settings import Settings


def record_batch(
    engine: Engine,
    settings: Settings,
    domain: str,
    source: str | os.PathLike[str],
    *,
    free_slots: int,
    subject: str | None = None,
    key: str | None = None,
    as_of: datetime | None = None,
) -> tuple[Batch, list[TaskMessage]]:
    """Read a source, write its batch and chunk rows in one transaction, and give the messages to send.

    Args:
        engine: the database that the rows go to.
        settings: chunk_rows, reconcile_grace_s, source_url.
        domain: who judges.
        source: path of a .csv, .parquet or .jsonl file, or of a .sql file that holds one query.
        free_slots: messages that the bulk queue of the domain may still take.
        subject: the column or path that names the subject. Default: the first.
        key: makes the batch idempotent: what is on record under it is not read again.
        as_of: the instant to judge at. Default: now.

    Returns:
        The batch as recorded, and one message a chunk, for as many as the queue takes: the reconciler sends the others
        bit by bit. A batch that was there already gives its chunks' messages again.

    Raises:
        SourceRejected: unreadable, empty, or with subjects that are missing or not unique.
        DatabaseUnreachable: nothing was written.
    """
    options = SourceOptions(subject=subject)
    opened = open_source(source, options, rows=settings.chunk_rows, database_url=settings.source_url)
    record: dict[str, Any] = {
        "id": uuid.uuid4() if key is None else wire.job_id(domain, wire.checked_key(key), "batch", as_of),
        "domain": domain,
        "source": os.fspath(source),
        "rows": 0,
        "chunks": 0,
        "as_of": wire.instant(as_of) if as_of else datetime.now(UTC),
    }
    this_batch = batches.c.id == record["id"]
    with translate_errors(engine), engine.begin() as connection:
        # Between two portions a source may take its time.
        connection.execute(text("set local idle_in_transaction_session_timeout = 0"))
        statement = insert(batches).values(record).on_conflict_do_nothing(index_elements=["id"])
        if connection.execute(statement.returning(batches.c.id)).first():
            record |= _write(connection, record["id"], opened, settings, free_slots)
            _check_unique(connection, record["source"])
            connection.execute(update(batches).where(this_batch).values(rows=record["rows"], chunks=record["chunks"]))
        else:
            record = dict(connection.execute(select(batches).where(this_batch)).mappings().one())
    batch = Batch(**{name: record[name] for name in ("id", "domain", "source", "rows", "chunks", "as_of")})
    return batch, [chunk_message(domain, batch.id, n) for n in range(min(free_slots, batch.chunks))]


def _write(
    connection: Connection, batch_id: uuid.UUID, source: OpenedSource, settings: Settings, free_slots: int
) -> dict[str, int]:
    """Write the chunks of a source; how many rows and chunks they are."""
    connection.execute(text('create temporary table subjects (n bigint, subject text collate "C") on commit drop'))
    # Not now(), which is when the transaction began: a long source takes longer to read than the grace.
    resend_at = func.clock_timestamp() + timedelta(seconds=settings.reconcile_grace_s)
    sent = {"times_sent": 1, "resend_at": resend_at}
    unsent = {"times_sent": 0, "resend_at": func.clock_timestamp()}
    rows = n = 0
    for portion in source.portions:
        copy_rows(connection, "subjects", ("n", "subject"), enumerate(portion[SUBJECT_COLUMN], rows + 1))
        for count, facts in encode(portion, settings.chunk_rows):
            row = {"batch": batch_id, "n": n, "rows": count, "form": source.form, "facts": facts}
            connection.execute(insert(chunks).values(row | (sent if n < free_slots else unsent)))
            rows, n = rows + count, n + 1
    return {"rows": rows, "chunks": n}


def _check_unique(connection: Connection, source: str) -> None:
    """Refuse a batch that names a subject twice; Postgres holds the million names, not the producer."""
    duplicates = text(
        "select subject, min(n) as n from subjects group by subject having count(*) > 1 order by n limit 1"
    )
    duplicate = connection.execute(duplicates).first()
    if duplicate is not None:
        again = text("select n from subjects where subject = :subject and n > :n order by n limit 1")
        other = connection.execute(again, {"subject": duplicate.subject, "n": duplicate.n}).scalar_one()
        raise SourceRejected(
            "bad-subject",
            f"{source}: rows {duplicate.n} and {other} name the same subject: {duplicate.subject!r}",
            "name the column with --subject",
        )
