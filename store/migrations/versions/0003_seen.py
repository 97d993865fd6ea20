"""What shared facts a verdict was reached with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verdicts", sa.Column("seen", JSONB))


def downgrade() -> None:
    op.drop_column("verdicts", "seen")
