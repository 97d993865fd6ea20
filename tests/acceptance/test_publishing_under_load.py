"""Rules are published again and again while jobs and a batch are judged, and a worker and a publisher are killed: no
job fails, and of each verdict it is known which rules made it, and that they were the active ones by then."""

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import pytest
from sqlalchemy import ColumnElement, Engine, Executable, func, select, text

from rulefarm.database import active_digests, dead_letters, publications, rulesets, verdicts
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset, load_domain
from store.publication_trail import ACTIVATING, verify_trail
from store.publications import publish, rollback
from store.ruleset_versions import RulesetSnapshot
from tasks.verify_verdicts import VerdictVerifier
from tests.commands import RULESETS, rulefarm
from tests.processes import until

#: How often rules are published while the farm judges.
TIMES = 20
#: Rows of the batch, and jobs at least.
ROWS, JOBS = 400, 60
#: Orders come with totals below it, and each version draws the line at another one.
TOTALS = 30


class Author:
    """Writes versions of the rules of a domain, each of which judges some of the orders otherwise than the others."""

    def __init__(self, root: Path, database: Engine) -> None:
        # A domain of its own: nobody else takes from its queues.
        self.folder = shutil.copytree(RULESETS / "payment", root / f"d{uuid.uuid4().hex[:12]}")
        self._rules = self.folder / "payment.grl"
        self._text, self._limits, self._database = self._rules.read_text(), count(1), database

    def write(self) -> LoadedRuleset:
        """The next version."""
        self._rules.write_text(self._text.replace("> 1000", f"> {next(self._limits)}"))
        return load_domain(self.folder.parent, self.folder.name)

    def publish(self, times: int) -> str:
        """Publish so many versions, each as the child of the one before; gives the digest of the last."""
        for _ in range(times):
            version, domain = self.write(), self.folder.name
            parents = {domain: active_digests(self._database).get(domain)}
            assert publish(self._database, [RulesetSnapshot.of(version)], parents=parents) == [domain]
        return version.digest


@contextmanager
def stream(farm: Farm, domain: str) -> Iterator[list[uuid.UUID]]:
    """Submit jobs as long as the block lasts; gives the ids of those that were accepted."""
    accepted: list[uuid.UUID] = []
    stop = threading.Event()

    def submit() -> None:
        for group in count():
            jobs = [(f"job {group}.{n}", {"Order": {"total": n}}) for n in range(0, TOTALS, 10)]
            accepted.extend(job.id for job in farm.submit_many(domain, jobs))
            if stop.wait(0.3):
                return

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        yield accepted
    finally:
        stop.set()
        thread.join()


def scalar(database: Engine, statement: Executable) -> Any:
    """The one value of a statement, asked by itself."""
    with database.connect() as connection:
        return connection.execute(statement).scalar_one()


def kill_a_publisher(settings: Settings, database: Engine, author: Author) -> str:
    """Kill a publisher in the middle of what it writes; gives the digest that it was about to publish."""
    digest = author.write().digest
    waiting = text(
        "select count(*) from pg_stat_activity where query ilike 'insert into publications%' and state = 'active'"
    )
    with database.begin() as connection:
        # The rules, and that they are the active ones, are written by then: the trail comes last.
        connection.execute(text("lock table publications in share mode"))
        with rulefarm(settings, "rules", "publish", str(author.folder)) as publisher:
            until(lambda: scalar(database, waiting))
            publisher.kill()
    return digest


def test_twenty_publications_a_killed_worker_and_a_killed_publisher_fail_no_job_and_leave_each_verdict_its_reasons(
    settings: Settings, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the killed worker had begun is free again when its time is over.
    for name in ("JOB", "CHUNK"):
        monkeypatch.setenv(f"RULEFARM_{name}_TIME_LIMIT_S", "10")
    author = Author(tmp_path / "shops", database)
    domain = author.folder.name
    source = tmp_path / "orders.csv"
    source.write_text("order_id,total\n" + "".join(f"row {n},{n % TOTALS}\n" for n in range(ROWS)))
    mine = replace(settings, rulesets=author.folder.parent, chunk_rows=10, reconcile_interval_s=1, reconcile_grace_s=2)

    def worker(settings: Settings, *more: str) -> AbstractContextManager[Popen[bytes]]:
        return rulefarm(settings, "worker", "--queue", "bulk", "--autoscale", "2,1", *more)

    def judged(*conditions: ColumnElement[bool]) -> int:
        return int(scalar(database, select(func.count()).select_from(verdicts).where(*conditions)))

    def has_judged_jobs(digest: str) -> Callable[[], int]:
        return lambda: judged(verdicts.c.ruleset_digest == digest, verdicts.c.batch.is_(None))

    first = author.publish(1)
    scheduled = author.write()
    publish(database, [RulesetSnapshot.of(scheduled)], at=datetime.now(UTC) + timedelta(hours=1))
    with Farm(mine) as farm, ExitStack() as parts:
        parts.enter_context(rulefarm(mine, "beat"))
        killed = parts.enter_context(worker(mine, "--domains", domain))
        with stream(farm, domain) as accepted:
            until(has_judged_jobs(first), every_s=0.2)
            until(has_judged_jobs(author.publish(5)), every_s=0.2)
            batch = farm.submit_batch(domain, source, key=domain)
            until(lambda: judged(verdicts.c.batch == batch.id))
            for process in [*psutil.Process(killed.pid).children(recursive=True), psutil.Process(killed.pid)]:
                process.kill()
            author.publish(9)
            # Nobody tells it what to serve, and the folder is gone: it serves what is published.
            parts.enter_context(worker(replace(mine, rulesets=tmp_path / "gone")))
            never_written = kill_a_publisher(mine, database, author)
            assert rollback(database, domain).action == "publish"
            last = author.publish(TIMES - 5 - 9)
            until(has_judged_jobs(last), every_s=0.2)
            until(lambda: len(accepted) >= JOBS)
        until(lambda: judged() == len(accepted) + ROWS, every_s=0.2)
        assert farm.batch(batch.id)["state"] == "done"

    assert (scalar(database, select(func.count()).select_from(dead_letters)), active_digests(database)) == (
        0,
        {domain: last},
    )
    with database.connect() as connection:
        trail = connection.execute(select(publications).order_by(publications.c.id)).all()
        on_record = set(connection.execute(select(rulesets.c.digest)).scalars())
        judged_at = select(verdicts.c.ruleset_digest, func.min(verdicts.c.evaluated_at)).group_by("ruleset_digest")
        judged_first = {row.ruleset_digest: row.min_1 for row in connection.execute(judged_at)}
        outcomes = set(connection.execute(select(verdicts.c.outcome).distinct()).scalars())
    assert outcomes == {"accept", "reject"}
    active_since = {row.digest: row.published_at for row in reversed(trail) if row.action in ACTIVATING}
    assert [row.action for row in trail].count("publish") == 1 + TIMES
    assert len(judged_first) >= 3
    # By none before it was the active one; so by none that was only planned, nor by the one whose author died.
    assert {digest for digest, at in judged_first.items() if at < active_since.get(digest, at + timedelta(1))} == set()
    assert (scheduled.digest in on_record, scheduled.digest in active_since, never_written in on_record) == (
        True,
        False,
        False,
    )
    assert verify_trail(database).problems == ()
    found = VerdictVerifier(database).run()
    assert (found.judged, found.skipped, found.mismatches) == (len(accepted) + ROWS, 0, [])
