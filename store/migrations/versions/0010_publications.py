"""Every publishing of a ruleset is on record: which became active, when, by whom and why.

A new table, which the release before does not look at. What is active when it is made stands in it as its first row."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publications",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("published_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_publications"),
        sa.ForeignKeyConstraint(
            ["domain", "digest"], ["rulesets.domain", "rulesets.digest"], name="fk_publications_domain_digest"
        ),
    )
    op.create_index("ix_publications_domain", "publications", ["domain", "id"])
    op.execute(
        "insert into publications (domain, digest, published_at)"
        " select domain, digest, activated_at from active_rulesets join rulesets using (domain, digest)"
        " order by activated_at"
    )


def downgrade() -> None:
    op.drop_table("publications")
