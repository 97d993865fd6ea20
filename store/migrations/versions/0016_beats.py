"""Which beats have the reconciler run: more than one is seen by it.

NULL until one is heard of; workers of the release before leave it alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reconciler", sa.Column("beats", JSONB))


def downgrade() -> None:
    op.drop_column("reconciler", "beats")
