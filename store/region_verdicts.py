"""Verdicts of several regions as one list.  the regions' databases -> [region_verdicts] -> `rulefarm verdicts --region`

Reads each region's own database, a page at a time. A job that two regions judged counts once: by its verdict of
the region where it was submitted first. Copies nothing from one region to another."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from heapq import merge
from itertools import islice

from sqlalchemy import Engine, select

from rulefarm.database import translate_errors, verdicts
from rulefarm.verdict import Verdict

#: Gives verdicts of one region, newest first: at most so many, and those behind a verdict alone.
Find = Callable[[Engine, int, tuple[datetime, uuid.UUID] | None], Iterator[Verdict]]
#: Verdicts of a region that are read with one statement, at least.
_LEAST = 100


def union_of(regions: Mapping[str, Engine], find: Find, *, limit: int) -> Iterator[tuple[str, Verdict]]:
    """Region and verdict of each job or row, newest first, and each once.

    Args:
        regions: the database of each, by its name.
        find: what is wanted of one region.
        limit: at most so many.

    Raises:
        DatabaseUnreachable: a region does not answer.
    """
    size = max(_LEAST, min(limit, 5_000))
    lists = [_counted(regions, name, find, size) for name in regions]
    together = merge(*lists, key=lambda each: (-each[1].evaluated_at.timestamp(), each[1].id.int))
    return islice(together, limit)


def _counted(regions: Mapping[str, Engine], name: str, find: Find, size: int) -> Iterator[tuple[str, Verdict]]:
    """Those verdicts of a region that count."""
    after = None
    while True:
        page = list(find(regions[name], size, after))
        first = _first_submitted(regions, page)
        for verdict in page:
            # Of one instant the name decides, so that one of them counts.
            if min(first[verdict.id]) == (verdict.enqueued_at, name):
                yield name, verdict
        if len(page) < size:
            return
        after = page[-1].evaluated_at, page[-1].id


def _first_submitted(regions: Mapping[str, Engine], page: list[Verdict]) -> dict[uuid.UUID, list[tuple[datetime, str]]]:
    """When and where each of these was submitted, as far as it was judged there."""
    found: dict[uuid.UUID, list[tuple[datetime, str]]] = {verdict.id: [] for verdict in page}
    twins = select(verdicts.c.id, verdicts.c.enqueued_at).where(verdicts.c.id.in_(list(found)))
    for name, engine in regions.items() if page else ():
        with translate_errors(engine), engine.connect() as connection:
            for row in connection.execute(twins):
                found[row.id].append((row.enqueued_at, name))
    return found
