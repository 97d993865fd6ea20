"""Columns say what they hold: times_sent, resend_at, sent, shared_facts.

`rulefarm migrate` runs while producers and workers of the release before are at work. So each column is renamed, which
touches the catalogue alone, and a column of the old name takes its place, for their statements and nothing else. What
they write there is not read, which is harmless: by its defaults a row of theirs has had one message and is due, so that
the reconciler sends it one more. The next release copies `verdicts.seen`, where it is not null, and drops them all."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, new_name, old in _renamed():
        op.alter_column(table, old.name, new_column_name=new_name)
        op.add_column(table, old)
    # A worker of the release before writes its row without it.
    op.alter_column("reconciler", "sent", server_default=sa.text("0"))


def downgrade() -> None:
    op.alter_column("reconciler", "sent", server_default=None)
    for table, new_name, old in _renamed():
        op.drop_column(table, old.name)
        op.alter_column(table, new_name, new_column_name=old.name)


def _renamed() -> "Iterator[tuple[str, str, sa.Column[object]]]":
    """Each column's table, its new name, and the column that takes the place of the old one."""
    for table in ("jobs", "chunks"):
        yield table, "times_sent", sa.Column("rings", sa.Integer, nullable=False, server_default=sa.text("1"))
        instant = sa.DateTime(timezone=True)
        yield table, "resend_at", sa.Column("ring_at", instant, nullable=False, server_default=sa.func.now())
    yield "reconciler", "sent", sa.Column("rung", sa.Integer, nullable=False, server_default=sa.text("0"))
    yield "verdicts", "shared_facts", sa.Column("seen", JSONB)
