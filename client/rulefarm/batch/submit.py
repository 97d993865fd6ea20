"""Put a source on record as a batch.  source -> sources -> [submit] -> batch and chunk rows -> messages

Needs the extra `rulefarm[batch]`. A batch is on record whole, or not at all: everything is written in one transaction,
a portion of the source at a time, so that the producer's memory does not grow with the source; of one that is refused
stays that it failed. Knows no schema but what was published of it: text stays text for the worker to read."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from rulefarm import wire
from rulefarm.batch.chunk_codec import SUBJECT_COLUMN, encode
from rulefarm.batch.column_check import ColumnCheck, judging_ruleset
from rulefarm.batch.columns import subject_names
from rulefarm.batch.failures import record_failure, take_id
from rulefarm.batch.source_options import MAX_COLUMNS_NOTED, Progress, SourceOptions
from rulefarm.batch.sources import OpenedSource, open_source
from rulefarm.database import allow_long, batches, chunks, copy_columns, translate_errors
from rulefarm.errors import FarmUnreachable, RulefarmError, SourceRejected
from rulefarm.jobs import Batch
from rulefarm.messaging import TaskMessage, chunk_message
from rulefarm.normalize import abbreviate
from rulefarm.settings import Settings
from rulefarm.tracing import current_traceparent, span


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """What a batch is, beside its source."""

    #: Makes it idempotent: what is on record under a key is not read again, unless it failed. None: a new batch.
    key: str | None = None
    #: The instant to judge at. None: now.
    as_of: datetime | None = None
    #: Refuse a source whose columns do not match the fields of the domain, or about which there is a remark.
    strict: bool = False
    #: What the source is called on record. None: as where it is read from.
    source_name: str | None = None
    #: Whether it is the nightly one; then it may not lose or gain columns that matter since the last that was done.
    nightly: bool = False
    #: Whether a nightly's columns are taken as they are, and are from now on those to compare with.
    takes_columns: bool = False


def record_batch(
    engine: Engine,
    settings: Settings,
    domain: str,
    source: str | os.PathLike[str],
    *,
    free_slots: int,
    options: SourceOptions | None = None,
    terms: BatchTerms | None = None,
) -> tuple[Batch, list[TaskMessage]]:
    """Read a source, write its batch and chunk rows in one transaction, and give the messages to send.

    Args:
        engine: the database that the rows go to.
        settings: chunk_rows, reconcile_grace_s, source_url.
        domain: who judges.
        source: path of a file, or of a folder of parts; see docs/batch.md.
        free_slots: messages that the bulk queue of the domain may still take.
        options: how the source is to be read.
        terms: what the batch is.

    Returns:
        The batch as recorded, and one message a chunk, for as many as the queue takes: the reconciler sends the others
        bit by bit. A batch that was there already gives its chunks' messages again.

    Raises:
        SourceRejected: unreadable, empty, with subjects that are missing or not unique, or with columns that are
            refused. A batch is on record that failed, with the reason.
        DatabaseUnreachable: nothing was written.
    """
    with span(f"submit {domain}", "PRODUCER", domain=domain):
        return _record(engine, settings, domain, source, free_slots, options, terms or BatchTerms())


def _record(
    engine: Engine,
    settings: Settings,
    domain: str,
    source: str | os.PathLike[str],
    free_slots: int,
    options: SourceOptions | None,
    terms: BatchTerms,
) -> tuple[Batch, list[TaskMessage]]:
    if not isinstance(source, str | os.PathLike):
        raise SourceRejected("unreadable-source", f"a source is a path, not {abbreviate(source)}")
    record: dict[str, Any] = {
        "id": _batch_id(domain, terms),
        "domain": domain,
        # A name of a file may be bytes that are no UTF-8, and the file can be read all the same.
        "source": (terms.source_name or os.fspath(source)).encode(errors="replace").decode(),
        "rows": 0,
        "chunks": 0,
        "as_of": datetime.now(UTC) if terms.as_of is None else wire.instant(terms.as_of),
        "nightly": terms.nightly,
        "traceparent": current_traceparent(),
        "digest": None,
    }
    progress = Progress()
    try:
        with translate_errors(engine), engine.begin() as connection:
            allow_long(connection)
            # Between two portions a source may take its time.
            connection.execute(text("set local idle_in_transaction_session_timeout = 0"))
            if take_id(connection, record):
                record["digest"], published = judging_ruleset(connection, domain)
                opened = open_source(
                    source,
                    _with_subject_names(options or SourceOptions(), published),
                    rows=settings.chunk_rows,
                    database_url=settings.source_url,
                    progress=progress,
                )
                check = ColumnCheck(
                    connection,
                    record,
                    published,
                    is_json=opened.form == "json",
                    strict=terms.strict,
                    like_the_last=terms.nightly and not terms.takes_columns,
                )
                record |= _write(connection, record, opened, check, settings, free_slots)
            else:
                this_batch = batches.c.id == record["id"]
                record = dict(connection.execute(select(batches).where(this_batch)).mappings().one())
    except FarmUnreachable:
        raise
    except Exception as error:
        told = _named_as(error, os.fspath(source), record["source"])
        # Whoever runs it tonight reads no log: that it failed, and why, is on record.
        record_failure(engine, record, progress, told)
        if told is error:
            raise
        raise told from error
    batch = Batch(
        **{name: record[name] for name in ("id", "domain", "source", "rows", "chunks", "as_of", "digest")},
        refused=record["refused"] or 0,
        remarks=tuple(record["remarks"] or ()),
    )
    return batch, [chunk_message(domain, batch.id, n) for n in range(min(free_slots, batch.chunks))]


def _named_as(error: Exception, path: str, name: str) -> Exception:
    """The error of a source, with what it is called on record in place of where it was read from."""
    if path == name or not isinstance(error, RulefarmError):
        return error
    return type(error)(error.code, error.message.replace(path, name), error.hint)


def _batch_id(domain: str, terms: BatchTerms) -> uuid.UUID:
    if terms.key is None:
        return uuid.uuid4()
    return wire.job_id(domain, wire.checked_key(terms.key), "batch", terms.as_of)


def _with_subject_names(options: SourceOptions, published: Mapping[str, Any] | None) -> SourceOptions:
    """The domain's own name of the subject is found under the other, too."""
    names = subject_names(options.subject, published)
    return replace(options, subject_elsewhere=names[1:])


