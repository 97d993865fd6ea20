"""The ledger, the verdicts and the published rulesets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATES = "state in ('open', 'done', 'dead')"


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("bulk", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("enqueued_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("rings", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("ring_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint(STATES, name="state"),
    )
    op.create_index("ix_jobs_open", "jobs", ["ring_at"], postgresql_where=sa.text("state = 'open'"))
    op.create_index("ix_jobs_domain_subject", "jobs", ["domain", "subject"])
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("enqueued_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        sa.CheckConstraint(STATES, name="state"),
    )
    op.create_index("ix_batches_enqueued_at", "batches", ["enqueued_at"])
    op.create_table(
        "chunks",
        sa.Column("batch", sa.Uuid, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("lease_until", INSTANT),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("rings", sa.Integer, nullable=False, server_default=sa.text("1")),
        sa.Column("ring_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("batch", "n", name="pk_chunks"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name="fk_chunks_batch", ondelete="CASCADE"),
        sa.CheckConstraint(STATES, name="state"),
        sa.CheckConstraint("form in ('columns', 'text', 'json')", name="form"),
    )
    op.create_index("ix_chunks_open", "chunks", ["ring_at"], postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("enqueued_at", INSTANT, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("batch", sa.Uuid),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("fired", ARRAY(sa.Text), nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
        sa.Column("changes", JSONB, nullable=False),
        sa.Column("ruleset_digest", sa.Text, nullable=False),
        sa.Column("facts_digest", sa.Text, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("evaluated_at", INSTANT, nullable=False),
        sa.Column("micros", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", "enqueued_at", name="pk_verdicts"),
        sa.CheckConstraint("outcome in ('accept', 'review', 'reject', 'error')", name="outcome"),
        postgresql_partition_by="RANGE (enqueued_at)",
    )
    op.create_index("ix_verdicts_domain_outcome_evaluated_at", "verdicts", ["domain", "outcome", "evaluated_at"])
    op.create_index("ix_verdicts_subject", "verdicts", ["subject"])
    op.create_index("ix_verdicts_batch", "verdicts", ["batch"], postgresql_where=sa.text("batch is not null"))
    # Loses nothing should the partition of a month be missing.
    op.execute("create table verdicts_default partition of verdicts default")
    op.create_table(
        "rulesets",
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("source", JSONB, nullable=False),
        sa.Column("published_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("domain", "digest", name="pk_rulesets"),
    )
    op.create_table(
        "active_rulesets",
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("activated_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("domain", name="pk_active_rulesets"),
    )


def downgrade() -> None:
    for table in ("active_rulesets", "rulesets", "verdicts", "chunks", "batches", "jobs"):
        op.drop_table(table)
