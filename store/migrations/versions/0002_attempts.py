"""Attempts, leases, dead letters, and what the reconciler did last."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("jobs", sa.Column("lease_until", INSTANT))
    for table in ("jobs", "chunks"):
        for column in ("worker", "code", "reason"):
            op.add_column(table, sa.Column(column, sa.Text))
    op.drop_constraint(op.f("ck_chunks_state"), "chunks")
    op.create_check_constraint(op.f("ck_chunks_state"), "chunks", "state in ('open', 'done', 'dead', 'split')")
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("domain", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("batch", sa.Uuid),
        sa.Column("chunk", sa.Integer),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("content", sa.Text),
        sa.Column("died_at", INSTANT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_dead_letters"),
        sa.CheckConstraint("kind in ('job', 'row', 'message')", name="kind"),
    )
    op.create_index("ix_dead_letters_died_at", "dead_letters", ["died_at"])
    op.create_index("ix_dead_letters_batch", "dead_letters", ["batch"], postgresql_where=sa.text("batch is not null"))
    op.create_table(
        "reconciler",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("ran_at", INSTANT, nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("broker_lost_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_reconciler"),
        sa.CheckConstraint("id = 1", name="one_row"),
    )


def downgrade() -> None:
    op.drop_table("reconciler")
    op.drop_table("dead_letters")
    op.execute("update chunks set state = 'done' where state = 'split'")
    op.drop_constraint(op.f("ck_chunks_state"), "chunks")
    op.create_check_constraint(op.f("ck_chunks_state"), "chunks", "state in ('open', 'done', 'dead')")
    for table in ("jobs", "chunks"):
        for column in ("reason", "code", "worker"):
            op.drop_column(table, column)
    op.drop_column("jobs", "lease_until")
