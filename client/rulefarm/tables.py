"""The tables that producers and workers share: ledger and verdicts.  [tables] -> ledger, store, migrations

Definitions only, in SQLAlchemy Core. `store` adds the tables that only the farm's own side touches, and the migrations.
A job's or chunk's row is the truth; its message is a doorbell."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
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

#: Every constraint has a name that can be told before it exists, so a migration can drop it and an error can be mapped.
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
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("enqueued_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("rings", Integer, nullable=False, server_default=text("1")),
    Column("ring_at", _INSTANT, nullable=False, server_default=func.now()),
    CheckConstraint("state in ('open', 'done', 'dead')", name="state"),
)
Index("ix_jobs_open", jobs.c.ring_at, postgresql_where=text("state = 'open'"))
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
    CheckConstraint("state in ('open', 'done', 'dead')", name="state"),
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
    Column("form", Text, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("rings", Integer, nullable=False, server_default=text("1")),
    Column("ring_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("finished_at", _INSTANT),
    PrimaryKeyConstraint("batch", "n"),
    CheckConstraint("state in ('open', 'done', 'dead')", name="state"),
    CheckConstraint("form in ('columns', 'text', 'json')", name="form"),
)
Index("ix_chunks_open", chunks.c.ring_at, postgresql_where=text("state = 'open'"))

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
    PrimaryKeyConstraint("id", "enqueued_at"),
    CheckConstraint("outcome in ('accept', 'review', 'reject', 'error')", name="outcome"),
    postgresql_partition_by="RANGE (enqueued_at)",
)
Index("ix_verdicts_domain_outcome_evaluated_at", verdicts.c.domain, verdicts.c.outcome, verdicts.c.evaluated_at)
Index("ix_verdicts_subject", verdicts.c.subject)
Index("ix_verdicts_batch", verdicts.c.batch, postgresql_where=text("batch is not null"))

rulesets = Table(
    "rulesets",
    metadata,
    Column("domain", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source", JSONB, nullable=False),
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
