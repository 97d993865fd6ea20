"""Whoever waits for a result is woken by it, whatever became of the connection over which it would be told."""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis

from rulefarm.farm import Farm
from rulefarm.jobs import Job
from rulefarm.messaging import GuestApp, announcements, create_app
from rulefarm.settings import Settings
from rulefarm.waiting import Watch, wait_for
from tasks.job_results import put_results
from tests.processes import until
from tests.rows import verdict

#: Seconds that a sleep which nobody ends would last, and in which it is seen that one was ended.
LONG_S, SEEN_S = 600.0, 60.0


@pytest.fixture
def app(settings: Settings) -> Iterator[GuestApp]:
    """An application whose results are on Redis."""
    made = create_app(settings)
    yield made
    made.close()


def put(app: GuestApp, task_id: uuid.UUID) -> None:
    put_results(app, [verdict(task_id, datetime.now(UTC))])


def soon(app: GuestApp, task_id: uuid.UUID) -> threading.Timer:
    """Put a result while somebody waits."""
    timer = threading.Timer(0.1, put, (app, task_id))
    timer.start()
    return timer


def assert_woken(app: GuestApp) -> None:
    task_id = uuid.uuid4()
    with app.announcements.of(str(task_id)) as announcement:
        assert announcement.is_on
        begun, timer = time.monotonic(), soon(app, task_id)
        told = announcement.wait(LONG_S)
        assert time.monotonic() - begun < SEEN_S
        timer.join()
    assert told == app.backend.get(app.backend.get_key_for_task(str(task_id)))


def test_a_result_wakes_its_waiter_and_no_other(app: GuestApp) -> None:
    for _ in range(3):
        assert_woken(app)
    with app.announcements.of(str(uuid.uuid4())) as announcement:
        put(app, uuid.uuid4())
        begun = time.monotonic()
        assert announcement.wait(0.2) is None
        assert time.monotonic() - begun >= 0.2


def test_a_result_that_comes_before_the_wait_is_not_missed(app: GuestApp, settings: Settings) -> None:
    task_id = uuid.uuid4()
    with app.announcements.of(str(task_id)) as announcement:
        until(lambda: redis.Redis.from_url(settings.require_broker()).pubsub_channels(f"*{task_id}"))
        put(app, task_id)
        assert announcement.wait(LONG_S)


def test_what_was_left_unheard_on_a_line_is_not_the_next_ones(app: GuestApp) -> None:
    first = uuid.uuid4()
    with app.announcements.of(str(first)):
        put(app, first)
    assert_woken(app)


def test_a_line_that_was_cut_while_nobody_had_it_is_replaced(app: GuestApp, settings: Settings) -> None:
    assert_woken(app)
    redis.Redis.from_url(settings.require_broker()).client_kill_filter(_type="pubsub")
    assert_woken(app)


def test_who_waits_on_a_line_that_is_cut_finds_the_result_all_the_same(farm: Farm, settings: Settings) -> None:
    now = datetime.now(UTC)
    job = Job(id=uuid.uuid4(), domain="shop", subject="x", as_of=now, enqueued_at=now)

    def cut() -> None:
        redis.Redis.from_url(settings.require_broker()).client_kill_filter(_type="pubsub")
        put(farm.app, job.id)

    timer = threading.Timer(0.1, cut)
    timer.start()
    assert wait_for(Watch(job, farm.app, None, SEEN_S)).id == job.id
    timer.join()


def test_beyond_some_waiters_and_where_redis_does_not_let_one_listen_one_sleeps(
    app: GuestApp, settings: Settings
) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(app.announcements.of(str(n))) for n in range(announcements._MOST + 1)]
        assert [line.is_on for line in lines] == [True] * announcements._MOST + [False]
    admin = redis.Redis.from_url(settings.require_broker())
    admin.acl_setuser(
        "deaf", enabled=True, passwords=["+pw"], commands=["+@all", "-subscribe"], keys=["*"], channels=["*"]
    )
    place = admin.connection_pool.connection_kwargs
    deaf = create_app(replace(settings, broker_url=f"redis://deaf:pw@{place['host']}:{place['port']}/0"))
    for _ in range(2):
        with deaf.announcements.of("x") as announcement:
            begun = time.monotonic()
            announcement.wait(0.2)
            assert time.monotonic() - begun >= 0.2
            assert not announcement.is_on
    deaf.close()
    admin.acl_deluser("deaf")


def test_a_process_that_was_forked_has_lines_of_its_own(app: GuestApp) -> None:
    assert_woken(app)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            assert_woken(app)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert_woken(app)


@pytest.fixture
def farm(settings: Settings) -> Iterator[Farm]:
    """A producer."""
    with Farm(settings) as producer:
        yield producer
