"""A chunk says how many of its subjects have which outcome, so that a batch under way is counted by its chunks.

A worker of the release before writes none: then the verdicts are counted, as it did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chunks", sa.Column("outcomes", JSONB))


def downgrade() -> None:
    op.drop_column("chunks", "outcomes")
