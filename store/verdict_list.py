"""Verdict rows, read back.  verdicts -> [verdict_list] -> `rulefarm verdicts`, the gateway, reports

Reads only, and loads nothing but what reads: a list of verdicts is to be there at once."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Unpack

from sqlalchemy import ColumnElement, Engine, Row, Table, func, select

from rulefarm.database import translate_errors, verdicts
from rulefarm.verdict import Verdict
from store.verdict_terms import Place, VerdictTerms, domains_on_record, newest, spans_domains

#: Verdicts that are read with one statement.
_PAGE = 5_000
_NAMES = tuple(column.name for column in verdicts.columns)


def find_verdicts(
    engine: Engine,
    *,
    limit: int = 20,
    after: Place | None = None,
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
    return map(verdict_of_row, find_rows(engine, verdicts, terms, limit=limit, after=after))


def verdict_of_row(row: Row[Any]) -> Verdict:
    """The verdict that a row of `verdicts` is."""
    return Verdict(**dict(zip(_NAMES, row, strict=True)))


def find_rows(
    engine: Engine,
    table: Table,
    terms: VerdictTerms,
    *more: ColumnElement[bool],
    limit: int,
    after: Place | None,
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
    with translate_errors(engine), engine.connect() as connection:
        domains = domains_on_record(connection, table) if spans_domains(terms) else []

    def page(most: int, behind: Place | None) -> Sequence[Row[Any]]:
        statement = newest(table, terms, *more, limit=most, after=behind, domains=domains)
        with translate_errors(engine), engine.connect() as connection:
            return connection.execute(statement).all()

    return _pages(page, limit, after)


def _pages(
    read: Callable[[int, Place | None], Sequence[Row[Any]]], limit: int, after: Place | None
) -> Iterator[Row[Any]]:
    """Many verdicts, page by page: as one answer of Postgres they would all be in memory, and silence on the way to it.

    The first page is read at once, so that who asks hears of a Postgres that is away before anything is printed."""
    first = read(min(_PAGE, limit), after)

    def pages() -> Iterator[Row[Any]]:
        page, left = first, limit
        while page:
            yield from page
            left -= len(page)
            if len(page) < _PAGE or not left:
                return
            page = read(min(_PAGE, left), (page[-1].evaluated_at, page[-1].id))

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
