"""A producer's side of Postgres: connections, tables, the ledger. Needs the extra `rulefarm[ledger]`."""

from rulefarm.database.alone import execute_alone
from rulefarm.database.batch_record import read_batch
from rulefarm.database.connection import connect, translate_errors
from rulefarm.database.console_tables import console_sessions, fact_views
from rulefarm.database.copy import copy_columns, copy_rows, once_each
from rulefarm.database.identity import FarmIdentity
from rulefarm.database.lateness import lateness_s
from rulefarm.database.ledger import Ledger, active_digests, message_of_row, read_verdict
from rulefarm.database.open_rows import STILL_OPEN, still_open
from rulefarm.database.operator_tables import operator_actions
from rulefarm.database.shadow_tables import shadow_differences, shadows
from rulefarm.database.silence import LONG_S, SHORT_S, allow_long, waited_s
from rulefarm.database.tables import (
    active_rulesets,
    batches,
    chunks,
    dead_letters,
    duties,
    jobs,
    metadata,
    publications,
    reconciler,
    rulesets,
    tokens,
    verdicts,
)

__all__ = [
    "LONG_S",
    "SHORT_S",
    "STILL_OPEN",
    "FarmIdentity",
    "Ledger",
    "active_digests",
    "active_rulesets",
    "allow_long",
    "batches",
    "chunks",
    "connect",
    "console_sessions",
    "copy_columns",
    "copy_rows",
    "dead_letters",
    "duties",
    "execute_alone",
    "fact_views",
    "jobs",
    "lateness_s",
    "message_of_row",
    "metadata",
    "once_each",
    "operator_actions",
    "publications",
    "read_batch",
    "read_verdict",
    "reconciler",
    "rulesets",
    "shadow_differences",
    "shadows",
    "still_open",
    "tokens",
    "translate_errors",
    "verdicts",
    "waited_s",
]
