"""Which trace a job and a batch are of.

NULL where nobody traces, so that it takes no room there, and workers and producers of the release before go on."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("jobs", "batches"):
        op.add_column(table, sa.Column("traceparent", sa.Text))


def downgrade() -> None:
    for table in ("jobs", "batches"):
        op.drop_column(table, "traceparent")
