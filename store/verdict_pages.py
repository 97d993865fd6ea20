"""A page of verdicts for somebody who waits for it.  terms -> [verdict_pages] -> the console

What an index knows is there at once. Which rules fired, and the beginning of a digest, none knows: an index of the
rules would have to be written with every verdict, and verdicts are written by the million. So for these a page looks
through so many of what else is wanted and no more, and says how far back it looked: the next page goes on there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack, cast

from sqlalchemy import Connection, Engine, select, text

from rulefarm.database import translate_errors, verdicts
from rulefarm.verdict import Verdict
from store.verdict_list import verdict_of_row
from store.verdict_terms import Place, VerdictTerms, conditions, domains_on_record, in_order, newest, spans_domains

#: Verdicts that one page looks through at most.
LOOKED_THROUGH = 2_500
#: Verdicts that an export has at most, those that one statement reads for it, and those that it looks through.
EXPORTED, _PORTION, EXPORT_LOOKED_THROUGH = 100_000, 5_000, 2_000_000
#: Verdicts of one domain lie together where they were written. By what Postgres believes of a disk that turns it would
#: go through those of all domains, as if each had its share of every hour; a night's batch is all that hour has.
NEAR = text("set local random_page_cost = 1")
#: Terms that no index knows.
_UNINDEXED = ("rule", "digest")


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """Verdicts, newest first, and where they go on."""

    verdicts: list[Verdict]
    #: Behind which verdict the next page begins; None: there is none.
    after: Place | None
    #: Back to when it looked, if it ended because it had looked through as many as it may.
    looked_back_to: datetime | None = None


def find_page(
    engine: Engine,
    *,
    limit: int,
    after: Place | None = None,
    look: int = LOOKED_THROUGH,
    **terms: Unpack[VerdictTerms],
) -> VerdictPage:
    """A page of verdicts.

    Args:
        engine: the database.
        limit: at most so many.
        after: where the page before ended. Default: from the newest on.
        look: how many it looks through at most, for what no index knows.
        **terms: which. Default: all.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        return _page(connection, terms, limit, after, look)


def export_verdicts(engine: Engine, **terms: Unpack[VerdictTerms]) -> Iterator[list[Verdict]]:
    """The verdicts that are wanted, `EXPORTED` at most, some at a time.

    Args:
        engine: the database.
        **terms: which. Default: all.

    Raises:
        DatabaseUnreachable: no answer; what was given before stays right.
    """
    left, after = EXPORTED, None
    for _ in range(max(EXPORTED // _PORTION, EXPORT_LOOKED_THROUGH // LOOKED_THROUGH)):
        with translate_errors(engine), engine.connect() as connection:
            page = _page(connection, terms, min(left, _PORTION), after, LOOKED_THROUGH)
        if page.verdicts:
            yield page.verdicts
        left, after = left - len(page.verdicts), page.after
        if after is None or left <= 0:
            return


def _page(connection: Connection, terms: VerdictTerms, limit: int, after: Place | None, look: int) -> VerdictPage:
    connection.execute(NEAR)
    searched = cast(VerdictTerms, {name: terms.get(name) for name in _UNINDEXED if terms.get(name) is not None})
    is_spanning = spans_domains(terms)
    if searched and is_spanning:
        # To look through so many of each of twenty domains takes too long.
        searched["outcome"], is_spanning = terms["outcome"], False
    domains = domains_on_record(connection, verdicts) if is_spanning else []
    indexed = cast(VerdictTerms, {name: value for name, value in terms.items() if name not in searched})

    def all_of(most: int) -> Any:
        return newest(verdicts, indexed, limit=most, after=after, domains=domains)

    # One more than is shown: whether there is another page.
    if not searched:
        rows = connection.execute(all_of(limit + 1)).all()
    else:
        looked_at = all_of(look).subquery()
        fitting = select(looked_at).where(*conditions(looked_at, searched))
        rows = connection.execute(in_order(fitting, looked_at).limit(limit + 1)).all()
    found = [verdict_of_row(row) for row in rows[:limit]]
    if len(rows) > limit:
        return VerdictPage(found, (found[-1].evaluated_at, found[-1].id))
    if not searched:
        return VerdictPage(found, None)
    ends = all_of(look).subquery()
    last = in_order(select(ends.c.evaluated_at, ends.c.id), ends).offset(look - 1)
    end = connection.execute(last).first()
    return VerdictPage(found, None) if end is None else VerdictPage(found, (end[0], end[1]), end[0])
