"""The doctor asks the Redis of the facts, where a domain shares some."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import redis
from sqlalchemy import Engine

from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.ruleset_versions import publish
from tests.commands import SHARING
from workers.monitoring import HealthCheck, examine


def facts_of(settings: Settings) -> list[HealthCheck]:
    return [finding for finding in examine(settings, timeout_s=0.3) if finding.check == "facts"]


def test_the_redis_of_the_facts_is_asked_where_a_domain_shares_some(
    settings: Settings, database: Engine, free_port: int, valkey: Callable[[int], AbstractContextManager[None]]
) -> None:
    publish(database, "payment", "0" * 64, {"payment.grl": b""})
    publish(database, "broken", "1" * 64, {"domain.toml": b"["})
    assert facts_of(settings) == []
    loaded = load_domain(SHARING, "credit")
    publish(database, "credit", loaded.digest, loaded.sources)
    [well] = facts_of(settings)
    assert (well.status, well.hint) == ("ok", "")
    assert "those of credit answers in" in well.message
    [nowhere] = facts_of(replace(settings, facts_url="amqp://localhost"))
    assert (nowhere.status, nowhere.hint) == ("fail", "set RULEFARM_FACTS_URL")
    elsewhere = replace(settings, facts_url=f"redis://127.0.0.1:{free_port}/0")
    [away] = facts_of(elsewhere)
    assert away.status == "fail"
    assert "does not answer" in away.message
    with valkey(free_port):
        client = redis.Redis(port=free_port)
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        [forgetful] = facts_of(elsewhere)
        client.close()
    assert forgetful.status == "warn"
    assert "noeviction" in forgetful.hint
