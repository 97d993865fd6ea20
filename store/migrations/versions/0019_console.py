"""Sessions of the console, and the trail of who looked at facts. Two new tables, which the release before ignores."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "console_sessions",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("created_at", instant, nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_console_sessions"),
        sa.ForeignKeyConstraint(["token"], ["tokens.name"], ondelete="CASCADE", name="fk_console_sessions_token"),
    )
    op.create_index("ix_console_sessions_expires_at", "console_sessions", ["expires_at"])
    op.create_table(
        "fact_views",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("viewed_at", instant, nullable=False, server_default=sa.func.now()),
        sa.Column("viewer", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("unmasked", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fact_views"),
    )
    op.create_index("ix_fact_views_subject_id", "fact_views", ["subject_id"])


def downgrade() -> None:
    op.drop_table("fact_views")
    op.drop_table("console_sessions")
