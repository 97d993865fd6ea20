"""Verdict rows, read back.  verdicts -> [verdict_list] -> `rulefarm verdicts`, the gateway, reports

Reads only, and loads nothing but what reads: a list of verdicts is to be there at once."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Engine, Row, Select, Table, func, select

from rulefarm.database import translate_errors, verdicts
from rulefarm.verdict import Verdict

#: Verdicts that are read with one statement.
_PAGE = 5_000
_NAMES = tuple(column.name for column in verdicts.columns)


class VerdictTerms(TypedDict, total=False):
    """Which verdicts are wanted; what is not said, or None, may be anything."""

    domain: str | None
    outcome: str | None
    #: The key that was judged.
    subject: str | None
    batch: uuid.UUID | None
    #: Judged then or later; judged before.
    since: datetime | None
    until: datetime | None
    #: This rule fired.
    rule: str | None
    #: Of the ruleset, or what it begins with.
    digest: str | None


def find_verdicts(
    engine: Engine,
    *,
    limit: int = 20,
    after: tuple[datetime, uuid.UUID] | None = None,
    **terms: Unpack[VerdictTerms],
) -> Iterator[Verdict]:
    """Verdicts, newest first.

    Args:
        engine: the database.
        limit: at most so many.
        after: evaluated_at and id of a verdict: only those that come behind it. Default: from the newest on.
        **terms: which. Default: all.

    Raises:
        DatabaseUnreachable: no answer.
    """
    rows = find_rows(engine, verdicts, terms, limit=limit, after=after)
    return (Verdict(**dict(zip(_NAMES, row, strict=True))) for row in rows)


def find_rows(
    engine: Engine,
    table: Table,
    terms: VerdictTerms,
    *more: ColumnElement[bool],
    limit: int,
    after: tuple[datetime, uuid.UUID] | None,
) -> Iterator[Row[Any]]:
    """Rows of a table that has the columns of verdicts, newest first.

    Args:
        engine: the database.
        table: the table.
        terms: which.
        *more: what else holds of them.
        limit: at most so many.
        after: as for `find_verdicts`.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(table).where(*_conditions(table, terms), *more)
    statement = statement.order_by(table.c.evaluated_at.desc(), table.c.id)
    return _pages(engine, statement, table, limit, after)


def _conditions(table: Table, terms: VerdictTerms) -> list[ColumnElement[bool]]:
    columns = table.c
    meant: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "since": lambda since: columns.evaluated_at >= since,
        "until": lambda until: columns.evaluated_at < until,
        "rule": lambda rule: columns.fired.contains([rule]),
        "digest": lambda digest: columns.ruleset_digest.startswith(digest, autoescape=True),
    }
    return [
        meant[name](value) if name in meant else columns[name] == value
        for name, value in terms.items()
        if value is not None
    ]


def _page(
    engine: Engine, statement: Select[Any], table: Table, limit: int, after: tuple[datetime, uuid.UUID] | None
) -> Sequence[Row[Any]]:
    if after is not None:
        at, last = after
        # The first is what the index finds; of one instant, the ids say which come behind.
        statement = statement.where(table.c.evaluated_at <= at)
        statement = statement.where((table.c.evaluated_at < at) | (table.c.id > last))
    with translate_errors(engine), engine.connect() as connection:
        return connection.execute(statement.limit(limit)).all()


def _pages(
    engine: Engine, statement: Select[Any], table: Table, limit: int, after: tuple[datetime, uuid.UUID] | None
) -> Iterator[Row[Any]]:
    """Many verdicts, page by page: as one answer of Postgres they would all be in memory, and silence on the way to it.

    The first page is read at once, so that who asks hears of a Postgres that is away before anything is printed."""
    first = _page(engine, statement, table, min(_PAGE, limit), after)

    def pages() -> Iterator[Row[Any]]:
        page, left = first, limit
        while page:
            yield from page
            left -= len(page)
            if len(page) < _PAGE or not left:
                return
            page = _page(engine, statement, table, min(_PAGE, left), (page[-1].evaluated_at, page[-1].id))

    return pages()


def count_fired(engine: Engine, batch: uuid.UUID, *, limit: int = 10) -> list[tuple[str, int]]:
    """The rules that fired most often in a batch, with how often.

    Args:
        engine: the database.
        batch: the batch's id.
        limit: rules at most.

    Raises:
        DatabaseUnreachable: no answer.
    """
    rule = func.unnest(verdicts.c.fired).label("rule")
    fired = select(rule).where(verdicts.c.batch == batch).subquery()
    times = func.count()
    statement = select(fired.c.rule, times).group_by(fired.c.rule).order_by(times.desc(), fired.c.rule).limit(limit)
    with translate_errors(engine), engine.connect() as connection:
        return [(name, count) for name, count in connection.execute(statement)]
