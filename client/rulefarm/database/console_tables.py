"""The tables of the console: who is signed in, who looked at facts.  [console_tables] -> store, migrations

Definitions only, as in `tables`."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Identity, Index, Table, Text, Uuid, func

from rulefarm.database.tables import metadata

_INSTANT = DateTime(timezone=True)

console_sessions = Table(
    "console_sessions",
    metadata,
    # sha256 of what the browser holds, which itself is nowhere.
    Column("digest", Text, primary_key=True),
    # For which token; one that is revoked ends its sessions.
    Column("token", Text, ForeignKey("tokens.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", _INSTANT, nullable=False, server_default=func.now()),
    Column("expires_at", _INSTANT, nullable=False),
)
Index("ix_console_sessions_expires_at", console_sessions.c.expires_at)

# Each view of a subject's facts by a person: a row each time, none of which is ever changed.
fact_views = Table(
    "fact_views",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("viewed_at", _INSTANT, nullable=False, server_default=func.now()),
    # The name of a token, or loopback.
    Column("viewer", Text, nullable=False),
    # Address that the request came from.
    Column("address", Text, nullable=False),
    Column("domain", Text, nullable=False),
    # The job, or the verdict of a row of a batch; of facts that were pasted, the id of their verdict, which is not on
    # record.
    Column("subject_id", Uuid, nullable=False),
    # Whether private values were shown.
    Column("unmasked", Boolean, nullable=False),
)
Index("ix_fact_views_subject_id", fact_views.c.subject_id)
