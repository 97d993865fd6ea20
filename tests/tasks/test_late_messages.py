"""A job whose message is late is judged by whoever drains; its message finds it in other hands and does nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text, update

from rulefarm.database import connect, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.jobs import Job
from rulefarm.messaging import JobMessage, job_message
from rulefarm.settings import Settings
from store.attempts import begin_job
from store.job_groups import claim_group
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks import drain as draining
from tasks import evaluate, worker_context
from tasks.drain import drain
from tasks.evaluate import evaluate_job
from tasks.reconcile import reconcile
from tasks.worker_context import WorkerContext
from tests.rows import row, rows
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app

ME = "w@here"
FACTS, TEXT = {"Product": {"price": 5}}, '{"Product":{"price":5}}'


@pytest.fixture
def worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerContext]:
    """This process is a worker for the shop. For it no message is late before a second is over."""
    monkeypatch.setattr(draining, "MESSAGE_S", 1.0)
    database = connect(settings)
    publish(database, [RulesetSnapshot.of(SHOP)])
    app = create_worker_app(settings)
    context = WorkerContext(settings=settings, database=database, rulesets={"shop": SHOP}, app=app)
    monkeypatch.setattr(worker_context, "_current", [context])
    yield context
    app.close()
    database.dispose()


@pytest.fixture
def farm(worker: WorkerContext) -> Iterator[Farm]:
    """A producer."""
    with Farm(worker.settings) as producer:
        yield producer


def delay(engine: Engine, *, seconds: float = 2.0) -> None:
    """Let time pass over the messages that are on their way."""
    with engine.begin() as connection:
        connection.execute(update(jobs).values(resend_at=jobs.c.resend_at - timedelta(seconds=seconds)))


def deliver(message: dict[str, Any], **delivery: Any) -> Any:
    request = SimpleNamespace(hostname=ME, delivery_info={"routing_key": "rules.shop"} | delivery, retries=0)
    return evaluate_job(SimpleNamespace(request=request, soft_time_limit=60), **message)


def message_of(job: Job, **more: Any) -> dict[str, Any]:
    return replace(JobMessage.from_kwargs(job_message(job, TEXT).kwargs), **more).to_kwargs()


def test_a_job_whose_message_waits_behind_others_is_judged_without_it(
    farm: Farm, worker: WorkerContext, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = [farm.submit("shop", FACTS) for _ in range(3)]
    delay(database)
    young = farm.submit("shop", FACTS)
    assert drain(worker, "shop", ME, bulk=False) == 3
    assert (row(database, young).state, row(database, young).attempts) == ("open", 0)
    before = rows(database, jobs)
    # What judged a job that is closed would end here.
    monkeypatch.delattr(evaluate, "judge_job")
    for job in behind:
        assert deliver(message_of(job)) == {"outcome": None, "drained": 0}
    assert rows(database, jobs) == before
    assert {verdict.id for verdict in rows(database, verdicts)} == {job.id for job in behind}


def test_a_message_that_finds_its_job_in_other_hands_wakes_all_the_same(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    first = farm.submit("shop", FACTS)
    delay(database)
    assert drain(worker, "shop", ME, bulk=False) == 1
    with database.begin() as connection:
        farm.submit("shop", FACTS, connection=connection)
    assert deliver(message_of(first)) == {"outcome": None, "drained": 1}


def test_nobody_drains_what_its_message_has_begun(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    job = farm.submit("shop", FACTS)
    assert begin_job(database, job.id, ME)
    delay(database)
    assert drain(worker, "shop", ME, bulk=False) == 0
    # The same message once more, by a fault of the broker; and once more, for Postgres was away meanwhile.
    assert not begin_job(database, job.id, "another@there")
    assert begin_job(database, job.id, ME, goes_on=True)
    assert (row(database, job).attempts, row(database, job).worker, row(database, job).lease_until) == (1, ME, None)


def test_a_message_leaves_alone_what_is_claimed_with_others(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    job = farm.submit("shop", FACTS)
    delay(database)
    terms = worker.terms("other/1")
    assert len(claim_group(database, "shop", terms, bulk=False, most=9, ahead_s=29.0)) == 1
    assert deliver(message_of(job)) == {"outcome": None, "drained": 0}
    assert deliver(message_of(job, attempt=1)) == {"outcome": None, "drained": 0}
    assert row(database, job).worker == "other/1"


def test_what_has_a_message_is_not_passed_by_a_long_backlog(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    late = farm.submit("shop", FACTS)
    delay(database)
    with database.begin() as connection:
        for _ in range(9):
            farm.submit("shop", FACTS, connection=connection)
    claimed = claim_group(database, "shop", worker.terms("w/1"), bulk=False, most=3, ahead_s=29.0)
    assert len(claimed) == 3
    assert late.id in {job.id for job in claimed}


@pytest.mark.parametrize("kind", ["bulk", "pinned", "sent by the reconciler", "found by the reconciler"])
def test_whatever_the_message_is_a_job_is_drained_once_it_is_late(
    kind: str, farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    if kind == "bulk":
        [job] = farm.submit_many("shop", [FACTS])
    elif kind == "sent by the reconciler":
        with database.begin() as connection:
            job = farm.submit("shop", FACTS, connection=connection)
        [message] = farm.ledger.messages([job.id]) if farm.ledger else []
        assert message.task_id == str(job.id)
    else:
        job = farm.submit("shop", FACTS, digest=SHOP.digest if kind == "pinned" else None)
    bulk = kind == "bulk"
    assert drain(worker, "shop", ME, bulk=bulk) == 0
    delay(database)
    if kind == "found by the reconciler":
        reconcile(SimpleNamespace(request=SimpleNamespace(hostname=ME)))
    else:
        assert drain(worker, "shop", ME, bulk=bulk) == 1
    assert (row(database, job).state, row(database, job).attempts) == ("done", 1)


def test_a_job_of_a_producer_without_a_database_needs_its_message(
    settings: Settings, worker: WorkerContext, database: Engine
) -> None:
    with Farm(replace(settings, database_url=None)) as farm:
        job = farm.submit("shop", FACTS)
    message = replace(JobMessage.from_kwargs(job_message(job, TEXT).kwargs), on_record=False).to_kwargs()
    assert deliver(message)["outcome"] is not None
    assert deliver(message)["outcome"] is not None
    assert len(rows(database, verdicts)) == 1


def test_a_mark_that_waits_for_no_disk_leaves_the_session_as_it_was(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    assert begin_job(worker.database, farm.submit("shop", FACTS).id, ME)
    with worker.database.connect() as connection:
        assert connection.execute(text("show synchronous_commit")).scalar_one() == "on"
