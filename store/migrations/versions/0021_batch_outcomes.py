"""Of a batch the outcomes are counted when it is done, and the newest verdicts of each are found by an index.

The index takes the place of the one by batch alone. While it is built, what stores verdicts waits, and goes on by
itself: a few seconds for a million of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_OF_BATCHES = sa.text("batch is not null")


def upgrade() -> None:
    op.add_column("batches", sa.Column("outcomes", JSONB))
    op.create_index(
        "ix_verdicts_batch_outcome_evaluated_at",
        "verdicts",
        ["batch", "outcome", "evaluated_at"],
        postgresql_where=_OF_BATCHES,
    )
    op.drop_index("ix_verdicts_batch", "verdicts")


def downgrade() -> None:
    op.create_index("ix_verdicts_batch", "verdicts", ["batch"], postgresql_where=_OF_BATCHES)
    op.drop_index("ix_verdicts_batch_outcome_evaluated_at", "verdicts")
    op.drop_column("batches", "outcomes")
