"""What waits is judged many at a time, and each job as if it were alone: what harms one harms no other."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, func, text, update

from rulefarm import wire
from rulefarm.database import connect, dead_letters, jobs, reconciler, verdicts
from rulefarm.farm import Farm
from rulefarm.jobs import Job
from rulefarm.messaging import job_message, queue_depths
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from rulesets.loader import load_all
from store.attempts import claim_job, fail_job
from store.dead_letters import Failure
from store.job_groups import claim_group, free_lost_group, holder, store_group
from store.pending_work import claim_due
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks import drain as draining
from tasks import worker_context
from tasks.drain import drain
from tasks.evaluate import evaluate_job
from tasks.reconcile import reconcile
from tasks.shared_facts import open_shared
from tasks.worker_context import WorkerContext
from tests.commands import RULESETS, SHARING
from tests.rows import rows, verdict
from workers.celery_app import create_worker_app
from workers.drill.poison import EVIDENCE, poisoned

ME = "w@here"
LOST = Failure("worker-lost", "the process that judged it died")


@pytest.fixture
def worker(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerContext]:
    """This process is a worker for payments, whose rules know poison, and for orders on account."""
    monkeypatch.setenv(EVIDENCE, str(tmp_path / "evidence"))
    monkeypatch.setattr(draining, "SLICE_S", 60)
    monkeypatch.setattr(draining, "YOUNG_S", 60)
    settings = replace(settings, group_size=50)
    rulesets = load_all(RULESETS, ["payment"]) | load_all(SHARING, ["credit"])
    database = connect(settings)
    publish(database, [RulesetSnapshot.of(loaded) for loaded in rulesets.values()])
    context = WorkerContext(
        settings=settings,
        database=database,
        rulesets={domain: poisoned(loaded) for domain, loaded in rulesets.items()},
        app=create_worker_app(settings),
        shared=open_shared(settings),
    )
    monkeypatch.setattr(worker_context, "_current", [context])
    yield context
    context.app.close()
    database.dispose()


@pytest.fixture
def farm(worker: WorkerContext) -> Iterator[Farm]:
    """A producer."""
    with Farm(worker.settings) as producer:
        yield producer


def waiting(farm: Farm, *keys: str, domain: str = "payment") -> list[Job]:
    """Jobs that no message was sent for: as many were waiting already."""
    account: dict[str, Any] = {"household_id": "h"} if domain == "credit" else {}
    facts = [(key, {"Order": {"order_id": key, "total": 100 + place} | account}) for place, key in enumerate(keys)]
    assert farm.ledger is not None
    with farm.ledger.engine.begin() as connection:
        return [farm.submit(domain, each, key=key, connection=connection) for key, each in facts]


def states(engine: Engine) -> dict[str, tuple[str, int]]:
    return {row.subject: (row.state, row.attempts) for row in rows(engine, jobs)}


def depth(farm: Farm, domain: str = "payment") -> int:
    name = queue_name(domain)
    return queue_depths(farm.app, [name])[name]


def forget_messages(farm: Farm) -> None:
    """Those that other tests have left in the queue."""
    with farm.app.connection_for_write() as connection:
        connection.default_channel.client.delete(queue_name("payment"))


def test_a_message_wakes_a_worker_that_judges_all_that_waits(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    waited = waiting(farm, *(f"k{n}" for n in range(120)))
    order = {"Order": {"order_id": "first", "total": 5}}
    first = farm.submit("payment", order, key="first")
    message = job_message(first, wire.canonical(order))
    assert evaluate_job(task(message.queue), **message.kwargs) == {"outcome": "accept", "drained": 120}
    assert set(states(database).values()) == {("done", 1)}
    # Whoever waits is told by the result, and need not look for the row.
    for job in (first, *waited):
        meta = farm.app.backend.get_task_meta(str(job.id))
        assert (meta["status"], meta["result"]["subject"]) == ("SUCCESS", job.subject)
    assert {row.worker for row in rows(database, verdicts)} == {ME}


def test_whoever_still_waits_after_a_long_time_finds_the_row(
    farm: Farm, worker: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "YOUNG_S", 0)
    [job] = waiting(farm, "old")
    assert drain(worker, "payment", ME, bulk=False) == 1
    assert farm.app.backend.get_task_meta(str(job.id))["status"] == "PENDING"
    assert farm.wait(job, timeout=60).subject == "old"


def test_whatever_goes_wrong_in_a_group_the_job_that_woke_it_is_done_and_the_others_are_sent(
    farm: Farm, worker: WorkerContext, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What nobody foresaw: a name that is not there.
    monkeypatch.delattr(draining, "claim_group")
    order = {"Order": {"order_id": "first", "total": 5}}
    message = job_message(farm.submit("payment", order, key="first"), wire.canonical(order))
    waiting(farm, "other")
    assert evaluate_job(task(message.queue), **message.kwargs) == {"outcome": "accept", "drained": 0}
    forget_messages(farm)
    with database.begin() as connection:
        connection.execute(update(reconciler).values(ran_at=func.now() - timedelta(hours=1)))
    assert reconcile(task()) == 1
    assert depth(farm) == 1


def test_each_is_judged_as_it_would_be_alone(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    facts: list[dict[str, Any]] = [
        {"Order": {"order_id": "a", "total": 2000, "country": "FR"}},
        {"Order": {"order_id": "b", "total": 777.77}, "Line": [{"quantity": 60}]},
        {"Order": {"order_id": "c", "total": -1}},
        {"Order": {"order_id": "d", "total": 1.0, "note": "\u00e9 \\u0000x"}},
    ]
    assert farm.ledger is not None
    said = {}
    for form in ("together", "alone"):
        with farm.ledger.engine.begin() as connection:
            sent = [
                farm.submit("payment", each, key=f"{form}{n}", connection=connection) for n, each in enumerate(facts)
            ]
        if form == "together":
            assert drain(worker, "payment", ME, bulk=False) == len(facts)
        else:
            for job, each in zip(sent, facts, strict=True):
                evaluate_job(task(), **job_message(job, wire.canonical(each)).kwargs)
        found = [farm.verdict(job.id) for job in sent]
        said[form] = [
            (each.outcome, each.fired, each.reasons, each.changes, each.logs, each.events, each.facts_digest)
            for each in found
            if each
        ]
    assert said["together"] == said["alone"]
    assert [outcome for outcome, *_ in said["alone"]] == ["reject", "review", "error", "accept"]


def test_what_raises_fails_for_itself_alone(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    *_, unread, _ = waiting(farm, "a", "poison-raise-1", "unread", "b")
    with database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == unread.id).values(facts=[]))
    assert drain(worker, "payment", ME, bulk=False) == 2
    failed = {row.subject: (row.code, row.worker, row.lease_until) for row in rows(database, jobs, jobs.c.code != "")}
    assert failed == {"poison-raise-1": ("evaluation-failed", ME, None), "unread": ("bad-facts", ME, None)}


def test_a_verdict_that_cannot_be_stored_harms_no_other(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("alter table verdicts add check (subject <> 'unheard-of')"))
    waiting(farm, "a", "unheard-of", "b")
    assert drain(worker, "payment", ME, bulk=False) == 2
    assert states(database) == {"a": ("done", 1), "unheard-of": ("open", 1), "b": ("done", 1)}


def test_nobody_takes_what_was_begun_or_is_held_or_is_of_another_queue(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    waiting(farm, "begun", "held", "later")
    farm.submit_many("payment", [("bulk", {"Order": {"total": 1}})])
    waiting(farm, "other", domain="credit")
    for subject, values in {
        "begun": {"attempts": 1},
        "held": {"lease_until": func.now() + timedelta(hours=1)},
        "later": {"resend_at": func.now() + timedelta(hours=1)},
    }.items():
        with database.begin() as connection:
            connection.execute(update(jobs).where(jobs.c.subject == subject).values(**values))
    assert drain(worker, "payment", ME, bulk=False) == 0
    assert rows(database, verdicts) == []


def test_after_its_process_died_each_is_tried_alone(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    one, two = waiting(farm, "one", "two")
    terms = worker.terms(holder(ME, 4711))
    assert len(claim_group(database, "payment", terms, bulk=False, most=9)) == 2
    assert claim_group(database, "payment", terms, bulk=False, most=9) == []
    assert free_lost_group(database, holder(ME, 4712), LOST) == 0
    assert free_lost_group(database, holder(ME, 4711), LOST) == 2
    # No group takes them again, however long they wait.
    assert drain(worker, "payment", ME, bulk=False) == 0
    assert [claim_job(database, job.id, worker.terms(ME)) for job in (one, two)] == [2, 2]


def test_a_group_that_was_overtaken_stores_nothing(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    late, done = waiting(farm, "late", "done")
    terms = worker.terms(holder(ME, 4711))
    claim_group(database, "payment", terms, bulk=False, most=9)
    with database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == late.id).values(lease_until=func.now() - timedelta(hours=1)))
    assert claim_job(database, late.id, worker.terms("another@there")) == 2
    judged = [verdict(job.id, job.enqueued_at, subject=job.subject, as_of=job.as_of) for job in (late, done)]
    assert store_group(database, judged) == {done.id}
    assert store_group(database, judged) == set()
    assert states(database) == {"late": ("open", 2), "done": ("done", 1)}


def test_when_the_slice_is_used_the_rest_is_given_back_and_another_worker_is_woken(
    farm: Farm, worker: WorkerContext, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "SLICE_S", 0.01)
    # Each of the first takes a second, as poison has it.
    monkeypatch.setattr(draining, "ENOUGH", 2)
    waiting(farm, *(f"slow-{n}" for n in range(3)), *(f"k{n}" for n in range(400)))
    forget_messages(farm)
    assert drain(worker, "payment", ME, bulk=False) == 1
    assert sorted(states(database).values()) == [("done", 1), *[("open", 0)] * 402]
    assert depth(farm) == 1
    # That one may wake another whose slice ended, too; two are enough for as long as they wait.
    assert [drain(worker, "payment", ME, bulk=False) > 0 and depth(farm) for _ in range(2)] == [2, 2]
    assert len(rows(database, jobs, jobs.c.worker.is_not(None), jobs.c.state == "open")) == 0


def test_after_a_pause_as_long_as_the_slice_a_whole_group_is_judged_all_the_same(
    farm: Farm, worker: WorkerContext, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine: a claim takes as long as a slice.
    monkeypatch.setattr(draining, "SLICE_S", 0.25)
    monkeypatch.setattr(draining, "claim_group", lambda *a, **terms: (claim_group(*a, **terms), time.sleep(0.3))[0])
    waiting(farm, *(f"k{n}" for n in range(60)))
    assert drain(worker, "payment", ME, bulk=False) > 1


def test_after_a_job_that_took_the_tasks_time_no_group_is_begun(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    waiting(farm, "next")
    forget_messages(farm)
    assert drain(worker, "payment", ME, bulk=False, until=time.monotonic()) == 0
    assert (states(database), depth(farm)) == ({"next": ("open", 0)}, 1)


def test_while_shared_facts_cannot_be_read_nothing_is_counted(
    farm: Farm, worker: WorkerContext, database: Engine, settings: Settings
) -> None:
    waiting(farm, "a", "b", domain="credit")
    cut_off = replace(worker, shared=open_shared(replace(settings, facts_url="redis://127.0.0.1:1/0")))
    assert drain(cut_off, "credit", ME, bulk=False) == 0
    assert states(database) == {"a": ("open", 0), "b": ("open", 0)}
    farm.facts.put("Customer", "h", {"household_id": "h", "limit": 500})
    assert drain(worker, "credit", ME, bulk=False) == 2


def test_with_every_message_lost_the_reconciler_has_all_judged(
    farm: Farm, worker: WorkerContext, database: Engine
) -> None:
    for n in range(20):
        farm.submit("payment", {"Order": {"order_id": str(n), "total": n}}, key=str(n))

    def lose_all() -> None:
        forget_messages(farm)
        with database.begin() as connection:
            connection.execute(update(jobs).values(resend_at=func.now() - timedelta(hours=1)))
            connection.execute(update(reconciler).values(ran_at=func.now() - timedelta(hours=1)))

    for _ in range(3):
        lose_all()
        reconcile(task())
    assert set(states(database).values()) == {("done", 1)}


def test_a_poison_job_among_many_is_the_only_one_that_dies(farm: Farm, worker: WorkerContext, database: Engine) -> None:
    waiting(farm, *(f"k{n}" for n in range(30)), "poison-kill-1")
    pid = os.fork()
    if not pid:
        drain(worker, "payment", ME, bulk=False)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    assert free_lost_group(database, holder(ME, pid), LOST) == 31
    with claim_due(database, "payment", bulk=False, grace_s=30, limit=99) as messages:
        assert len(messages) == 31
    for message in messages:
        if message.kwargs["subject"] != "poison-kill-1":
            evaluate_job(task("rules.payment"), **message.kwargs)
    assert {state for subject, state in states(database).items() if subject.startswith("k")} == {("done", 2)}
    terms, [poison] = worker.terms(ME), rows(database, jobs, jobs.c.state == "open")
    for attempt in range(2, worker.settings.max_attempts + 1):
        assert claim_job(database, poison.id, terms) == attempt
        assert fail_job(database, poison.id, terms, LOST, attempt=attempt) == (attempt == worker.settings.max_attempts)
    assert [letter.subject for letter in rows(database, dead_letters)] == ["poison-kill-1"]


def task(queue: str = "") -> Any:
    """The running Celery task, as far as it is asked."""
    return SimpleNamespace(request=SimpleNamespace(hostname=ME, delivery_info={"routing_key": queue}))
