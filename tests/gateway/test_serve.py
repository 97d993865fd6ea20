"""A gateway starts before all that it stands on, says when it can judge, and finishes what it began."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from gateway import upkeep
from gateway.serve import listen
from rulefarm.database import connect
from rulefarm.errors import SettingsError
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.commands import RULESETS, rulefarm
from tests.gateway.client import Client, running_gateway
from tests.processes import until

BIG = {"facts": {"Order": {"total": 1500}}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published is seen at once."""
    monkeypatch.setattr(upkeep, "FRESH_S", 0.05)


@contextmanager
def command(settings: Settings, *arguments: str) -> Iterator[tuple[Any, Client]]:
    """`rulefarm gateway` as a process, ready to be asked."""
    with rulefarm(settings, "gateway", "--port", "0", *arguments) as process:
        log = next(Path(settings.home).glob("gateway*.log"))
        port = until(lambda: re.search(r"listening on http://127\.0\.0\.1:(\d+)", log.read_text()))
        yield process, Client(int(port[1]))


def takes_nobody(client: Client) -> bool:
    """Whether connections are refused; who came in the moment of the end is cut off."""
    try:
        client.get("/livez")
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def test_it_is_alive_before_it_is_ready(settings: Settings, database: Engine) -> None:
    with running_gateway(settings) as client:
        assert client.get("/livez").json == {"status": "alive"}
        answer = client.get("/readyz")
        assert (answer.status, answer.code) == (503, "not-ready")
        assert client.post("/v1/payment/evaluate", BIG).code == "domain-not-served"
        for served in (["payment"], ["payment", "pricing"]):
            publish(database, [RulesetSnapshot.of(load_domain(RULESETS, domain)) for domain in served])
            ready = {"status": "ready", "domains": served}
            until(lambda ready=ready: (found := client.get("/readyz")).status == 200 and found.json == ready)
        assert client.post("/v1/payment/evaluate", BIG).json["outcome"] == "reject"


def test_it_serves_the_domains_that_it_is_told(settings: Settings, database: Engine) -> None:
    publish(database, [RulesetSnapshot.of(load_domain(RULESETS, domain)) for domain in ("payment", "pricing")])
    with running_gateway(settings, "payment") as client:
        assert client.get("/readyz").json["domains"] == ["payment"]
        refused = client.post("/v1/pricing/evaluate", {"facts": {"Product": {"sku": "1", "price": 1}}})
        assert (refused.status, refused.code) == (404, "domain-not-served")
    with running_gateway(settings, "payment", "unheard-of") as client:
        assert "unheard-of" in client.get("/readyz").json["detail"]
        assert client.post("/v1/payment/evaluate", BIG).status == 200


def test_a_domain_that_it_cannot_judge_keeps_no_other_from_being_served(settings: Settings, database: Engine) -> None:
    publish(database, [RulesetSnapshot.of(load_domain(RULESETS, domain)) for domain in ("payment", "pricing")])
    with database.begin() as connection:
        connection.execute(text("update rulesets set source = '{}' where domain = 'pricing'"))
    with running_gateway(settings) as client:
        assert client.post("/v1/payment/evaluate", BIG).status == 200
        assert "pricing" in client.get("/readyz").json["detail"]


def test_what_is_published_later_is_judged_by(settings: Settings, database: Engine, tmp_path: Path) -> None:
    publish(database, [RulesetSnapshot.of(load_domain(RULESETS, "payment"))])
    with running_gateway(settings) as client:
        before = client.post("/v1/payment/evaluate", BIG).json["ruleset_digest"]
        folder = tmp_path / "payment"
        folder.mkdir()
        (folder / "domain.toml").write_bytes((RULESETS / "payment" / "domain.toml").read_bytes())
        (folder / "r.grl").write_text('rule "All" { when Order.total > 1 then Accept("fine"); }')
        publish(database, [RulesetSnapshot.of(load_domain(tmp_path, "payment"))])
        after = until(lambda: (v := client.post("/v1/payment/evaluate", BIG).json)["ruleset_digest"] != before and v)
        assert after["fired"] == ["All"]


def test_a_postgres_that_is_away_is_said_without_a_word_of_where_it_is(settings: Settings, free_port: int) -> None:
    away = replace(settings, database_url=f"postgresql://someone:secret@127.0.0.1:{free_port}/farm")
    with running_gateway(away) as client:
        assert client.get("/livez").status == 200
        answer = client.get("/readyz")
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "database-unreachable", "1")
        assert not re.search(f"{free_port}|secret|someone|127", answer.text)


def test_it_answers_what_it_has_taken_and_ends_well(settings: Settings, database: Engine) -> None:
    publish(database, [RulesetSnapshot.of(load_domain(RULESETS, "payment"))])
    locker = connect(settings)
    answers = []
    with command(settings, "--domains", "payment") as (process, client), locker.connect() as lock:
        until(lambda: client.get("/readyz").status == 200)
        lock.execute(text("lock table verdicts in access exclusive mode"))
        asking = threading.Thread(target=lambda: answers.append(client.post("/v1/payment/evaluate", BIG)))
        asking.start()
        waits = text("select count(*) from pg_locks where not granted")
        until(lambda: lock.execute(waits).scalar())
        process.send_signal(signal.SIGTERM)
        until(lambda: takes_nobody(client))
        lock.rollback()
        asking.join(60)
        assert [answer.status for answer in answers] == [200]
        assert process.wait(60) == 0
    locker.dispose()


def test_an_address_that_cannot_be_had_is_refused_by_name(free_port: int) -> None:
    with listen("127.0.0.1", free_port), pytest.raises(SettingsError) as refused:
        listen("127.0.0.1", free_port)
    assert refused.value.code == "address-unfit"
    for host in ("256.0.0.1", "no such host", ""):
        if host:
            with pytest.raises(SettingsError):
                listen(host, 0)
