"""The trail of what operators did.  [operator_tables] -> store, migrations

Definitions only, as in `tables`. Rows are added, and none is ever changed."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Integer, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from rulefarm.database.tables import metadata

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("acted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # user@host, the name of a token, or loopback.
    Column("operator", Text, nullable=False),
    # From where a request of the console came; NULL: it was a command.
    Column("address", Text),
    Column("action", Text, nullable=False),
    # What the operator asked for: ids or a filter, as texts; empty: all.
    Column("asked", JSONB, nullable=False),
    # The dead letters that it was done to.
    Column("letters", ARRAY(Uuid), nullable=False),
    Column("number", Integer, nullable=False),
    CheckConstraint("action in ('retry', 'drop')", name="action"),
)
