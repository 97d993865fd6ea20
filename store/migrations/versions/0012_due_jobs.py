"""What is due of one queue is found by an index, however much waits for the others.

While it is built, what writes jobs waits, and goes on by itself: only open jobs are in it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_index("ix_jobs_due", "jobs", ["domain", "bulk", "resend_at"], postgresql_where=_OPEN)
    op.drop_index("ix_jobs_open", "jobs")


def downgrade() -> None:
    op.create_index("ix_jobs_open", "jobs", ["resend_at"], postgresql_where=_OPEN)
    op.drop_index("ix_jobs_due", "jobs")
