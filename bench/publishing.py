"""How soon workers judge by what is published.  rulefarm_farm, publish -> [publishing] -> shadow

Some workers of one process each, so that a verdict names the process, get jobs all the time; rules are published again
and again, at moments that no worker knows of. Counted is from the publishing's own instant, which Postgres's clock has
on record, to the first verdict by the new digest of each worker: all run on this machine. Judges nothing itself."""

import gc
import random
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psutil
from sqlalchemy import text

from bench.farm.job_queue import wait_until
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import DOMAIN, Material
from bench.timing import Goal, ReportRow, Sample
from rulesets.loader import SHIPPED, LoadedRuleset, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.published_rulesets import FRESH_S, WITHIN_S, PublishedRulesets
from workers.drill.subjects import AS_OF

#: Workers, of one process each.
WORKERS = 4
#: Seconds between two jobs of the stream.
_EVERY_S = 0.02
_GOAL = Goal(WITHIN_S, f"≤ {WITHIN_S:g} s", is_least=False)
#: Publishings after which the memory of a process is looked at: it has all that it needs by the first.
_FEW, _MANY = 10, 50
_FLAT = Goal(1.02, "≤ 1.02 x", is_least=False)
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


def resident_mb(farm: Rulefarm, what: Material) -> tuple[float, float]:
    """Resident memory of this process when it has gone over to a few versions, and to many; it judges by each.

    Args:
        farm: no worker runs.
        what: the jobs.
    """
    author, sizes = Author(farm.folder), []
    published = PublishedRulesets(farm.database, [DOMAIN], has_facts=False)
    jobs = [facts for _, facts in what.jobs("held", 100)]
    for number in range(1, _MANY + 1):
        publish(farm.database, [RulesetSnapshot.of(author.write())])
        published.refresh()
        for facts in jobs:
            published.by_domain[DOMAIN].program.evaluate(facts, as_of=AS_OF)
        if number in (_FEW, _MANY):
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss / 2**20)
    return sizes[0], sizes[1]


def row_of_memory(few_mb: float, many_mb: float) -> ReportRow:
    """The row of it.

    Args:
        few_mb: what a process held after a few publishings.
        many_mb: and after many.
    """
    ratio = Sample((many_mb / few_mb,))
    section = f"resident memory of a process after {_MANY} publishings (x after {_FEW})"
    return ReportRow(section, Rulefarm.name, Sample((many_mb,)), "MB", ratio, _FLAT.words, _FLAT.is_met(ratio.middle))


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
