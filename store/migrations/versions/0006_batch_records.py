"""What was read of a batch's source, and why one failed; what a source of a domain may have.

Only columns that may be NULL, or have a default, are added, and checks take more than before: producers and workers of
the release before go on. What a worker of then judges of a producer of now is another matter: see the changelog."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATES = ("batches", "ck_batches_state", "state in ('open', 'done', 'dead'{})", ", 'failed'")
FORMS = ("chunks", "ck_chunks_form", "form in ('columns', 'text'{}, 'json')", ", 'text-point', 'text-comma'")


def upgrade() -> None:
    for name in ("records", "refused", "judged"):
        op.add_column("batches", sa.Column(name, sa.BigInteger))
    for name in ("columns", "remarks"):
        op.add_column("batches", sa.Column(name, JSONB))
    op.add_column("batches", sa.Column("nightly", sa.Boolean, nullable=False, server_default=sa.text("false")))
    for name in ("code", "reason"):
        op.add_column("batches", sa.Column(name, sa.Text))
    op.add_column("batches", sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("rulesets", sa.Column("fields", JSONB))
    for table, name, condition, more in (STATES, FORMS):
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, condition.format(more))


def downgrade() -> None:
    op.execute("delete from batches where state = 'failed'")
    op.execute("update chunks set form = 'text' where form in ('text-point', 'text-comma')")
    for table, name, condition, _ in (STATES, FORMS):
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, condition.format(""))
    op.drop_column("rulesets", "fields")
    for name in ("attempts", "reason", "code", "nightly", "remarks", "columns", "judged", "refused", "records"):
        op.drop_column("batches", name)
