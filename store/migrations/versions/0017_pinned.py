"""By which ruleset a batch, and a job that says so, is judged, whatever is active by then.

NULL where nothing is said: that is judged by what is active when it is judged, and so is what producers of the release
before write."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("jobs", "batches"):
        op.add_column(table, sa.Column("digest", sa.Text))


def downgrade() -> None:
    for table in ("jobs", "batches"):
        op.drop_column(table, "digest")
