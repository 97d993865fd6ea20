"""A gateway shows private fields to a token that is for them, and to nobody else, whichever way a verdict comes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway import upkeep
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from store.tokens import SCOPES, add_token
from tests.cli.test_private_fields import LIMIT, RULES, SCHEMA
from tests.gateway.client import Client, running_gateway
from tests.processes import until

ORDER = {"Order": {"id": "1", "total": 1000, "buyer": "zoe", "email": "zoe@shop.example"}}
HIDDEN = ({"Order.score": "(private)"}, {"Customer": {"limit": "(private)"}})
SHOWN = ({"Order.score": LIMIT}, {"Customer": {"limit": LIMIT}})


@pytest.fixture(scope="module")
def say(gateway_database: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Make a version of the domain the active one; gives its digest."""
    folder = tmp_path_factory.mktemp("private") / "secretive"
    folder.mkdir()

    def publish_with(schema: str) -> str:
        (folder / "a.grl").write_text(RULES)
        (folder / "domain.toml").write_text(schema)
        loaded = load_domain(folder.parent, "secretive")
        publish(gateway_database, [RulesetSnapshot.of(loaded)])
        return loaded.digest

    return publish_with


@pytest.fixture(scope="module")
def asked(
    gateway_settings: Settings, gateway_database: Engine, say: Callable[[str], str]
) -> Iterator[Callable[..., Any]]:
    """Ask as the bearer of a token, of all scopes or of all but the one for private fields."""
    say(SCHEMA)
    with closing(ReferenceFacts(gateway_settings.require_facts())) as facts, pytest.MonkeyPatch.context() as patch:
        facts.put("Customer", "zoe", {"limit": LIMIT})
        patch.setattr(upkeep, "FRESH_S", 0.05)
        with running_gateway(gateway_settings, asks_for_tokens=True) as client:
            tokens = {True: add_token(gateway_database, "eyes", SCOPES, [])}
            tokens[False] = add_token(gateway_database, "usual", [], [])
            clients = {
                sees: replace(client, headers={"Authorization": f"Bearer {token}"}) for sees, token in tokens.items()
            }
            until(lambda: all(each.get("/v1/rulesets").status == 200 for each in clients.values()))

            def ask(sees: bool, path: str, document: Any = None) -> Any:
                bearer: Client = clients[sees]
                answer = bearer.get(path) if document is None else bearer.post(path, document)
                assert answer.status == 200, answer.text
                return answer.json

            yield ask
        facts.delete("Customer", "zoe")


def told(verdict: Any) -> tuple[Any, Any]:
    """What a verdict tells that may be private."""
    return verdict["changes"], verdict["shared_facts"]


@pytest.mark.parametrize(("sees", "expected"), [(False, HIDDEN), (True, SHOWN)])
def test_private_fields_are_shown_to_a_token_for_them_alone(
    asked: Callable[..., Any], sees: bool, expected: tuple[Any, Any]
) -> None:
    path, one = "/v1/secretive/evaluate", {"facts": ORDER}
    verdict = asked(sees, path, one | {"key": f"to-{sees}"})
    found = {
        "evaluate": verdict,
        "again": asked(sees, path, one | {"key": f"to-{sees}"}),
        "off the record": asked(sees, f"{path}?durable=false", one),
        "of several": asked(sees, path, {"subjects": [one, one]})["verdicts"][1],
        "a job": asked(sees, f"/v1/jobs/{verdict['id']}?wait=1")["verdict"],
        "listed": asked(sees, f"/v1/verdicts?domain=secretive&subject=to-{sees}")["verdicts"][0],
    }
    assert {way: told(each) for way, each in found.items()} == dict.fromkeys(found, expected)
    assert verdict["reasons"][0]["text"] == "over the limit"


def test_what_the_version_of_then_called_private_stays_so(asked: Callable[..., Any], say: Callable[[str], str]) -> None:
    then = asked(False, "/v1/secretive/evaluate", {"facts": ORDER, "key": "then"})
    digest = say(SCHEMA.replace(", private = true", ""))
    try:
        until(lambda: digest in str(asked(False, "/v1/rulesets")))
        now = asked(False, "/v1/secretive/evaluate", {"facts": ORDER, "key": "now"})
        assert told(now) == SHOWN
        again = asked(False, "/v1/secretive/evaluate", {"facts": ORDER, "key": "then"})
        assert (again["ruleset_digest"], told(again)) == (then["ruleset_digest"], HIDDEN)
        listed = asked(False, "/v1/verdicts?domain=secretive&subject=then")["verdicts"]
        assert told(listed[0]) == HIDDEN
    finally:
        digest = say(SCHEMA)
        until(lambda: digest in str(asked(False, "/v1/rulesets")))
    # What is private now is so in verdicts of yesterday.
    until(lambda: told(asked(False, f"/v1/jobs/{now['id']}")["verdict"]) == HIDDEN)


def test_whoever_needs_no_token_is_shown_none(asked: Callable[..., Any], gateway_settings: Settings) -> None:
    with running_gateway(gateway_settings, "secretive") as client:
        until(lambda: client.get("/readyz").status == 200)
        answer = client.post("/v1/secretive/evaluate?durable=false", {"facts": ORDER})
        assert told(answer.json) == HIDDEN
