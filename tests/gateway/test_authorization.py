"""Beyond loopback nobody does anything without a token that is for it; what is on record of a token opens nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select

from cli.main import cli
from gateway import upkeep
from gateway.application import PATHS
from gateway.serve import GatewayOptions
from rulefarm.database import tokens
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.settings import Settings
from store.tokens import active_tokens, add_token, list_tokens, revoke_token, token_digest
from tests.commands import environment
from tests.gateway.client import Answer, Client, running_gateway
from tests.processes import until

ORDER = {"facts": {"Order": {"total": 1}}}
PRODUCT = {"facts": {"Product": {"sku": "1", "price": 1}}}


@pytest.fixture(scope="module")
def guarded(gateway_settings: Settings) -> Iterator[Client]:
    """A client of a gateway that asks for tokens, and sees changes at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "FRESH_S", 0.05)
        with running_gateway(gateway_settings, asks_for_tokens=True) as client:
            yield client


def bearing(client: Client, token: str) -> Client:
    """The client with a token, once the gateway knows it."""
    bearer = replace(client, headers={"Authorization": f"Bearer {token}"})
    until(lambda: bearer.get("/v1/rulesets").status != 401)
    return bearer


def refusal(answer: Answer) -> tuple[int, str]:
    """Status and code."""
    return answer.status, answer.code


def test_without_a_token_nothing_is_done(guarded: Client) -> None:
    for path, method, scope, _ in PATHS:
        answer = guarded.send(method, path.format(domain="payment", domains="payment", id="7"))
        if scope is None:
            assert answer.status == 200, path
        else:
            assert refusal(answer) == (401, "no-token"), path
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nobody", "Basic c2hvcDpzaG9w", "bearer \xe9", "Bearer " + "x" * 5000]
)
def test_what_is_no_token_opens_nothing(guarded: Client, gateway_database: Engine, header: str) -> None:
    assert refusal(guarded.get("/v1/rulesets", Authorization=header)) == (401, "no-token")
    add_token(gateway_database, f"unused-{len(header)}-{header[:6].strip() or 'none'}", [], [])
    with gateway_database.connect() as connection:
        for digest in connection.execute(select(tokens.c.digest)).scalars():
            assert refusal(guarded.get("/v1/rulesets", Authorization=f"Bearer {digest}")) == (401, "no-token")


def test_a_token_is_for_its_scopes(guarded: Client, gateway_database: Engine) -> None:
    def try_all(client: Client) -> list[int]:
        return [
            client.post("/v1/payment/evaluate", ORDER).status,
            client.post("/v1/payment/jobs", ORDER).status,
            client.send("POST", "/v1/pricing/batches?name=p.csv", b"sku,price\n1,2\n").status,
            client.get("/v1/verdicts").status,
            client.get("/v1/rulesets").status,
        ]

    for scopes, told in (
        (["evaluate"], [200, 403, 403, 403, 403]),
        (["submit"], [403, 202, 202, 403, 403]),
        (["read"], [403, 403, 403, 200, 200]),
        ([], [200, 202, 202, 200, 200]),
    ):
        client = bearing(guarded, add_token(gateway_database, f"for-{'-'.join(scopes) or 'all'}", scopes, []))
        assert try_all(client) == told
    reader = bearing(guarded, add_token(gateway_database, "reader", ["read"], []))
    assert refusal(reader.post("/v1/payment/jobs", ORDER)) == (403, "token-unfit")