def _write(
    connection: Connection,
    record: dict[str, Any],
    source: OpenedSource,
    columns: ColumnCheck,
    settings: Settings,
    free_slots: int,
) -> dict[str, Any]:
    """Write the chunks of a source, and what is to be said of it; the columns of the batch that this makes."""
    connection.execute(text('create temporary table subjects (n bigint, subject text collate "C") on commit drop'))
    # Not now(), which is when the transaction began: a long source takes longer to read than the grace.
    resend_at = func.clock_timestamp() + timedelta(seconds=settings.reconcile_grace_s)
    sent = {"times_sent": 1, "resend_at": resend_at}
    unsent = {"times_sent": 0, "resend_at": func.clock_timestamp()}
    rows = n = 0
    for portion in source.portions:
        if not n and source.form != "json":
            # A long table is not read to its end for a header that is refused.
            columns.check(source.progress)
        numbers = list(range(rows + 1, rows + 1 + len(portion)))
        copy_columns(connection, "subjects", {"n": numbers, "subject": portion[SUBJECT_COLUMN].to_list()})
        for count, facts in encode(portion, settings.chunk_rows):
            row = {"batch": record["id"], "n": n, "rows": count, "form": source.form, "facts": facts}
            connection.execute(insert(chunks).values(row | (sent if n < free_slots else unsent)))
            rows, n = rows + count, n + 1
    _check_unique(connection, record["source"])
    progress = source.progress
    found = {
        "rows": rows,
        "chunks": n,
        "digest": record["digest"],
        "records": progress.read,
        "refused": progress.refused,
        "columns": list(progress.columns)[:MAX_COLUMNS_NOTED],
        "remarks": columns.check(progress),
    }
    connection.execute(update(batches).where(batches.c.id == record["id"]).values(found))
    return found


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
