"""Verdict rows, read back.  verdicts -> [verdict_list] -> `rulefarm verdicts`, the gateway, reports

Reads only, and loads nothing but what reads: a list of verdicts is to be there at once."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import Engine, func, select

from rulefarm.database import translate_errors, verdicts
from rulefarm.verdict import Verdict

#: Verdicts that are read with one statement.
_PAGE = 5_000
_NAMES = tuple(column.name for column in verdicts.columns)


def find_verdicts(
    engine: Engine,
    *,
    domain: str | None = None,
    outcome: str | None = None,
    subject: str | None = None,
    batch: uuid.UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    rule: str | None = None,
    digest: str | None = None,
    limit: int = 20,
    after: tuple[datetime, uuid.UUID] | None = None,
) -> Iterator[Verdict]:
    """Verdicts, newest first.

    Args:
        engine: the database.
        domain: of this domain only. Default: of any; likewise all others but limit.
        outcome: accept, review, reject or error.
        subject: the key that was judged.
        batch: the batch's id.
        since: judged then or later.
        until: judged before.
        rule: this rule fired.
        digest: of the ruleset, or what it begins with.
        limit: at most so many.
        after: evaluated_at and id of a verdict: only those that come behind it. Default: from the newest on.

    Raises:
        DatabaseUnreachable: no answer.
    """
    if limit > _PAGE:
        return _pages(
            partial(
                find_verdicts, engine, domain=domain, outcome=outcome, subject=subject, batch=batch, since=since,
                until=until, rule=rule, digest=digest,
            ),
            limit, after,
        )  # fmt: skip
    filters = {"domain": domain, "outcome": outcome, "subject": subject, "batch": batch}
    statement = select(verdicts).order_by(verdicts.c.evaluated_at.desc(), verdicts.c.id).limit(limit)
    for name, value in filters.items():
        if value is not None:
            statement = statement.where(verdicts.c[name] == value)
    if since is not None:
        statement = statement.where(verdicts.c.evaluated_at >= since)
    if until is not None:
        statement = statement.where(verdicts.c.evaluated_at < until)
    if rule is not None:
        statement = statement.where(verdicts.c.fired.contains([rule]))
    if digest is not None:
        statement = statement.where(verdicts.c.ruleset_digest.startswith(digest, autoescape=True))
    if after is not None:
        at, last = after
        # The first is what the index finds; of one instant, the ids say which come behind.
        statement = statement.where(verdicts.c.evaluated_at <= at)
        statement = statement.where((verdicts.c.evaluated_at < at) | (verdicts.c.id > last))
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(statement).all()
    return (Verdict(**dict(zip(_NAMES, row, strict=True))) for row in rows)


def _pages(
    find: Callable[..., Iterator[Verdict]], limit: int, after: tuple[datetime, uuid.UUID] | None
) -> Iterator[Verdict]:
    """Many verdicts, page by page: as one answer of Postgres they would all be in memory, and silence on the way to it.

    The first page is read at once, so that who asks hears of a Postgres that is away before anything is printed."""
    first = list(find(limit=_PAGE, after=after))

    def pages() -> Iterator[Verdict]:
        page, left = first, limit
        while page:
            yield from page
            left -= len(page)
            if len(page) < _PAGE or not left:
                return
            last = page[-1]
            page = list(find(limit=min(_PAGE, left), after=(last.evaluated_at, last.id)))

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
