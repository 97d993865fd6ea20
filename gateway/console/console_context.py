"""What the pages of the console work with.  gateway.serve -> [console_context] -> each page

Has connections and threads of its own: however long a page takes, no request to be judged waits for it. Opened once;
connects when the first page is asked for."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Engine

from gateway.console.figures import FigureReader, Figures
from gateway.console.recent import Recent
from gateway.console.versions import RecordedVersions
from gateway.gateway_context import ANSWER_S, GatewayContext, in_thread, within
from rulefarm.database import LONG_S, connect, translate_errors
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from store.private_view import PrivateView
from store.rule_firings import DomainFirings, RuleFiringCounts
from workers.monitoring import HealthCheck, SignalReader, examine

_Answer = TypeVar("_Answer")

#: Seconds after which Postgres interrupts a question of a page: before whoever asked is told that it takes too long.
_STATEMENT_S = ANSWER_S * 0.8
#: Seconds for which figures are not asked for anew, and after which they are not shown any more; likewise of checks.
_FIGURES_S, _CHECKS_S = (3.0, 30.0), (20.0, 300.0)
#: Likewise of how often rules fired, which is told by the day: old numbers are shown with their time, and better than
#: none.
_FIRINGS_S = 30.0, 3600.0
#: Seconds that a probe of the doctor gets.
_PROBE_S = 5.0


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """The parts of the console."""

    #: Of the gateway that serves it: the farm, the rulesets, who may do what.
    gateway: GatewayContext
    settings: Settings
    #: Connections of the console's own.
    database: Engine
    #: For what waits for Postgres, and for pictures.
    threads: ThreadPoolExecutor
    #: What the farm does, in numbers.
    figures: Recent[Figures]
    #: What the doctor finds.
    checks: Recent[list[HealthCheck]]
    #: How often rules fired, by domain.
    firings: Recent[Mapping[str, DomainFirings]]
    #: Rulesets that a page is about.
    versions: RecordedVersions
    #: What came of the cases of a domain, by its name; filled by the page that asks for it.
    covered: dict[str, Recent[Any]]
    #: For what takes seconds, one after the other: drafts that are tried, versions that are compiled and compared,
    #: verdicts that are explained, batches that are compared whole.
    slow: ThreadPoolExecutor

    def view(self, *, everything: bool) -> PrivateView:
        """What a visitor is shown of facts on record.

        Args:
            everything: whether private values, too.
        """
        # The gateway's knows the versions on record, and is kept up to date: another one would read them all.
        return PrivateView(self.database, everything=True) if everything else self.gateway.private

    async def run(self, call: Callable[[], _Answer]) -> _Answer:
        """Do in a thread what waits or computes.

        Raises:
            GatewayBusy: it takes too long; what has begun goes on.
        """
        return await within(ANSWER_S, in_thread(self.threads, call))

    async def compute(self, call: Callable[[], _Answer]) -> _Answer:
        """Do in turn what takes seconds.

        Raises:
            GatewayBusy: it takes too long, or others are before it; what has begun goes on.
        """
        return await within(ANSWER_S, in_thread(self.slow, call))

    async def ruleset(self, domain: str, digest: str) -> LoadedRuleset:
        """A version, compiled: what judges now at once, whatever else is computed.

        Args:
            domain: whose.
            digest: of it, whole.

        Raises:
            NotFound, RulesetUnreadable, engine.EngineError, DatabaseUnreachable: as `RecordedVersions.ruleset`.
            GatewayBusy: it takes too long.
        """
        served = self.versions.served(domain, digest)
        if served is not None:
            return served
        return await self.compute(partial(self.versions.ruleset, domain, digest))


@contextmanager
def open_console(settings: Settings, gateway: GatewayContext, reader: SignalReader) -> Iterator[ConsoleContext]:
    """The parts of the console, for as long as a block lasts.

    Args:
        settings: where the farm is.
        gateway: what it is served by.
        reader: reads the numbers of the farm.
    """
    database = connect(settings, statement_timeout_s=_STATEMENT_S)
    threads = ThreadPoolExecutor(settings.database_pool_size, thread_name_prefix="console")
    figures = Recent("figures", FigureReader(reader, database).read, fresh_s=_FIGURES_S[0], stale_s=_FIGURES_S[1])
    look = partial(examine, settings, timeout_s=_PROBE_S)
    checks = Recent("checks", look, fresh_s=_CHECKS_S[0], stale_s=_CHECKS_S[1])
    # The first count reads every verdict of a month: no page waits for it, and no page's time is its.
    counted = connect(replace(settings, database_pool_size=1), silence_s=LONG_S)
    count = partial(_counted, counted, RuleFiringCounts())
    firings = Recent("firings", count, fresh_s=_FIRINGS_S[0], stale_s=_FIRINGS_S[1])
    slow = ThreadPoolExecutor(1, thread_name_prefix="slow")
    covered: dict[str, Recent[Any]] = {}
    try:
        yield ConsoleContext(
            gateway=gateway,
            settings=settings,
            database=database,
            threads=threads,
            figures=figures,
            checks=checks,
            firings=firings,
            versions=RecordedVersions(database, gateway.served),
            covered=covered,
            slow=slow,
        )
    finally:
        slow.shutdown(wait=False)
        threads.shutdown()
        database.dispose()
        counted.dispose()


def _counted(database: Engine, counts: RuleFiringCounts) -> Mapping[str, DomainFirings]:
    with translate_errors(database), database.connect() as connection:
        counts.read(connection)
    return counts.by_domain()
