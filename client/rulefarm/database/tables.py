"""The tables that producers and workers share: ledger and verdicts.  [tables] -> ledger, store, migrations

Definitions only, in SQLAlchemy Core. `store` adds the tables that only the farm's own side touches, and the migrations.
A job's or chunk's row is the truth; its message only wakes a worker."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

#: Every constraint has a name that follows from what it is of, so a migration can drop it and an error can be mapped.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_INSTANT = DateTime(timezone=True)


def _last_attempt() -> list[Column[Any]]:
    """Who made the last counted attempt, and how the last failed one failed."""
    return [Column("worker", Text), Column("code", Text), Column("reason", Text)]


jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("domain", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("as_of", _INSTANT, nullable=False),
    Column("bulk", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False, server_default="open"),
    # 0: the first delivery is under way, or still to come; it is not counted before it fails or is repeated.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", _INSTANT),
    *_last_attempt(),
    Column("enqueued_at", _INSTANT, nullable=False, server_default=func.now()),
    # Messages sent for it; 0: none yet. resend_at: when the reconciler sends the next, if it is open then.
    Column("times_sent", Integer, nullable=False, server_default=text("1")),
    Column("resend_at", _INSTANT, nullable=False, server_default=func.now()),
    # The trace that it was submitted in, as W3C writes it; NULL: in none.
    Column("traceparent", Text),
    # Of the ruleset that judges it; NULL: the one that is active by then.
    Column("digest", Text),
    CheckConstraint("state in ('open', 'done', 'dead')", name="state"),
)
# By queue, for a worker takes what is due of one; without the domain the others' backlog would be in its way.
Index("ix_jobs_due", jobs.c.domain, jobs.c.bulk, jobs.c.resend_at, postgresql_where=text("state = 'open'"))
Index("ix_jobs_domain_subject", jobs.c.domain, jobs.c.subject)

batches = Table(
    "batches",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("domain", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("as_of", _INSTANT, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("enqueued_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("finished_at", _INSTANT),
    # Records of the source, but those without anything in them; those of them that can't be judged, whatever the rules;
    # and, once it is done, those that were judged. Rows that are on record before these columns were have NULL.
    Column("records", BigInteger),
    Column("refused", BigInteger),
    Column("judged", BigInteger),
    # Once it is done: outcome to how many subjects have it. NULL too where it was done before this column was.
    Column("outcomes", JSONB(none_as_null=True)),
    # The names of its columns, and what somebody should know who sent it, as lists of texts.
    Column("columns", JSONB(none_as_null=True)),
    Column("remarks", JSONB(none_as_null=True)),
    Column("nightly", Boolean, nullable=False, server_default=text("false")),
    # Of a failed one: why, and how often it was tried.
    Column("code", Text),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # As of a job.
    Column("traceparent", Text),
    Column("digest", Text),
    # failed: its source was refused, or could not be read; it has no chunks.
    CheckConstraint("state in ('open', 'done', 'dead', 'failed')", name="state"),
)
Index("ix_batches_enqueued_at", batches.c.enqueued_at)

chunks = Table(
    "chunks",
    metadata,
    Column("batch", Uuid, ForeignKey("batches.id", ondelete="CASCADE"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", _INSTANT),
    *_last_attempt(),
    Column("form", Text, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("times_sent", Integer, nullable=False, server_default=text("1")),
    Column("resend_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("finished_at", _INSTANT),
    # Once it is done: outcome to how many of its subjects have it, as of a batch. NULL too where verdicts of some were
    # on record before, or the worker was of the release before.
    Column("outcomes", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("batch", "n"),
    # split: its rows are in later chunks of the batch, because one of them kept it from being judged.
    CheckConstraint("state in ('open', 'done', 'dead', 'split')", name="state"),
    CheckConstraint("form in ('columns', 'text', 'text-point', 'text-comma', 'json')", name="form"),
)
Index("ix_chunks_open", chunks.c.resend_at, postgresql_where=text("state = 'open'"))

# Partitioned by enqueued_at, so that retention is a DROP. A unique key must hold the partition column: enqueued_at is
# fixed when the job is submitted, so a repeat of the same job still meets the same key. evaluated_at would not do.
verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("enqueued_at", _INSTANT, nullable=False),
    Column("domain", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("batch", Uuid),
    Column("outcome", Text, nullable=False),
    Column("fired", ARRAY(Text), nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("ruleset_digest", Text, nullable=False),
    Column("facts_digest", Text, nullable=False),
    Column("as_of", _INSTANT, nullable=False),
    Column("worker", Text, nullable=False),
    Column("evaluated_at", _INSTANT, nullable=False),
    Column("micros", Integer, nullable=False),
    # The shared facts that were judged with it; NULL: its domain has none.
    Column("shared_facts", JSONB(none_as_null=True)),
    # Texts that rules logged, and the calls that they made, in order.
    Column("logs", JSONB, nullable=False, server_default=text("'[]'")),
    Column("events", JSONB, nullable=False, server_default=text("'[]'")),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    PrimaryKeyConstraint("id", "enqueued_at"),
    CheckConstraint("outcome in ('accept', 'review', 'reject', 'error')", name="outcome"),
    postgresql_partition_by="RANGE (enqueued_at)",
)
Index("ix_verdicts_domain_outcome_evaluated_at", verdicts.c.domain, verdicts.c.outcome, verdicts.c.evaluated_at)
# Newest first, whatever else is asked of them.
Index("ix_verdicts_evaluated_at", verdicts.c.evaluated_at)
Index("ix_verdicts_subject", verdicts.c.subject)
# Of a batch the newest of each outcome, and how many have which: a batch may be a million rows.
Index(
    "ix_verdicts_batch_outcome_evaluated_at",
    verdicts.c.batch,
    verdicts.c.outcome,
    verdicts.c.evaluated_at,
    postgresql_where=text("batch is not null"),
)

# What is not tried any more: jobs, rows of batches that stand alone in their chunk, and messages that were refused.
dead_letters = Table(
    "dead_letters",
    metadata,
    # Of a job its id; of a row of a batch uuid5 of batch and subject, like its verdict's; of a message its own.
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("domain", Text),
    Column("subject", Text),
    Column("batch", Uuid),
    Column("chunk", Integer),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # Who made the last attempt, or refused the message.
    Column("worker", Text),
    Column("attempts", Integer, nullable=False),
    # The beginning of a refused message.
    Column("content", Text),
    Column("died_at", _INSTANT, nullable=False, server_default=func.now()),
    CheckConstraint("kind in ('job', 'row', 'message')", name="kind"),
)
Index("ix_dead_letters_died_at", dead_letters.c.died_at)
Index("ix_dead_letters_batch", dead_letters.c.batch, postgresql_where=text("batch is not null"))

# One row: what the reconciler did last.
reconciler = Table(
    "reconciler",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ran_at", _INSTANT, nullable=False),
    Column("sent", Integer, nullable=False, server_default=text("0")),
    # When it last found the broker without its data.
    Column("broker_lost_at", _INSTANT),
    # The beats that had it run, by name: when each was first heard of, and when last.
    Column("beats", JSONB(none_as_null=True)),
    CheckConstraint("id = 1", name="one_row"),
)

# One row: which farm this is.
farm = Table(
    "farm",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Uuid, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

# What falls due by the calendar: one row for each instant, and the next to come.
duties = Table(
    "duties",
    metadata,
    # What is to be done: nightly. And for which domain.
    Column("kind", Text, nullable=False),
    Column("domain", Text, nullable=False),
    # The instant that the calendar names, whenever it is carried out.
    Column("due_at", _INSTANT, nullable=False),
    # When it is given up, if it is still open then.
    Column("expires_at", _INSTANT, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    # Tries that failed; why the last one did.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("code", Text),
    Column("reason", Text),
    # Messages sent for it; when the reconciler sends the next, if it is open then.
    Column("times_sent", Integer, nullable=False, server_default=text("0")),
    Column("resend_at", _INSTANT, nullable=False),
    # When a worker began the try that is under way; NULL: none is.
    Column("started_at", _INSTANT),
    Column("finished_at", _INSTANT),
    # What came of it.
    Column("batch", Uuid),
    PrimaryKeyConstraint("kind", "domain", "due_at"),
    # failed: its source was refused for good; expired: it was not carried out in time.
    CheckConstraint("state in ('open', 'done', 'failed', 'expired')", name="state"),
)
Index("ix_duties_open", duties.c.resend_at, postgresql_where=text("state = 'open'"))

# Tokens of whoever uses a gateway.
tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    # sha256 of the token, which itself is nowhere.
    Column("digest", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    # Where it counts; NULL: in every domain.
    Column("domains", ARRAY(Text)),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("revoked_at", _INSTANT),
)

rulesets = Table(
    "rulesets",
    metadata,
    Column("domain", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source", JSONB, nullable=False),
    # The fields that a source of it may have, and those that rules read; NULL: published before this column was.
    Column("fields", JSONB(none_as_null=True)),
    Column("published_at", _INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("domain", "digest"),
)

active_rulesets = Table(
    "active_rulesets",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("activated_at", _INSTANT, nullable=False, server_default=func.now()),
)

# Which ruleset became the active one of its domain, or is to, when, by whom and why: a row each time, none of which is
# ever changed, each chained to the one before.
publications = Table(
    "publications",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("domain", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("published_at", _INSTANT, nullable=False, server_default=func.now()),
    # NULL: by a worker of the release before.
    Column("published_by", Text),
    Column("note", Text),
    # publish, activate, rollback; schedule, and what became of it: an activate, a cancel or a skip.
    Column("action", Text, nullable=False, server_default="publish"),
    # The digest that was the active one before; NULL: there was none.
    Column("parent", Text),
    # From when on, for a schedule.
    Column("active_from", _INSTANT),
    # The schedule that is carried out or dropped; for a rollback what it takes back.
    Column("follows", BigInteger, ForeignKey("publications.id")),
    # NULL: by a worker of the release before.
    Column("hash", Text),
    ForeignKeyConstraint(["domain", "digest"], ["rulesets.domain", "rulesets.digest"]),
)
Index("ix_publications_domain", publications.c.domain, publications.c.id)
