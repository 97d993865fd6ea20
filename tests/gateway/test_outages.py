"""What a gateway stands on goes away: it says so, keeps on with the rest, and needs no restart."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest
from sqlalchemy import Engine, func, select, text

from gateway import gateway_context
from rulefarm.database import jobs, verdicts
from rulefarm.settings import Settings
from tests.gateway.client import Client, running_gateway
from tests.processes import until
from workers.monitoring import metrics

PAYMENT = "/v1/payment/evaluate"
ORDER = {"facts": {"Order": {"total": 1}}}


def end_sessions(database: Engine) -> None:
    """End every session of the database but this one, as a failover does."""
    others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    with database.connect() as connection:
        connection.execute(text(f"{others} and pid <> pg_backend_pid()"))


@contextmanager
def frozen(database: Engine) -> Iterator[None]:
    """All of Postgres stands still: the kernel takes what it is sent, and new connections, and nobody answers."""
    with database.connect() as connection:
        backend = psutil.Process(connection.execute(text("select pg_backend_pid()")).scalar_one())
    server = backend.parent()
    assert server is not None
    stopped = [server]
    server.suspend()
    try:
        for child in server.children(recursive=True):
            child.suspend()
            stopped.append(child)
        yield
    finally:
        for process in stopped:
            process.resume()


def test_a_frozen_postgres_keeps_nobody_waiting_for_long(
    client: Client, gateway_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_context, "ANSWER_S", 1.0)
    whole = client.get("/metrics").text
    assert 'rulefarm_up{part="database"} 1.0' in whole
    monkeypatch.setattr(metrics, "_PATIENCE_S", 1.0)
    with frozen(gateway_database):
        for answer, seconds in (
            (client.get("/readyz"), 2),
            (client.post("/v1/payment/jobs", {**ORDER, "key": "frozen"}), 1),
            (client.get("/v1/verdicts"), 1),
            (client.get("/v1/batches/00000000-0000-4000-8000-000000000000"), 1),
        ):
            assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "request-timeout", "1")
            assert answer.json["detail"] == f"no answer within {seconds} s"
        told = client.get("/metrics").text
        assert 'rulefarm_up{part="database"} 0.0\nrulefarm_up{part="broker"} 1.0\n' in told
        assert 'rulefarm_queue_messages{queue="' in told
        assert "rulefarm_open_jobs" not in told
        assert client.post(f"{PAYMENT}?durable=false", ORDER).status == 200
        assert client.get("/livez").status == 200
    until(lambda: client.get("/readyz").status == 200)
    until(lambda: 'rulefarm_up{part="database"} 1.0' in client.get("/metrics").text)
    # Whatever became of the first request: it is one job.
    monkeypatch.undo()
    until(lambda: client.post("/v1/payment/jobs", {**ORDER, "key": "frozen"}).status == 202)
    with gateway_database.connect() as connection:
        assert connection.execute(select(func.count()).where(jobs.c.subject == "frozen")).scalar_one() == 1


def test_sessions_that_end_lose_and_double_nothing(client: Client, gateway_database: Engine) -> None:
    """Whoever got an answer finds it on record, once, and whoever did not asks again with the same key."""
    stopped = threading.Event()

    def ask(n: int) -> int:
        for tries in range(200):
            answer = client.post(PAYMENT, {**ORDER, "key": f"ended-{n}"})
            if answer.status == 200:
                return tries
            assert answer.status == 503, answer.text
        raise AssertionError("no answer")

    def end() -> None:
        while not stopped.wait(0.05):
            end_sessions(gateway_database)

    ending = threading.Thread(target=end)
    ending.start()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(60)))
    stopped.set()
    ending.join()
    until(lambda: client.get("/readyz").status == 200)
    with gateway_database.connect() as connection:
        for table in (jobs, verdicts):
            counted = select(func.count(), func.count(table.c.subject.distinct()))
            counted = counted.where(table.c.subject.like("ended-%"))
            assert tuple(connection.execute(counted).one()) == (60, 60)


def test_without_shared_facts_the_other_domains_go_on(gateway_settings: Settings, free_port: int) -> None:
    settings = replace(gateway_settings, facts_url=f"redis://127.0.0.1:{free_port}/0")
    with running_gateway(settings) as client:
        household = {"Order": {"household_id": "1", "total": 1}}
        answer = client.post("/v1/credit/evaluate", {"facts": household})
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "facts-unreachable", "1")
        assert str(free_port) not in answer.text
        assert client.post(PAYMENT, ORDER).status == 200
        # Facts that came with the job are not looked up.
        given = {**household, "Customer": {"household_id": "1"}, "Store": {"region": "x"}}
        assert client.post("/v1/credit/evaluate", {"facts": given}).status == 200


def test_without_a_broker_jobs_are_judged_and_taken(gateway_settings: Settings, free_port: int) -> None:
    settings = replace(gateway_settings, broker_url=f"redis://127.0.0.1:{free_port}/0")
    with running_gateway(settings) as client:
        assert client.post(PAYMENT, ORDER).status == 200
        taken = client.post("/v1/payment/jobs", ORDER)
        # On record: the reconciler sends it when the broker is back.
        assert (taken.status, taken.json["sent"]) == (202, False)
        assert client.get(taken.headers["location"]).json["state"] == "open"


def test_while_postgres_is_locked_what_needs_no_record_is_judged(client: Client, gateway_database: Engine) -> None:
    with gateway_database.connect() as lock:
        lock.execute(text("lock table verdicts in access exclusive mode"))
        answers = []
        asking = threading.Thread(target=lambda: answers.append(client.post(PAYMENT, {**ORDER, "key": "locked"})))
        asking.start()
        until(lambda: lock.execute(text("select count(*) from pg_locks where not granted")).scalar())
        assert client.post(f"{PAYMENT}?durable=false", ORDER).status == 200
        assert client.get("/livez").status == 200
        lock.rollback()
    asking.join(60)
    assert client.post(PAYMENT, {**ORDER, "key": "locked"}).status == 200