def test_a_token_is_for_its_domains(guarded: Client, gateway_database: Engine) -> None:
    everybody = bearing(guarded, add_token(gateway_database, "everybody", [], []))
    payment = bearing(guarded, add_token(gateway_database, "payment-only", [], ["payment"]))
    foreign: list[Any] = [
        everybody.post("/v1/pricing/jobs", PRODUCT).json["id"],
        everybody.post("/v1/pricing/evaluate", PRODUCT).json["id"],
    ]
    own = payment.post("/v1/payment/evaluate", ORDER).json["id"]
    for job in foreign:
        assert refusal(payment.get(f"/v1/jobs/{job}")) == (403, "token-unfit")
    assert payment.get(f"/v1/jobs/{own}").json["state"] == "done"
    batch = everybody.send("POST", "/v1/pricing/batches?name=p.csv", b"sku,price\n1,2\n").headers["location"]
    assert refusal(payment.get(batch)) == (403, "token-unfit")
    assert refusal(payment.post("/v1/pricing/evaluate", PRODUCT)) == (403, "token-unfit")
    assert refusal(payment.send("POST", "/v1/pricing/batches?name=p.csv", b"")) == (403, "token-unfit")
    assert refusal(payment.get("/v1/scale/payment,pricing")) == (403, "token-unfit")
    assert payment.get("/v1/scale/payment").status == 200
    assert refusal(payment.get("/v1/verdicts")) == (403, "token-unfit")
    assert refusal(payment.get("/v1/verdicts?domain=pricing")) == (403, "token-unfit")
    assert {each["domain"] for each in payment.get("/v1/verdicts?domain=payment").json["verdicts"]} == {"payment"}
    assert [each["domain"] for each in payment.get("/v1/rulesets").json["rulesets"]] == ["payment"]


def test_a_token_that_is_taken_back_opens_nothing(guarded: Client, gateway_database: Engine) -> None:
    client = bearing(guarded, add_token(gateway_database, "leaver", [], []))
    revoke_token(gateway_database, "leaver")
    until(lambda: client.get("/v1/rulesets").status == 401)
    revoke_token(gateway_database, "leaver")
    with pytest.raises(RulefarmError, match="was"):
        add_token(gateway_database, "leaver", [], [])
    with pytest.raises(NotFound):
        revoke_token(gateway_database, "stranger")


def test_on_record_is_a_hash_and_no_token(gateway_database: Engine) -> None:
    secret = add_token(gateway_database, "hashed", ["read"], ["payment"])
    assert len(secret) > 45
    with gateway_database.connect() as connection:
        row = connection.execute(select(tokens).where(tokens.c.name == "hashed")).mappings().one()
    assert secret not in str(dict(row))
    assert active_tokens(gateway_database)[token_digest(secret)].name == "hashed"
    assert add_token(gateway_database, "hashed-2", [], []) != secret
    assert all(secret not in str(each) and "digest" not in each for each in list_tokens(gateway_database))


@pytest.mark.parametrize(
    ("name", "scopes", "domains", "code"),
    [
        ("", [], [], "bad-token-name"),
        ("x" * 64, [], [], "bad-token-name"),
        ("\x1b[2J", [], [], "bad-token-name"),
        ("ok", ["write"], [], "bad-scope"),
        ("ok", [], ["Payment"], "unknown-domain"),
    ],
)
def test_what_can_be_no_token_is_refused(
    gateway_database: Engine, name: str, scopes: list[str], domains: list[str], code: str
) -> None:
    with pytest.raises(RulefarmError) as refused:
        add_token(gateway_database, name, scopes, domains)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("host", "needed"),
    [
        ("127.0.0.1", False), ("127.8.0.1", False), ("::1", False), ("0.0.0.0", True), ("::", True),
        ("10.0.0.7", True), ("localhost", True), ("", True), ("::ffff:10.0.0.7", True),
    ],
)  # fmt: skip
def test_only_on_loopback_nobody_is_asked(host: str, needed: bool) -> None:
    assert GatewayOptions(host=host).needs_tokens is needed
    assert GatewayOptions(host=host, asks_for_tokens=True).needs_tokens


def test_the_commands_make_list_and_revoke(gateway_settings: Settings, gateway_database: Engine) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner(env=environment(gateway_settings)).invoke(cli, ["tokens", *arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    secret = run("add", "by-command", "--scope", "read", "--domains", "payment, pricing").strip()
    token = active_tokens(gateway_database)[token_digest(secret)]
    assert (token.scopes, token.domains) == ({"read"}, {"payment", "pricing"})
    assert "by-command" in run("list")
    run("revoke", "by-command")
    assert token_digest(secret) not in active_tokens(gateway_database)
    assert '"revoked_at": "20' in run("list", "--json").replace("\n", "")
