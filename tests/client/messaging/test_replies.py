"""A Redis that answers that it can't is named for what it is, and a job that is on record is returned all the same."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, text

from rulefarm.errors import BrokerUnreachable, FactsUnreachable, FarmUnreachable
from rulefarm.farm import Farm
from rulefarm.messaging import TaskMessage, create_app, queue_depths, send_messages
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings

ORDER = {"Order": {"total": 12.5}}
Fault = Callable[[redis.Redis], object]


def full(server: redis.Redis) -> None:
    server.config_set("maxmemory-policy", "noeviction")
    server.config_set("maxmemory", "1")


def password_changed(server: redis.Redis) -> None:
    server.config_set("requirepass", "rotated")


def no_more_clients(server: redis.Redis) -> None:
    server.config_set("maxclients", "1")


FAULTS: dict[str, tuple[Fault, str]] = {
    "full": (full, "full"),
    "replica": (lambda server: server.replicaof("127.0.0.1", "1"), "read-only"),
    "replicas away": (lambda server: server.config_set("min-replicas-to-write", "1"), "read-only"),
    "password changed": (password_changed, "refused"),
    "no right to write": (lambda server: server.acl_setuser("default", categories=["-@write"]), "refused"),
    "no more clients": (no_more_clients, "busy"),
}


@pytest.fixture
def server(valkey: Callable[[int], AbstractContextManager[None]], free_port: int) -> Iterator[redis.Redis]:
    """A Valkey of this test's own."""
    with valkey(free_port):
        client = redis.Redis(port=free_port)
        yield client
        client.close()


@pytest.fixture
def url(server: redis.Redis, free_port: int) -> str:
    """Where it is."""
    return f"redis://127.0.0.1:{free_port}/0"


@pytest.mark.parametrize(("fault", "ending"), FAULTS.values(), ids=list(FAULTS))
def test_a_job_on_record_is_returned_whatever_the_broker_answers(
    server: redis.Redis, url: str, settings: Settings, domain: str, fault: Fault, ending: str
) -> None:
    with Farm(replace(settings, broker_url=url)) as before:
        assert before.submit(domain, ORDER, key="before").sent
        fault(server)
        with Farm(replace(settings, broker_url=url)) as after:
            # One that connects now, and the one that is connected: it need not notice who is let in by now.
            for farm in (after, before)[: 1 if fault in (password_changed, no_more_clients) else 2]:
                assert not farm.submit(domain, ORDER, key="one").sent
                assert not any(job.sent for job in farm.submit_many(domain, [("two", ORDER), ("three", ORDER)]))


@pytest.mark.parametrize(("fault", "ending"), FAULTS.values(), ids=list(FAULTS))
def test_what_redis_answers_is_named(
    server: redis.Redis, url: str, settings: Settings, fault: Fault, ending: str
) -> None:
    app, facts = create_app(replace(settings, broker_url=url)), ReferenceFacts(url)
    fault(server)
    with pytest.raises(BrokerUnreachable) as caught:
        send_messages(app, [TaskMessage("rules.evaluate", "id", "rules.nobody", {}, "")])
    assert caught.value.code == f"broker-{ending}"
    with pytest.raises(FactsUnreachable) as at_facts:
        facts.put("Customer", "1", {"a": 1})
    assert at_facts.value.code == f"facts-{ending}"
    for error in (caught.value, at_facts.value):
        assert isinstance(error, FarmUnreachable)
        assert error.hint
        assert "does not answer" not in str(error)
        assert "is it running" not in str(error)
    app.close()
    facts.close()


def test_a_queue_that_may_not_be_looked_at_is_not_an_empty_one(
    server: redis.Redis, url: str, settings: Settings
) -> None:
    app = create_app(replace(settings, broker_url=url))
    assert queue_depths(app, ["rules.nobody"]) == {"rules.nobody": 0}
    server.acl_setuser("default", enabled=True, nopass=True, keys=["*"], categories=["+@all", "-@read"])
    with pytest.raises(BrokerUnreachable) as caught:
        queue_depths(app, ["rules.nobody"])
    assert caught.value.code == "broker-refused"
    app.close()


def test_when_it_is_a_primary_again_the_same_producer_goes_on(
    server: redis.Redis, url: str, settings: Settings, domain: str
) -> None:
    app, facts = create_app(replace(settings, broker_url=url)), ReferenceFacts(url)
    message = TaskMessage("rules.evaluate", "id", "rules.nobody", {}, "")
    send_messages(app, [message])
    server.replicaof("127.0.0.1", "1")
    for call in (lambda: send_messages(app, [message]), lambda: facts.put("Customer", "1", {"a": 1})):
        with pytest.raises(FarmUnreachable):
            call()
    server.replicaof("NO", "ONE")
    send_messages(app, [message])
    facts.put("Customer", "1", {"a": 1})
    app.close()
    facts.close()


def test_what_could_not_be_sent_is_due_at_once_and_nothing_else_is(
    server: redis.Redis, url: str, settings: Settings, domain: str, database: Engine, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("sku,price\nA,1\nB,2\n")
    with Farm(replace(settings, broker_url=url)) as farm:
        assert farm.submit(domain, ORDER, key="sent").sent
        assert farm.submit_batch(domain, tmp_path / "a.csv").sent
        full(server)
        unsent = farm.submit(domain, ORDER, key="unsent")
    with Farm(replace(settings, broker_url=url)) as farm:
        batch = farm.submit_batch(domain, tmp_path / "a.csv")
    assert (unsent.sent, batch.sent) == (False, False)
    with database.connect() as connection:
        due = "select {} from {} where times_sent = 0 and resend_at <= now()"
        assert connection.execute(text(due.format("id", "jobs"))).scalars().all() == [unsent.id]
        assert connection.execute(text(due.format("distinct batch", "chunks"))).scalars().all() == [batch.id]
