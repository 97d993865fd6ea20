"""What falls due by the calendar has a row for each instant.

A new table, which the release before does not look at: its beat and its workers go on."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("times_sent", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("resend_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("batch", sa.Uuid),
        sa.PrimaryKeyConstraint("kind", "domain", "due_at", name="pk_duties"),
        sa.CheckConstraint("state in ('open', 'done', 'failed', 'expired')", name="state"),
    )
    op.create_index("ix_duties_open", "duties", ["resend_at"], postgresql_where=sa.text("state = 'open'"))


def downgrade() -> None:
    op.drop_table("duties")
