"""A job that was submitted gets one verdict: from a real worker, through a real broker, in a real database."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kombu import Exchange, Queue
from sqlalchemy import Engine, func, select

from rulefarm.database import jobs, verdicts
from rulefarm.errors import JobRejected, NotFound, VerdictPending
from rulefarm.farm import Farm
from rulefarm.jobs import Job, new_jobs
from rulefarm.messaging import job_message
from rulefarm.routing import EVALUATE_JOB
from rulefarm.settings import Settings
from tests.processes import until
from tests.rows import key

BIG = {"Order": {"order_id": "1", "total": 2000.10, "country": "FR"}, "Line": [{"quantity": 30}, {"quantity": 30}]}


def verdicts_of(engine: Engine, subject: str) -> int:
    with engine.connect() as connection:
        statement = select(func.count()).select_from(verdicts).where(verdicts.c.subject == subject)
        return connection.execute(statement).scalar_one()


def test_a_job_gets_the_verdict_of_its_rules_and_the_row_says_the_same(farm: Farm) -> None:
    order = key()
    job = farm.submit("payment", BIG, key=order)
    verdict = job.wait(timeout=30)
    assert verdict.outcome == "reject"
    assert verdict.fired == ["Big", "BigAbroad", "Bulky"]
    assert [reason["text"] for reason in verdict.reasons] == ["over 1000", "big and abroad", "more than 50 pieces"]
    assert verdict.changes == {"Order.flag": "big"}
    assert (verdict.subject, verdict.domain, verdict.as_of) == (order, "payment", job.as_of)
    assert verdict.worker.startswith("payment-pricing@")
    assert farm.verdict(job.id) == verdict


def test_who_waits_for_a_verdict_gets_what_was_logged_and_called(farm: Farm) -> None:
    job = farm.submit("payment", {"Order": {"order_id": "1", "total": 777.77}}, key=key())
    verdict = job.wait(timeout=30)
    assert verdict.logs == ["alarm at "]
    assert verdict.events == [{"name": "SendAlert", "arguments": ["odd total", 777.77], "rule": "Alarm"}]
    assert farm.verdict(job.id) == verdict


def test_the_same_job_submitted_again_gets_the_same_verdict_and_no_second_row(
    farm: Farm, farm_database: Engine
) -> None:
    order = key()
    first = farm.submit("payment", BIG, key=order)
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: farm.evaluate("payment", BIG, key=order), range(8)))
    assert {verdict.id for verdict in again} == {first.id}
    assert {verdict.as_of for verdict in again} == {first.as_of}
    assert verdicts_of(farm_database, order) == 1


def test_the_same_key_with_other_facts_is_another_job(farm: Farm, farm_database: Engine) -> None:
    order = key()
    assert farm.evaluate("payment", BIG, key=order).outcome == "reject"
    assert farm.evaluate("payment", {"Order": {"total": 5}}, key=order).outcome == "accept"
    assert verdicts_of(farm_database, order) == 2


def test_without_a_key_every_call_is_a_job(farm: Farm) -> None:
    assert farm.submit("payment", BIG).id != farm.submit("payment", BIG).id


def test_a_job_is_judged_as_of_the_instant_it_names(farm: Farm) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert farm.evaluate("payment", BIG, key=key(), as_of=moment).as_of == moment


def test_facts_that_break_the_schema_get_an_error_verdict_that_names_the_field(farm: Farm) -> None:
    verdict = farm.evaluate("payment", {"Order": {"total": "much"}}, key=key())
    assert verdict.outcome == "error"
    assert verdict.fired == []
    assert [reason["code"] for reason in verdict.reasons] == ["facts-rejected"]
    assert "Order.total" in verdict.reasons[0]["text"]


def test_many_jobs_at_once_get_one_verdict_each_and_a_bad_one_harms_no_neighbour(
    farm: Farm, farm_database: Engine
) -> None:
    run = key()
    facts: list[Any] = [{"Order": {"total": n}} for n in range(300)]
    facts[7] = {"Order": {}}
    accepted = farm.submit_many("payment", [(f"{run}-{n}", document) for n, document in enumerate(facts)])
    outcomes = [job.wait(timeout=60).outcome for job in accepted]
    assert outcomes == ["error" if n == 7 else "accept" for n in range(300)]
    with farm_database.connect() as connection:
        rows = connection.execute(
            select(func.count()).select_from(verdicts).where(verdicts.c.subject.like(f"{run}-%"))
        ).scalar_one()
        done = connection.execute(
            select(func.count()).select_from(jobs).where(jobs.c.subject.like(f"{run}-%"), jobs.c.state == "done")
        ).scalar_one()
    assert (rows, done) == (300, 300)


def test_many_jobs_are_taken_all_or_none(farm: Farm, farm_database: Engine) -> None:
    run = key()
    with pytest.raises(JobRejected, match=r"Order\.total"):
        farm.submit_many("payment", [(f"{run}-a", BIG), (f"{run}-b", {"Order": {"total": float("nan")}})])
    with farm_database.connect() as connection:
        statement = select(func.count()).select_from(jobs).where(jobs.c.subject.like(f"{run}-%"))
        assert connection.execute(statement).scalar_one() == 0


def test_an_unknown_domain_is_refused_with_the_known_ones(farm: Farm) -> None:
    with pytest.raises(JobRejected, match="known: payment, pricing") as caught:
        farm.submit("paymnet", BIG)
    assert caught.value.code == "unknown-domain"


def test_an_unknown_job_is_not_found_and_an_open_one_has_no_verdict_yet(farm: Farm) -> None:
    with pytest.raises(NotFound):
        farm.verdict(uuid.uuid4())
    with pytest.raises(NotFound):
        farm.verdict("no id")
    job = replace(farm.submit("payment", BIG, key=key()), id=uuid.uuid4())
    with pytest.raises(VerdictPending, match=str(job.id)):
        job.wait(timeout=0.05)


def test_a_producer_without_a_database_gets_a_verdict_and_the_worker_writes_the_row(
    running_farm: Settings, farm_database: Engine
) -> None:
    order = key()
    with Farm(replace(running_farm, database_url=None)) as producer:
        verdict = producer.evaluate("payment", BIG, key=order)
    assert verdict.outcome == "reject"
    assert verdicts_of(farm_database, order) == 1
    with farm_database.connect() as connection:
        assert connection.execute(select(jobs.c.facts).where(jobs.c.subject == order)).scalar_one() == BIG


MALFORMED: list[tuple[str, Any]] = [
    ("no task of that name", {"task": "os.system", "kwargs": {"command": "true"}}),
    ("no arguments", {"task": "rules.evaluate", "kwargs": {}}),
    ("no such job", {"task": "rules.evaluate", "kwargs": {"job_id": "x"}}),
    (
        "wrong kinds",
        {"task": "rules.evaluate", "kwargs": {"job_id": 7, "domain": [], "facts": None, "rings": "x"}},
    ),
    ("no such chunk", {"task": "rules.evaluate_chunk", "kwargs": {"batch": str(uuid.uuid4()), "n": 0}}),
    ("no id of a chunk", {"task": "rules.evaluate_chunk", "kwargs": {"batch": "x", "n": "y"}}),
]


@pytest.mark.parametrize(("what", "message"), MALFORMED, ids=[what for what, _ in MALFORMED])
def test_a_malformed_message_kills_no_worker_and_leaves_no_verdict(farm: Farm, what: str, message: Any) -> None:
    farm.app.send_task(
        message["task"], kwargs=message["kwargs"], exchange="rules", routing_key="rules.payment", ignore_result=True
    )
    assert farm.evaluate("payment", BIG, key=key()).outcome == "reject"


@pytest.mark.parametrize("content_type", ["application/x-python-serialize", "application/x-yaml", "application/json"])
def test_a_message_that_is_not_json_kills_no_worker(farm: Farm, content_type: str) -> None:
    with farm.app.producer_or_acquire() as producer:
        producer.publish(
            b"\x80\x04]." if "json" not in content_type else b"{",
            exchange="rules",
            routing_key="rules.payment",
            content_type=content_type,
            content_encoding="binary",
            headers={"task": "rules.evaluate", "id": str(uuid.uuid4())},
        )
    assert farm.evaluate("payment", BIG, key=key()).outcome == "reject"


def times_sent(engine: Engine, job: Job) -> int:
    with engine.connect() as connection:
        return connection.execute(select(jobs.c.times_sent).where(jobs.c.id == job.id)).scalar_one()


def test_a_job_whose_message_could_not_be_sent_is_judged_by_whoever_is_awake_or_sent_by_the_reconciler(
    farm: Farm, farm_database: Engine
) -> None:
    farm._home.sender._breaker.trip()
    job = farm.submit("payment", BIG, key=key())
    assert not job.sent
    assert job.wait(timeout=30).outcome == "reject"
    assert times_sent(farm_database, job) <= 1


def test_a_job_whose_message_was_lost_is_sent_again(farm: Farm, farm_database: Engine) -> None:
    [(new, facts)] = new_jobs("payment", [(BIG, key())], as_of=None, on_record=True, farm=farm)
    # As if the message had been lost right after the row was written: none is sent.
    job = farm.require_ledger().add(new, facts)
    assert job.wait(timeout=30).outcome == "reject"
    # Or the worker that reconciles judged it without another.
    assert times_sent(farm_database, job) in (1, 2)


def test_a_wiped_broker_loses_no_job(farm: Farm, farm_database: Engine) -> None:
    run = key()
    accepted = farm.submit_many("payment", [(f"{run}-{n}", {"Order": {"total": n}}) for n in range(200)])
    with farm.app.connection_for_write() as connection:
        connection.default_channel.client.flushall()
    assert {job.wait(timeout=60).outcome for job in accepted} == {"accept"}
    assert verdicts_of(farm_database, f"{run}-0") == 1


def test_flower_and_the_log_see_a_job_by_its_id_and_not_by_its_facts(farm: Farm, running_farm: Settings) -> None:
    secret = key()
    job = farm.submit("payment", {"Order": {"total": 1, "country": secret}}, key=key())
    job.wait(timeout=30)
    log = running_farm.home / "worker---domains-payment,pricing---autoscale-3,1.log"
    until(lambda: str(job.id) in log.read_text())
    assert secret not in log.read_text()
    assert json.dumps(secret) not in log.read_text()


@pytest.mark.parametrize("retries", [0, 1_000])
def test_a_message_of_a_host_whose_clock_is_ahead_is_judged_soon(
    farm: Farm, farm_database: Engine, retries: int
) -> None:
    order, now = key(), datetime.now(UTC)
    # Not on record, so that nothing but the message speaks for the job.
    job = Job(id=uuid.uuid4(), domain="payment", subject=order, as_of=now, enqueued_at=now, on_record=False)
    farm.app.send_task(
        EVALUATE_JOB,
        kwargs=job_message(job, '{"Order":{"total":1}}').kwargs,
        task_id=str(job.id),
        queue=Queue("rules.payment", Exchange(""), routing_key="rules.payment"),
        eta=now + timedelta(hours=1_000),
        retries=retries,
    )
    until(lambda: verdicts_of(farm_database, order), 60)
