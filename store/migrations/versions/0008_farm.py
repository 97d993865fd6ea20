"""A farm has an id, which its messages carry.

A new table, which the release before does not look at; its messages have no id, and are taken as before."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "farm",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("uuid", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_farm"),
        sa.CheckConstraint("id = 1", name=op.f("ck_farm_one_row")),
    )
    op.execute("insert into farm (id, uuid) values (1, gen_random_uuid())")


def downgrade() -> None:
    op.drop_table("farm")
