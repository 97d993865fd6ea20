"""Verdicts of several regions as one list.  regions' databases -> [region_verdicts] -> `rulefarm verdicts`, gateways

From one database that has copies of all, if there is one; else from each region's own, a page at a time. A job that two
regions judged counts once: by its verdict of the region where it was submitted first. Copies nothing: that is for
`store.replication` to do."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice

from sqlalchemy import Column, Engine, MetaData, Table, Text, exists, select, tuple_

from rulefarm.database import SHORT_S, connect, translate_errors, verdicts
from rulefarm.errors import DatabaseUnreachable, FarmUnreachable, RulefarmError, SettingsError
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from store.replication_state import regions_on_record
from store.verdict_list import find_rows, find_verdicts
from store.verdict_terms import VerdictTerms

#: Gives verdicts of one region, newest first: at most so many, and those behind a verdict alone.
Find = Callable[[Engine, int, tuple[datetime, uuid.UUID] | None], Iterator[Verdict]]
#: Verdicts of a region that are read with one statement, at least.
_LEAST = 100
#: Seconds that a connection to a region may take.
_CONNECT_S = 2.0
_NAMES = tuple(column.name for column in verdicts.columns)
_ALL = Table(
    "verdicts_all",
    MetaData(),
    Column("region", Text),
    *(Column(column.name, column.type) for column in verdicts.columns),
)
_TWIN = _ALL.alias("twin")
_COUNTS = ~exists(
    select(_TWIN.c.id).where(
        _TWIN.c.id == _ALL.c.id,
        tuple_(_TWIN.c.enqueued_at, _TWIN.c.region) < tuple_(_ALL.c.enqueued_at, _ALL.c.region),
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """Verdicts of all regions."""

    #: Region and verdict of each job or row, newest first, and each once.
    verdicts: Iterator[tuple[str, Verdict]]
    #: The regions whose verdicts are missing, and why.
    without: Mapping[str, RulefarmError]


class AllRegions:
    """The databases of all regions that settings name."""

    def __init__(self, settings: Settings, *, silence_s: float = SHORT_S) -> None:
        """Connect when first asked.

        Args:
            settings: say where the regions are, and which is the own.
            silence_s: seconds after which a region that says nothing is given up.

        Raises:
            SettingsError: they name none.
        """
        names = {place.name for place in settings.regions} | ({settings.region} if settings.region else set())
        if not names:
            raise SettingsError(
                "unknown-region", "no regions are named", "set RULEFARM_REGION_NAME_DATABASE_URL of each"
            )
        #: The own first: it is the nearest.
        self.names = sorted(names, key=lambda name: (name != settings.region, name))
        self._settings, self._silence_s = settings, silence_s
        self._engines: dict[str, Engine] = {}

    def engine(self, name: str) -> Engine:
        """The database of a region.

        Raises:
            SettingsError: nothing says where it is: nothing does of a farm on this machine that does not run.
        """
        if name not in self._engines:
            settings = self._settings.in_region(name)
            self._engines[name] = connect(settings, silence_s=self._silence_s, connect_s=_CONNECT_S)
        return self._engines[name]

    def find(
        self, *, limit: int, after: tuple[datetime, uuid.UUID] | None = None, terms: VerdictTerms | None = None
    ) -> Found:
        """Verdicts of all regions that answer, or that are copied to one that does.

        Args:
            limit: at most so many.
            after: evaluated_at and id of a verdict: only those that come behind it. Default: from the newest on.
            terms: which. Default: all.

        Raises:
            DatabaseUnreachable: no region answers.
        """
        wanted = terms or {}
        away: dict[str, RulefarmError] = {}
        for name in self.names:
            try:
                engine = self.engine(name)
                if regions_on_record(engine) >= set(self.names):
                    rows = find_rows(engine, _ALL, wanted, _COUNTS, limit=limit, after=after)
                    return Found(((row[0], Verdict(**dict(zip(_NAMES, row[1:], strict=True)))) for row in rows), {})
            except (FarmUnreachable, SettingsError) as error:
                away[name] = error
        regions = {name: self.engine(name) for name in self.names if name not in away}
        if not regions:
            names = ", ".join(self.names)
            raise DatabaseUnreachable("region-silent", f"none of {names} answers", "see docs/regions.md")

        def find(engine: Engine, limit: int, behind: tuple[datetime, uuid.UUID] | None) -> Iterator[Verdict]:
            return find_verdicts(engine, limit=limit, after=behind or after, **wanted)

        return Found(union_of(regions, find, limit=limit), away)

    def close(self) -> None:
        """Close the connections."""
        for engine in self._engines.values():
            engine.dispose()


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
