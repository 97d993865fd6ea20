"""How soon workers judge by what is published.  rulefarm_farm, publish -> [publishing] -> shadow

Some workers of one process each, so that a verdict names the process, get jobs all the time; rules are published again
and again, at moments that no worker knows of. Counted is from the publishing's own instant, which Postgres's clock has
on record, to the first verdict by the new digest of each worker: all run on this machine. Judges nothing itself."""

import random
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import text

from bench.farm.job_queue import wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import DOMAIN, Material
from bench.timing import Goal, ReportRow, Sample
from rulesets.loader import SHIPPED, LoadedRuleset, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.published_rulesets import FRESH_S, WITHIN_S

#: Workers, of one process each.
WORKERS = 4
#: Seconds between two jobs of the stream.
_EVERY_S = 0.02
_GOAL = Goal(WITHIN_S, f"≤ {WITHIN_S:g} s", is_least=False)
_JUDGED = text("select worker, min(evaluated_at) from verdicts where ruleset_digest = :digest group by worker")
_PUBLISHED = text("select max(published_at) from publications where digest = :digest")


class Author:
    """Writes versions of the shipped rules, each with one rule more that asks for another limit.

    Args:
        folder: to write in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "drafts" / DOMAIN
        self._limits = count(1_000)
        if not self._folder.exists():
            shutil.copytree(SHIPPED / DOMAIN, self._folder)

    def write(self) -> LoadedRuleset:
        """The next version."""
        rule = f'rule Dear {{ when Order.total > {next(self._limits)} then Review("dear"); }}'
        (self._folder / "more.grl").write_text(rule, encoding="utf-8")
        return load_domain(self._folder.parent, DOMAIN)


def goings_over(farm: Rulefarm, what: Material, times: int) -> list[list[float]]:
    """Seconds until each worker judged by what was published, publishing by publishing.

    Args:
        farm: no worker runs.
        what: the jobs.
        times: publishings.

    Raises:
        Stuck: a worker does not judge, or not by what is published.
    """
    author, chance, found = Author(farm.folder), random.Random("publishing"), []
    with ExitStack() as parts:
        for number in range(WORKERS):
            parts.callback(farm.start_worker(DOMAIN, 1, bulk=False, name=f"one-{number}").stop)
        parts.enter_context(_stream(farm, what))
        for number in range(times):
            version = author.write()
            if number:
                # Whenever a process has asked last: at another point between that and when it asks again.
                time.sleep(chance.uniform(0, FRESH_S))
            publish(farm.database, [RulesetSnapshot.of(version)])
            found.append(_gone_over(farm, version.digest))
    return found


@contextmanager
def _stream(farm: Rulefarm, what: Material) -> Iterator[None]:
    """Jobs come, as long as the block lasts, and every worker has judged some when it begins."""
    stop = threading.Event()

    def submit() -> None:
        for number in count():
            for pair in what.jobs(f"stream-{number}", 1):
                farm.submit(pair)
            if stop.wait(_EVERY_S):
                return

    thread = threading.Thread(target=submit)
    thread.start()
    names = text("select count(distinct worker) from verdicts where worker like 'one-%'")

    def is_warm() -> bool:
        with farm.database.connect() as connection:
            return bool(connection.execute(names).scalar_one() >= WORKERS)

    try:
        wait_until(is_warm, PATIENCE_S)
        yield
    finally:
        stop.set()
        thread.join()


def _gone_over(farm: Rulefarm, digest: str) -> list[float]:
    firsts: dict[str, float] = {}

    def is_over() -> bool:
        with farm.database.connect() as connection:
            published = connection.execute(_PUBLISHED, {"digest": digest}).scalar_one()
            rows = connection.execute(_JUDGED, {"digest": digest}).all()
        firsts.update({worker: (first - published).total_seconds() for worker, first in rows})
        return len(firsts) >= WORKERS

    wait_until(is_over, PATIENCE_S)
    return sorted(firsts.values())


def rows_of_publishings(found: Sequence[Sequence[float]]) -> list[ReportRow]:
    """The table.

    Args:
        found: seconds of each worker, publishing by publishing.
    """
    section = f"from a publishing to the first verdict by it, {len(found)} publishings, {WORKERS} workers"
    each = Sample(tuple(seconds for one in found for seconds in one))
    last = Sample(tuple(max(one) for one in found))
    most = Sample((last.high,))
    return [
        ReportRow(section, "of a worker", each, "s"),
        ReportRow(section, "of the last worker", last, "s"),
        ReportRow(section, "of the slowest of all", most, "s", None, _GOAL.words, _GOAL.is_met(most.middle)),
    ]
