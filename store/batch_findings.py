"""What stands out in a batch.  verdicts of a batch -> [batch_findings] -> errors by reason, rules that fired most

Of a batch of a million rows it looks at so many of the last judged as somebody waits for, and says how many. Reads
only."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, get_args

from sqlalchemy import Connection, Row, select, text

from rulefarm.database import dead_letters
from rulefarm.verdict import Outcome
from store.verdict_pages import NEAR

#: Verdicts that are looked at.
LOOKED_AT = 1_000
# Each outcome stands in an index by itself. All rows of a chunk are of one instant: by their ids, which are chance, the
# last are a fair part of them.
_NEWEST = (
    "select {columns} from verdicts where batch = :batch and outcome = '{outcome}'"
    " order by evaluated_at desc, id limit :most"
)
_STREAMS = (
    _NEWEST.format(columns="subject, outcome, fired, evaluated_at, id", outcome=outcome)
    for outcome in get_args(Outcome)
)
_LAST = text(
    f"select subject, outcome, fired from ({' union all '.join(f'({stream})' for stream in _STREAMS)}) last"
    " order by evaluated_at desc, id limit :most"
)
_ERRORS = text(_NEWEST.format(columns="id, subject, reasons", outcome="error"))
#: Rules that are told; kinds of errors, and subjects that are named of each.
_RULES, _KINDS, _NAMED = 10, 20, 3


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """Subjects of a batch that failed for the same reason."""

    #: Stable code of the reason.
    code: str
    number: int
    #: Id of the verdict, key and reason of some.
    examples: list[tuple[uuid.UUID, str, str]]


@dataclass(frozen=True, slots=True)
class BatchFindings:
    """What stands out among the verdicts that were looked at."""

    #: Subject, outcome and fired of those that were judged last.
    last: Sequence[Row[Any]]
    #: Rule and how often it fired among these, the most first.
    fired: list[tuple[str, int]]
    #: The most first.
    errors: list[ErrorKind]


def find_in_batch(connection: Connection, batch: uuid.UUID, *, most: int = LOOKED_AT) -> BatchFindings:
    """Look at what was judged last of a batch, at its last errors, and at its dead letters.

    Args:
        connection: to the database, in a transaction that asks for no more than a page shows.
        batch: the batch's id.
        most: verdicts, errors and letters at most.
    """
    connection.execute(NEAR)
    last = connection.execute(_LAST, {"batch": batch, "most": most}).all()
    return BatchFindings(last, _fired_most(last), _error_kinds(connection, batch, most))


def _fired_most(last: Sequence[Row[Any]]) -> list[tuple[str, int]]:
    times = Counter(chain.from_iterable(row.fired for row in last))
    return sorted(times.items(), key=lambda one: (-one[1], one[0]))[:_RULES]


def _error_kinds(connection: Connection, batch: uuid.UUID, most: int) -> list[ErrorKind]:
    died = dead_letters.c.id, dead_letters.c.subject, dead_letters.c.code, dead_letters.c.reason
    letters = select(*died).where(dead_letters.c.batch == batch).limit(most)
    found: dict[str, list[tuple[uuid.UUID, str, str]]] = {}
    for verdict_id, subject, reasons in connection.execute(_ERRORS, {"batch": batch, "most": most}):
        first = next((reason for reason in reasons if reason["outcome"] == "error"), None)
        code, text = (first["code"] or "error", first["text"]) if first else ("error", "")
        found.setdefault(code, []).append((verdict_id, subject, text))
    for letter_id, subject, code, reason in connection.execute(letters):
        found.setdefault(code, []).append((letter_id, subject, reason))
    kinds = [
        ErrorKind(code, len(those), sorted(those, key=lambda one: one[1])[:_NAMED]) for code, those in found.items()
    ]
    return sorted(kinds, key=lambda kind: (-kind.number, kind.code))[:_KINDS]
