"""Prometheus may ask a gateway, where no exporter runs."""

from sqlalchemy import Engine

from rulefarm.settings import Settings
from store.tokens import add_token
from tests.gateway.client import Client, running_gateway


def test_a_gateway_tells_the_numbers_of_the_whole_farm(client: Client) -> None:
    client.post("/v1/payment/evaluate", {"facts": {"Order": {"order_id": "1", "total": 5}}})
    answer = client.get("/metrics")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'rulefarm_up{part="database"} 1.0\n' in answer.text
    assert 'rulefarm_verdicts_total{domain="payment",kind="job",outcome="accept"} 1.0\n' in answer.text
    assert "rulefarm_ruleset_info{" in answer.text
    assert client.get("/metrics?name=x").code == "bad-request"


def test_they_are_for_a_token_that_reads_every_domain(gateway_settings: Settings, gateway_database: Engine) -> None:
    whole = add_token(gateway_database, "prometheus", ["read"], [])
    part = add_token(gateway_database, "shop", ["read"], ["payment"])
    with running_gateway(gateway_settings, asks_for_tokens=True) as asking:
        assert asking.get("/metrics").code == "no-token"
        assert asking.get("/metrics", Authorization=f"Bearer {part}").code == "token-unfit"
        assert asking.get("/metrics", Authorization=f"Bearer {whole}").status == 200
