"""Which verdicts are wanted, as a statement that reads few others.  terms -> [verdict_terms] -> lists and pages of them

Newest first, always. What an index has in another order is asked for stream by stream, an outcome or a domain each, and
merged by Postgres as far as rows are wanted: so the newest of one domain are there at once, however many verdicts of
other domains are newer. Which rules fired, and the version, no index knows. Executes nothing but the question which
domains there are."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypedDict, get_args

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, union_all

from rulefarm.verdict import Outcome

#: Evaluated_at and id of a verdict, behind which a list goes on.
Place = tuple[datetime, uuid.UUID]


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


def newest(
    table: Table,
    terms: VerdictTerms,
    *more: ColumnElement[bool],
    limit: int,
    after: Place | None = None,
    domains: Sequence[str] = (),
) -> Select[Any]:
    """The verdicts that are wanted, newest first.

    Args:
        table: that has the columns of verdicts.
        terms: which.
        *more: what else holds of them.
        limit: at most so many.
        after: only those that come behind it. Default: from the newest on.
        domains: all that verdicts are on record of, if `spans_domains(terms)`.
    """
    wanted = select(table).where(*conditions(table, terms), *more)
    if after is not None:
        at, last = after
        # The first is what the index finds; of one instant, the ids say which come behind.
        wanted = wanted.where(table.c.evaluated_at <= at)
        wanted = wanted.where((table.c.evaluated_at < at) | (table.c.id > last))
    streams = _streams(table, terms, domains)
    if not streams:
        return in_order(wanted, table).limit(limit)
    parts = [in_order(wanted.where(stream), table).limit(limit).subquery() for stream in streams]
    merged = union_all(*(select(part) for part in parts)).subquery()
    return in_order(select(merged), merged).limit(limit)


def in_order(statement: Select[Any], rows: Any) -> Select[Any]:
    """A statement with its rows newest first.

    Args:
        statement: any.
        rows: the table or the query that has the columns.
    """
    return statement.order_by(rows.c.evaluated_at.desc(), rows.c.id)


def conditions(table: Any, terms: VerdictTerms) -> list[ColumnElement[bool]]:
    """What holds of the rows that are wanted.

    Args:
        table: or query, that has the columns of verdicts.
        terms: which.
    """
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


def spans_domains(terms: VerdictTerms) -> bool:
    """Whether an outcome of every domain is wanted, for which `newest` has to know them."""
    named = (terms.get(name) for name in ("domain", "batch", "subject"))
    return terms.get("outcome") is not None and all(name is None for name in named)


def domains_on_record(connection: Connection, table: Table) -> list[str]:
    """The domains of the verdicts in a table: one look into an index for each.

    Args:
        connection: to the database.
        table: that has the columns of verdicts.
    """
    found = select(func.min(table.c.domain).label("domain")).cte("found", recursive=True)
    following = select(func.min(table.c.domain)).where(table.c.domain > found.c.domain).scalar_subquery()
    found = found.union_all(select(following).where(found.c.domain.is_not(None)))
    return list(connection.execute(select(found.c.domain).where(found.c.domain.is_not(None))).scalars())


def _streams(table: Table, terms: VerdictTerms, domains: Sequence[str]) -> list[ColumnElement[bool]]:
    """What tells the rows that are wanted into parts, each of which an index has in order; none: there is no need."""
    if spans_domains(terms):
        return [table.c.domain == domain for domain in domains]
    is_narrow = terms.get("domain") is not None or terms.get("batch") is not None
    if terms.get("outcome") is None and terms.get("subject") is None and is_narrow:
        return [table.c.outcome == outcome for outcome in get_args(Outcome)]
    return []
