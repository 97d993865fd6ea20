"""The tables of drafts that judge in the shadow of the active rulesets.  [shadow_tables] -> store, migrations

Definitions only, as in `tables`. A domain has one shadow, the last; with it go the differences that it found, of which
there is at most one row a rule and direction."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from rulefarm.database.tables import metadata

_INSTANT = DateTime(timezone=True)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


shadows = Table(
    "shadows",
    metadata,
    Column("domain", Text, primary_key=True),
    # The draft, which is on record in rulesets.
    Column("digest", Text, nullable=False),
    # Of the jobs, from 0 to 1.
    Column("share", Float, nullable=False),
    Column("until", _INSTANT),
    Column("started_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("started_by", Text),
    Column("stopped_at", _INSTANT),
    # Jobs that the draft has judged, those that it judged otherwise, and tries that failed, with why the last did.
    _count("judged"),
    _count("differing"),
    _count("failed"),
    Column("code", Text),
    Column("reason", Text),
)

shadow_differences = Table(
    "shadow_differences",
    metadata,
    Column("domain", Text, ForeignKey("shadows.domain", ondelete="CASCADE"), nullable=False),
    # Empty: the same rules fire, and say or change something else.
    Column("rule", Text, nullable=False),
    # By whom alone it fires.
    Column("fires", Text, nullable=False),
    _count("jobs"),
    # The first of them: job, subject, outcome and reasons by the active one, and by the draft.
    Column("example", JSONB, nullable=False),
    PrimaryKeyConstraint("domain", "rule", "fires"),
    CheckConstraint("fires in ('draft', 'active', 'both')", name="fires"),
)
