"""What has a row and no verdict is sent again: all of it after the broker lost its data, and never beyond the limit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from rulefarm.database import active_digests, jobs, reconciler
from rulefarm.farm import Farm
from rulefarm.messaging import queue_depths
from rulefarm.routing import OLD_SENTINEL_QUEUE, SENTINEL_QUEUE, queue_name
from rulefarm.settings import Settings
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from store.schedules import cancel_schedule
from tasks import worker_context
from tasks.reconcile import reconcile, send_what_is_due
from tasks.worker_context import WorkerContext

ORDER = {"Order": {"total": 12.5}}


@pytest.fixture
def farm(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    """A producer; this process is the worker that reconciles, on an empty broker with a sentinel."""
    impatient = replace(settings, queue_limit=5, reconcile_batch_size=2)
    with Farm(impatient) as producer:
        assert producer.ledger is not None
        context = WorkerContext(settings=impatient, database=producer.ledger.engine, rulesets={}, app=producer.app)
        monkeypatch.setattr(worker_context, "_current", [context])
        wipe(producer)
        run()
        yield producer


def run() -> int:
    return send_what_is_due(worker_context.current())


def wipe(farm: Farm) -> None:
    with farm.app.connection_for_write() as connection:
        connection.default_channel.client.flushdb()


def depth(farm: Farm, name: str) -> int:
    return queue_depths(farm.app, [name])[name]


def last_run(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(reconciler)).one()


def test_after_the_broker_lost_its_data_everything_open_is_sent_by_one_run(
    farm: Farm, domain: str, database: Engine
) -> None:
    for n in range(4):
        farm.submit(domain, ORDER, key=str(n))
    assert run() == 0
    wipe(farm)
    assert depth(farm, queue_name(domain)) == 0
    assert run() == 4
    assert (depth(farm, queue_name(domain)), depth(farm, SENTINEL_QUEUE)) == (4, 1)
    assert last_run(database).broker_lost_at is not None
    assert run() == 0


def test_a_broker_with_the_sentinel_of_the_release_before_has_lost_nothing(
    farm: Farm, domain: str, database: Engine
) -> None:
    before = last_run(database).broker_lost_at
    farm.submit(domain, ORDER)
    with farm.app.connection_for_write() as connection:
        connection.default_channel.client.rename(SENTINEL_QUEUE, OLD_SENTINEL_QUEUE)
    assert run() == 0
    assert (depth(farm, queue_name(domain)), depth(farm, SENTINEL_QUEUE)) == (1, 1)
    assert last_run(database).broker_lost_at == before


def test_no_queue_is_filled_beyond_its_limit_and_the_rest_follows_as_room_is_made(
    farm: Farm, domain: str, database: Engine
) -> None:
    bulk = queue_name(domain, bulk=True)
    assert all(job.sent for job in farm.submit_many(domain, [(str(n), ORDER) for n in range(12)]))
    assert depth(farm, bulk) == 5
    assert run() == 0
    with farm.app.connection_for_read() as connection:
        for _ in range(3):
            connection.SimpleQueue(bulk).get(timeout=60).ack()
    assert run() == 3
    assert depth(farm, bulk) == 5
    assert last_run(database).sent == 3
    with database.connect() as connection:
        assert sorted(connection.execute(select(jobs.c.times_sent)).scalars()) == [0] * 4 + [1] * 8


def test_what_only_waits_for_its_turn_gets_no_second_message_and_what_was_lost_gets_one(
    farm: Farm, domain: str, database: Engine
) -> None:
    name = queue_name(domain)
    for n in range(4):
        farm.submit(domain, ORDER, key=str(n))

    def overdue() -> int:
        with database.begin() as connection:
            connection.execute(update(jobs).values(resend_at=func.now() - timedelta(days=1)))
        return run()

    assert [overdue(), overdue()] == [0, 0]
    with farm.app.connection_for_read() as connection:
        connection.SimpleQueue(name).get(timeout=60).ack()
    assert [overdue(), overdue()] == [1, 0]
    assert depth(farm, name) == 4


def test_while_the_broker_is_away_nothing_counts_as_sent(
    farm: Farm, domain: str, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.begin() as connection:
        farm.submit(domain, ORDER, connection=connection)
    with Farm(replace(farm.settings, broker_url="redis://127.0.0.1:1/0")) as cut_off:
        monkeypatch.setattr(worker_context, "_current", [replace(worker_context.current(), app=cut_off.app)])
        assert run() == 0
    with database.connect() as connection:
        assert connection.execute(select(jobs.c.times_sent)).scalar_one() == 0


def test_of_messages_that_have_gathered_the_first_does_the_work_of_all(
    farm: Farm, domain: str, database: Engine
) -> None:
    first = last_run(database).ran_at
    with database.begin() as connection:
        farm.submit(domain, ORDER, connection=connection)
    assert [reconcile(SimpleNamespace(request=None)) for _ in range(3)] == [0, 0, 0]
    assert last_run(database).ran_at == first
    with database.begin() as connection:
        connection.execute(update(reconciler).values(ran_at=func.now() - timedelta(seconds=9)))
    assert [reconcile(SimpleNamespace(request=None)) for _ in range(3)] == [1, 0, 0]
    assert last_run(database).ran_at > first


def test_what_is_to_judge_from_a_moment_on_does_when_that_has_come(farm: Farm, database: Engine) -> None:
    publish(database, [RulesetSnapshot("shop", "one", {})])
    publish(database, [RulesetSnapshot("shop", "two", {})], at=datetime.now(UTC) + timedelta(days=1))
    run()
    assert active_digests(database)["shop"] == "one"
    cancel_schedule(database, "shop")
    publish(database, [RulesetSnapshot("shop", "two", {})], at=datetime.now(UTC) - timedelta(seconds=1))
    send_what_is_due(worker_context.current())
    assert active_digests(database)["shop"] == "two"
