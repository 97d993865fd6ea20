"""What is kept is what comes back, in few round trips; what can't be kept is refused by name."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rulefarm.errors import FactRejected, FactsUnreachable, SettingsError
from rulefarm.limits import MAX_FACT_CHARACTERS
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings


def test_a_fact_is_replaced_found_and_forgotten(facts: ReferenceFacts, fact: str) -> None:
    facts.put(fact, "a", {"limit": 7.0, "name": "Zoë"})
    assert facts.get(fact, "a") == {"limit": 7, "name": "Zoë"}
    facts.put(fact, "a", {"limit": 8})
    facts.put(fact, 7, {"limit": 1})
    assert facts.get_many(fact, ["a", "7", "b"]) == {"a": {"limit": 8}, "7": {"limit": 1}, "b": None}
    assert sorted(facts.list(fact)) == ["7", "a"]
    assert (facts.delete(fact, "a", "b"), facts.delete(fact)) == (1, 0)
    assert list(facts.list(fact)) == ["7"]
    assert facts.get(fact, "a") is None


def test_a_key_finds_its_fact_however_its_letters_were_typed(facts: ReferenceFacts, fact: str) -> None:
    one, two = "caf\u00e9", "cafe\u0301"
    facts.put(fact, two, {"n": 1})
    assert facts.get_many(fact, [one, two]) == {one: {"n": 1}, two: {"n": 1}}
    facts.put(fact, one, {"n": 2})
    assert (list(facts.list(fact)), facts.get(fact, two)) == ([one], {"n": 2})
    assert facts.delete(fact, two) == 1


def test_many_facts_are_kept_from_an_iterator(facts: ReferenceFacts, fact: str) -> None:
    assert facts.put_many(fact, ((n, {"n": n}) for n in range(1_234))) == 1_234
    assert len(set(facts.list(fact))) == 1_234
    assert facts.get(fact, 1_233) == {"n": 1_233}


@pytest.mark.parametrize(
    ("name", "key", "document", "code"),
    [
        ("Cust omer", "a", {"x": 1}, "bad-fact-name"),
        ("a:b", "a", {"x": 1}, "bad-fact-name"),
        ("F", "", {"x": 1}, "bad-key"),
        ("F", "k" * 201, {"x": 1}, "bad-key"),
        ("F", True, {"x": 1}, "bad-key"),
        ("F", 1.5, {"x": 1}, "bad-key"),
        ("F", "a\x00", {"x": 1}, "bad-text"),
        ("F", "a", [1], "bad-facts"),
        ("F", "a", {"x": float("nan")}, "bad-number"),
        ("F", "a", {"x": object()}, "bad-facts"),
        ("F", "a", {f"f{n}": "x" * 90_000 for n in range(2)}, "facts-too-large"),
    ],
    ids=range(11),
)
def test_what_cannot_be_kept_is_refused(facts: ReferenceFacts, name: str, key: Any, document: Any, code: str) -> None:
    with pytest.raises(FactRejected) as caught:
        facts.put(name, key, document)
    assert caught.value.code == code
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a": NaN}', '{"a": 1, "a": 2}', '"' + "x" * MAX_FACT_CHARACTERS + '"']
)
def test_what_somebody_else_wrote_there_is_no_fact(facts: ReferenceFacts, fact: str, text: str) -> None:
    facts.redis.set(f"rulefarm:facts:{fact}:a", text)
    with pytest.raises(FactRejected, match="as it is kept") as caught:
        facts.get(fact, "a")
    assert caught.value.code == "fact-unreadable"


def test_a_redis_that_is_away_is_said_without_its_password(free_port: int) -> None:
    facts = ReferenceFacts(f"redis://:secret@127.0.0.1:{free_port}/0")
    calls: Sequence[Callable[[], object]] = (
        lambda: facts.put("F", "a", {"x": 1}),
        lambda: facts.get("F", "a"),
        lambda: facts.delete("F", "a"),
        lambda: list(facts.list("F")),
    )
    for call in calls:
        with pytest.raises(FactsUnreachable, match=f"127.0.0.1:{free_port}") as caught:
            call()
        assert "secret" not in str(caught.value)


def test_facts_are_kept_where_the_settings_say() -> None:
    broker = Settings(broker_url="redis://h/0")
    assert broker.require_facts() == "redis://h/0"
    assert Settings(broker_url="amqp://h", facts_url="valkeys://f").require_facts() == "rediss://f"
    with pytest.raises(SettingsError, match="RULEFARM_FACTS_URL"):
        Settings(broker_url="amqp://h").require_facts()
    with pytest.raises(SettingsError, match="RULEFARM_FACTS_URL"):
        Settings().require_facts()
