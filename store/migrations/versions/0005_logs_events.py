"""What rules logged, and the calls that they made.

Both have a default, so that workers of the release before go on writing verdicts while it runs, and a verdict of then
has neither. A constant default touches the catalogue alone, however many verdicts there are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("logs", "events"):
        op.add_column("verdicts", sa.Column(column, JSONB, nullable=False, server_default=sa.text("'[]'")))


def downgrade() -> None:
    for column in ("events", "logs"):
        op.drop_column("verdicts", column)
