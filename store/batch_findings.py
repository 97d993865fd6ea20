"""What stands out in a batch.  verdicts of a batch -> [batch_findings] -> errors by reason, rules that fired most

Of a batch of a million rows it looks at so many of the last judged as somebody waits for, and says how many. Reads
only."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, get_args

from sqlalchemy import Engine, Row, select, text

from rulefarm.database import dead_letters, translate_errors
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
#: Kinds of errors that are told, and subjects that are named of each.
_KINDS, _NAMED = 20, 3


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """Subjects of a batch that failed for the same reason."""

    #: Stable code of the reason.
    code: str
    number: int
    #: Id of the verdict, key and reason of some.
    examples: list[tuple[uuid.UUID, str, str]]


@dataclass(frozen=True, slots=True)
class FiredMost:
    """The rules that fired most often among the verdicts that were looked at."""

    looked_at: int
    #: Rule and how often, the most first.
    rules: list[tuple[str, int]]


def judged_last(engine: Engine, batch: uuid.UUID, *, most: int = LOOKED_AT) -> Sequence[Row[Any]]:
    """What was judged last of a batch: subject, outcome and fired of each.

    Args:
        engine: the database.
        batch: the batch's id.
        most: verdicts at most.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        connection.execute(NEAR)
        return connection.execute(_LAST, {"batch": batch, "most": most}).all()


def fired_most(last: Sequence[Row[Any]], *, limit: int = 10) -> FiredMost:
    """The rules that fired most often among verdicts.

    Args:
        last: as `judged_last` gives them.
        limit: rules at most.
    """
    times = Counter(chain.from_iterable(row.fired for row in last))
    rules = sorted(times.items(), key=lambda one: (-one[1], one[0]))
    return FiredMost(len(last), rules[:limit])


def error_kinds(engine: Engine, batch: uuid.UUID, *, most: int = LOOKED_AT) -> list[ErrorKind]:
    """The errors of a batch by their reason: of those judged last, and of its dead letters.

    Args:
        engine: the database.
        batch: the batch's id.
        most: errors that are looked at.

    Raises:
        DatabaseUnreachable: no answer.
    """
    died = dead_letters.c.id, dead_letters.c.subject, dead_letters.c.code, dead_letters.c.reason
    letters = select(*died).where(dead_letters.c.batch == batch).limit(most)
    found: dict[str, list[tuple[uuid.UUID, str, str]]] = {}
    with translate_errors(engine), engine.connect() as connection:
        connection.execute(NEAR)
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
