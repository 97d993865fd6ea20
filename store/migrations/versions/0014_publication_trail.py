"""A publication says what was done, what was active before, and is chained by hash to the one before.

New columns, with defaults that the release before leaves as they are: it writes what it did before, and reads none of
them. The rows that are there are chained in the order in which they were written."""

import hashlib
import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("publications", sa.Column("action", sa.Text, nullable=False, server_default="publish"))
    op.add_column("publications", sa.Column("parent", sa.Text))
    op.add_column("publications", sa.Column("active_from", sa.DateTime(timezone=True)))
    op.add_column("publications", sa.Column("follows", sa.BigInteger))
    op.add_column("publications", sa.Column("hash", sa.Text))
    op.create_foreign_key("fk_publications_follows", "publications", "publications", ["follows"], ["id"])
    op.execute(
        "update publications set parent = earlier.parent"
        " from (select id, lag(digest) over (partition by domain order by id) as parent from publications) as earlier"
        " where earlier.id = publications.id"
    )
    _chain(op.get_bind())


def _chain(connection: sa.Connection) -> None:
    """As `store.publication_trail.chained_hash` has it at this revision."""
    before = None
    rows = connection.execute(
        sa.text(
            "select publications.id, domain, digest, action, parent, publications.published_at, published_by, note,"
            " source from publications join rulesets using (domain, digest) order by publications.id"
        ).columns(published_at=sa.DateTime(timezone=True), source=sa.JSON)
    ).all()
    for row in rows:
        instant = row.published_at.astimezone(UTC).isoformat(timespec="microseconds")
        said = [row.domain, row.digest, row.action, row.parent, instant, row.published_by, row.note, None, None]
        canonical = json.dumps([before, *said, row.source], sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(canonical.encode()).hexdigest()
        connection.execute(
            sa.text("update publications set hash = :hash where id = :id"), {"hash": before, "id": row.id}
        )


def downgrade() -> None:
    op.drop_constraint("fk_publications_follows", "publications", type_="foreignkey")
    for column in ("hash", "follows", "active_from", "parent", "action"):
        op.drop_column("publications", column)
