"""What was odd about the facts of a verdict: names that its domain does not have.

It has a default, so that workers of the release before go on writing verdicts while it runs. A constant default touches
the catalogue alone, however many verdicts there are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verdicts", sa.Column("warnings", JSONB, nullable=False, server_default=sa.text("'[]'")))


def downgrade() -> None:
    op.drop_column("verdicts", "warnings")
