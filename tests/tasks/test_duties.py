"""A nightly that fell due while something was away is carried out when it is back, once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from rulefarm.database import batches, connect, duties
from rulefarm.messaging import create_app, queue_depths
from rulefarm.routing import NIGHTLY, queue_name
from rulefarm.settings import Settings
from store.duties import unmet
from tasks import worker_context
from tasks.reconcile import send_what_is_due
from tasks.worker_context import WorkerContext
from tests.rows import add_duty, duty_row, rows
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app

GOOD = "sku,price,cost\nA,1,2\n"
BULK = queue_name("shop", bulk=True)


@pytest.fixture
def worker(settings: Settings, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """This process is the shop's bulk worker, and reconciles; its source is there."""
    (tmp_path / "tonight.csv").write_text(GOOD)
    mine = replace(settings, nightly_domain="shop", nightly_source=str(tmp_path / "tonight.csv"))
    app = create_worker_app(mine, queues=[BULK])
    context = WorkerContext(settings=mine, database=database, rulesets={"shop": SHOP}, app=app)
    monkeypatch.setattr(worker_context, "_current", [context])
    empty(app)
    send_what_is_due(context)
    yield context
    empty(app)


def empty(app: Any) -> None:
    with app.connection_for_write() as connection, connection.channel() as channel:
        channel.queue_purge(BULK)


def work(context: Any) -> list[str | None]:
    """Take the nightly messages that wait, as a worker does: what each of them came to."""
    done = []
    with context.app.connection_for_read() as connection:
        queue = connection.SimpleQueue(BULK)
        while queue_depths(context.app, [BULK])[BULK]:
            message = queue.get(timeout=60)
            message.ack()
            if message.headers["task"] == NIGHTLY:
                done.append(context.app.tasks[NIGHTLY].apply(kwargs=message.payload[1]).get())
        queue.close()
    return done


def run(context: Any, *, away: Any = None) -> list[str | None]:
    """One run of the reconciler, and what the worker makes of its messages."""
    send_what_is_due(away or context)
    return work(context)


def batch_instants(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(batches.c.as_of).order_by(batches.c.as_of)).scalars())


def test_a_nightly_that_is_due_is_carried_out_once_by_however_many_runs(worker: Any, database: Engine) -> None:
    due = add_duty(database, minutes_ago=1)
    [batch] = run(worker)
    assert [run(worker) for _ in range(3)] == [[]] * 3
    row = duty_row(database, due)
    assert (row.state, str(row.batch), row.times_sent) == ("done", batch, 1)
    assert batch_instants(database) == [due]


def test_the_same_message_twice_is_one_batch(worker: Any, database: Engine) -> None:
    due = add_duty(database, minutes_ago=1)
    send_what_is_due(worker)
    with database.begin() as connection:
        connection.execute(update(duties).values(resend_at=duties.c.due_at))
    send_what_is_due(worker)
    assert queue_depths(worker.app, [BULK])[BULK] == 2
    first, second = work(worker)
    assert (bool(first), second) == (True, None)
    assert batch_instants(database) == [due]


def test_while_the_broker_is_away_it_stays_due_and_is_carried_out_afterwards(worker: Any, database: Engine) -> None:
    due = add_duty(database, minutes_ago=1)
    gone = create_app(replace(worker.settings, broker_url="redis://127.0.0.1:1/0"))
    assert run(worker, away=replace(worker, app=gone)) == []
    assert duty_row(database, due).times_sent == 0
    assert len(run(worker)) == 1
    assert batch_instants(database) == [due]


def test_while_the_database_is_away_it_stays_due_and_is_carried_out_afterwards(
    worker: Any, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = add_duty(database, minutes_ago=1)
    gone = replace(worker, database=connect(replace(worker.settings, database_url="postgresql://x@127.0.0.1:1/x")))
    # Away when the reconciler looks; then when the worker has the message.
    assert run(worker, away=gone) == []
    monkeypatch.setattr(worker_context, "_current", [gone])
    assert run(worker) == [None]
    monkeypatch.setattr(worker_context, "_current", [worker])
    with database.begin() as connection:
        connection.execute(update(duties).where(duties.c.due_at == due).values(resend_at=func.now()))
    assert len(run(worker)) == 1
    assert batch_instants(database) == [due]


def test_a_source_that_comes_late_is_found_and_the_tries_before_are_told(
    worker: Any, database: Engine, tmp_path: Path
) -> None:
    (tmp_path / "tonight.csv").rename(tmp_path / "not_yet.csv")
    due = add_duty(database, minutes_ago=2)
    assert run(worker) == [None]
    [told] = unmet(database, late_s=30)
    assert (told.due_at, told.code, told.attempts, told.is_open) == (due, "unreadable-source", 1, True)
    (tmp_path / "not_yet.csv").rename(tmp_path / "tonight.csv")
    with database.begin() as connection:
        connection.execute(update(duties).where(duties.c.due_at == due).values(resend_at=func.now()))
    assert len(run(worker)) == 1
    assert unmet(database, late_s=30) == []
    assert batch_instants(database) == [due]


def test_a_farm_that_was_down_over_its_instant_makes_up_for_it(worker: Any, database: Engine) -> None:
    [row] = rows(database, duties)
    # Days pass: the row of the next night is one of the past, and so is the run of the reconciler.
    with database.begin() as connection:
        connection.execute(update(duties).values({
            name: duties.c[name] - timedelta(days=2) for name in ("due_at", "expires_at", "resend_at")
        }))  # fmt: skip
    done = run(worker)
    found = {row.due_at: row.state for row in rows(database, duties)}
    assert list(found) == [row.due_at + timedelta(days=n) for n in (-2, -1, 0)]
    assert list(found.values())[-1] == "open"
    # The last night, unless it is more than its twelve hours ago.
    assert len(done) == list(found.values()).count("done") <= 1
    assert batch_instants(database) == [due for due, state in found.items() if state == "done"]


def test_several_instants_that_were_missed_are_a_batch_each(worker: Any, database: Engine) -> None:
    often = replace(worker, settings=replace(worker.settings, nightly_cron="* * * * *"))
    with database.begin() as connection:
        connection.execute(duties.delete())
    last = add_duty(database, minutes_ago=4, state="done")
    done = run(worker, away=often)
    assert len(done) in (4, 5)
    assert batch_instants(database) == [last + timedelta(minutes=n + 1) for n in range(len(done))]


def test_a_worker_without_a_source_sends_what_is_due_and_plans_nothing(worker: Any, database: Engine) -> None:
    bare = replace(worker, settings=replace(worker.settings, nightly_source=None))
    with database.begin() as connection:
        connection.execute(duties.delete())
    send_what_is_due(bare)
    assert rows(database, duties) == []
    due = add_duty(database, minutes_ago=1)
    assert len(run(worker, away=bare)) == 1
    assert batch_instants(database) == [due]


def test_after_the_broker_lost_its_data_the_message_is_sent_again(worker: Any, database: Engine) -> None:
    due = add_duty(database, minutes_ago=1)
    send_what_is_due(worker)
    with worker.app.connection_for_write() as connection:
        connection.default_channel.client.flushdb()
    assert len(run(worker)) == 1
    assert batch_instants(database) == [due]
