"""Verdicts, newest first, are found by an index.

While it is built, what stores verdicts waits, and goes on by itself: a few seconds for a million of them."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_verdicts_evaluated_at", "verdicts", ["evaluated_at"])


def downgrade() -> None:
    op.drop_index("ix_verdicts_evaluated_at", "verdicts")
