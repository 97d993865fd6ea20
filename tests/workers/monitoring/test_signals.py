"""What the exporter tells is what is on record, whoever judged it, and whatever is away."""

import math
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, func, insert, select, update

from rulefarm.database import active_rulesets, batches, dead_letters, jobs
from rulefarm.messaging import TaskMessage, create_app, send_messages
from rulefarm.routing import CONTROL_QUEUE, queue_name
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, claim_job
from store.dead_letters import Failure, record_message
from store.pending_work import record_run
from store.verdicts import store_verdict
from tests.rows import AS_OF, add_batch, add_duty, add_job, verdict
from workers.monitoring import SignalReader
from workers.monitoring.metrics import CONTENT_TYPE, answer, registry_of
from workers.monitoring.signals import LATELY_S

Samples = dict[tuple[Any, ...], float]


@pytest.fixture
def reader(settings: Settings, database: Engine) -> Iterator[SignalReader]:
    """Of a farm of two domains."""
    with database.begin() as connection:
        for domain in ("payment", "pricing"):
            connection.execute(insert(active_rulesets).values(domain=domain, digest="d" * 64))
    found = SignalReader(settings)
    yield found
    found.close()


def scraped(reader: SignalReader) -> Samples:
    """Name and values of the labels of each sample, with its number."""
    content_type, body = answer(registry_of(reader))
    assert content_type == CONTENT_TYPE
    return {
        (sample.name.removeprefix("rulefarm_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def judged(settings: Settings, engine: Engine, **other: Any) -> None:
    """A job that has its verdict."""
    job = add_job(settings)
    with engine.connect() as connection:
        now = connection.execute(select(func.now())).scalar_one()
    assert store_verdict(engine, verdict(job.id, job.enqueued_at, **({"evaluated_at": now} | other)))


def test_a_farm_without_work_is_told_with_noughts(reader: SignalReader) -> None:
    found = scraped(reader)
    assert (found["up", "database"], found["up", "broker"]) == (1, 1)
    for name in ("open_jobs", "open_chunks", "open_rows", "leased", "open_attempts", "oldest_age_seconds"):
        assert [found[name, domain, "interactive"] for domain in ("payment", "pricing")] == [0, 0]
    assert {found[name, "payment"] for name in ("jobs_total", "dead_letters", "drain_seconds", "overdue_duties")} == {0}
    assert found["ruleset_info", "d" * 64, "pricing"] == 1
    assert ("reconciler_age_seconds",) not in found
    assert found["reconciler_late_seconds",] == 50


def test_what_is_open_judged_and_dead_is_counted(settings: Settings, database: Engine, reader: SignalReader) -> None:
    waiting, leased = add_job(settings), add_job(settings)
    claim_job(database, leased.id, LeaseTerms(worker="w", lease_s=60, max_attempts=3))
    add_batch(database, count=3)
    for outcome in ("accept", "accept", "reject"):
        judged(settings, database, outcome=outcome, micros=300)
    with database.begin() as connection:
        row = {"kind": "job", "domain": "payment", "code": "x", "reason": "x", "attempts": 3}
        connection.execute(insert(dead_letters).values(id=uuid.uuid4(), **row))
    for name in ("payment", None):
        record_message(database, Failure("bad-message", "no message"), worker="w", domain=name)
    found = scraped(reader)
    assert (found["open_jobs", "payment", "interactive"], found["leased", "payment", "interactive"]) == (2, 1)
    assert found["open_attempts", "payment", "interactive"] == 2
    assert (found["open_chunks", "pricing", "bulk"], found["open_rows", "pricing", "bulk"]) == (3, 6)
    assert found["jobs_total", "payment"] == 6
    assert found["verdicts_total", "payment", "job", "accept"] == 2
    assert found["verdicts_total", "payment", "job", "reject"] == 1
    assert (found["dead_letters", "payment"], found["dead_letters", ""]) == (2, 1)
    assert found["evaluation_seconds_count", "payment", "job"] == 3
    assert found["evaluation_seconds_sum", "payment", "job"] == pytest.approx(0.0009)
    assert found["evaluation_seconds_bucket", "payment", "job", "0.0005"] == 3
    assert found["evaluation_seconds_bucket", "payment", "job", "0.00025"] == 0
    assert found["latency_seconds_bucket", "payment", "job", "+Inf"] == 3
    assert found["worker_ruleset_info", "d" * 64, "payment", "payment@here"] == 1
    # Two are open, and three were judged within the last minute, which has up to seventy seconds.
    assert 2 / 3 * LATELY_S <= found["drain_seconds", "payment"] <= 2 / 3 * (LATELY_S + 10)
    assert found["drain_seconds", "pricing"] == math.inf
    assert found["oldest_age_seconds", "payment", "interactive"] >= 0
    # It counts on, and once.
    judged(settings, database, outcome="accept")
    store_verdict(database, verdict(waiting.id, waiting.enqueued_at, outcome="accept"))
    again = scraped(reader)
    assert again["verdicts_total", "payment", "job", "accept"] == 4
    assert again["jobs_total", "payment"] == 7


def test_the_count_of_jobs_never_falls(settings: Settings, database: Engine, reader: SignalReader) -> None:
    add_job(settings)
    assert scraped(reader)["jobs_total", "payment"] == 1
    with database.begin() as connection:
        connection.execute(update(jobs).values(state="dead"))
    assert scraped(reader)["jobs_total", "payment"] == 1


def test_messages_are_counted_by_queue(settings: Settings, database: Engine, domain: str) -> None:
    name = queue_name(domain)
    send_messages(create_app(settings), [TaskMessage("x", str(n), name, {}, "") for n in range(3)])
    reader = SignalReader(settings)
    found = scraped(reader)
    reader.close()
    assert (found["queue_messages", name], found["queue_messages", queue_name(domain, bulk=True)]) == (3, 0)


def test_what_the_reconciler_does_and_what_is_overdue_is_told(database: Engine, reader: SignalReader) -> None:
    record_run(database, sent=7, broker_lost=False)
    add_duty(database, minutes_ago=7, domain="pricing")
    add_duty(database, minutes_ago=-5, domain="pricing")
    with database.begin() as connection:
        row = {"domain": "payment", "source": "x.csv", "rows": 0, "chunks": 0, "as_of": AS_OF, "state": "failed"}
        connection.execute(insert(batches).values(id=uuid.uuid4(), code="x", reason="x", **row))
    found = scraped(reader)
    assert found["reconciler_sent",] == 7
    assert 0 <= found["reconciler_age_seconds",] < 600
    assert (found["overdue_duties", "pricing"], found["overdue_duties", "payment"]) == (1, 0)
    assert (found["failed_batches", "pricing"], found["failed_batches", "payment"]) == (0, 1)


def test_without_a_broker_the_rows_are_told(settings: Settings, reader: SignalReader) -> None:
    lonely = SignalReader(replace(settings, broker_url="redis://127.0.0.1:1/0"))
    found = scraped(lonely)
    assert (found["up", "database"], found["up", "broker"], found["open_jobs", "payment", "bulk"]) == (1, 0, 0)
    assert not [name for name, *_ in found if name == "queue_messages"]
    # And it is not asked again at once.
    assert lonely._breaker.is_open
    lonely.close()


def test_without_a_database_the_broker_is_told_of(settings: Settings) -> None:
    lonely = SignalReader(replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none"))
    told = scraped(lonely)
    assert set(told) == {("up", "database"), ("up", "broker"), ("queue_messages", CONTROL_QUEUE)}
    assert (told["up", "database"], told["up", "broker"]) == (0, 1)
    lonely.close()


def test_what_was_judged_yesterday_has_no_pace(settings: Settings, database: Engine, reader: SignalReader) -> None:
    with database.connect() as connection:
        yesterday = connection.execute(select(func.now())).scalar_one() - timedelta(days=1)
    judged(settings, database, evaluated_at=yesterday)
    found = reader.read()
    [payment, _] = found.domains
    assert (payment.jobs_per_s, payment.outcomes, payment.latency_s, payment.submitted) == (0, {}, None, 1)
    assert (found.pace, found.rulesets) == ({}, {})


def test_ninety_of_a_hundred_are_within_the_latency(settings: Settings, database: Engine, reader: SignalReader) -> None:
    for waited in [0.02] * 9 + [40.0]:
        job = add_job(settings)
        moment = job.enqueued_at + timedelta(seconds=waited)
        with database.begin() as connection:
            sent = connection.execute(select(func.now())).scalar_one() - timedelta(seconds=waited)
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(enqueued_at=sent))
        store_verdict(database, verdict(job.id, sent, evaluated_at=sent + (moment - job.enqueued_at)))
    assert reader.read().domains[0].latency_s == 0.025
