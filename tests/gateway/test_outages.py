"""What a gateway stands on goes away: it says so, keeps on with the rest, and needs no restart."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import Engine, func, select, text

from rulefarm.database import jobs, verdicts
from rulefarm.settings import Settings
from tests.gateway.client import Client, running_gateway
from tests.processes import until

PAYMENT = "/v1/payment/evaluate"
ORDER = {"facts": {"Order": {"total": 1}}}


def end_sessions(database: Engine) -> None:
    """End every session of the database but this one, as a failover does."""
    others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    with database.connect() as connection:
        connection.execute(text(f"{others} and pid <> pg_backend_pid()"))


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
