"""Drafts that judge beside the active rulesets, and what they judged otherwise."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant, zero = sa.DateTime(timezone=True), sa.text("0")
    op.create_table(
        "shadows",
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("until", instant),
        sa.Column("started_at", instant, nullable=False, server_default=sa.func.now()),
        sa.Column("started_by", sa.Text),
        sa.Column("stopped_at", instant),
        sa.Column("judged", sa.BigInteger, nullable=False, server_default=zero),
        sa.Column("differing", sa.BigInteger, nullable=False, server_default=zero),
        sa.Column("failed", sa.BigInteger, nullable=False, server_default=zero),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("domain", name="pk_shadows"),
    )
    op.create_table(
        "shadow_differences",
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("fires", sa.Text, nullable=False),
        sa.Column("jobs", sa.BigInteger, nullable=False, server_default=zero),
        sa.Column("example", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("domain", "rule", "fires", name="pk_shadow_differences"),
        sa.ForeignKeyConstraint(
            ["domain"], ["shadows.domain"], ondelete="CASCADE", name="fk_shadow_differences_domain"
        ),
        sa.CheckConstraint("fires in ('draft', 'active', 'both')", name="fires"),
    )


def downgrade() -> None:
    op.drop_table("shadow_differences")
    op.drop_table("shadows")
