"""Verdicts are read page by page: every one once, whatever comes in between, and none that was not asked for."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway.client import Client, subjects

PAYMENT = "/v1/payment/evaluate"


def page_by_page(client: Client, path: str) -> list[dict[str, Any]]:
    """All verdicts of all pages."""
    found: list[dict[str, Any]] = []
    while path:
        page = client.get(path).json
        found += page["verdicts"]
        path = page["next"]
    return found


def test_pages_hold_every_verdict_once_newest_first(client: Client) -> None:
    facts = [{"Order": {"total": total}} for total in range(25)]
    # Of one request, and so of one instant: only their ids tell them apart.
    many = client.post("/v1/pricing/evaluate", subjects(*({"Product": {"sku": str(n), "price": n}} for n in range(60))))
    ids = {each["id"] for each in many.json["verdicts"]}
    first = client.get("/v1/verdicts?domain=pricing&limit=7").json
    # What comes in meanwhile shifts nothing.
    newer = client.post("/v1/pricing/evaluate", {"facts": {"Product": {"sku": "x", "price": 1}}}).json["id"]
    rest = page_by_page(client, first["next"])
    got = [each["id"] for each in first["verdicts"] + rest]
    assert len(got) == len(set(got))
    assert ids <= set(got)
    assert newer not in got
    moments = [datetime.fromisoformat(each["evaluated_at"]) for each in first["verdicts"] + rest]
    assert moments == sorted(moments, reverse=True)
    client.post(PAYMENT, subjects(*facts))
    assert {each["domain"] for each in page_by_page(client, "/v1/verdicts?domain=payment&limit=10")} == {"payment"}


def test_filters_and_the_next_page_go_together(client: Client) -> None:
    since = quote(datetime.now(UTC).isoformat())
    sent = subjects(*({"Order": {"total": n % 2 * 1500, "country": "DE"}} for n in range(10)))
    told = client.post(PAYMENT, sent).json["verdicts"]
    big = {each["id"] for each in told if each["fired"] == ["Big"]}
    path = f"/v1/verdicts?domain=payment&outcome=review&rule=Big&since={since}&limit=2"
    assert {each["id"] for each in page_by_page(client, path)} == big
    digest = told[0]["ruleset_digest"]
    assert page_by_page(client, f"/v1/verdicts?digest={digest[:10]}&since={since}&outcome=review") != []
    assert page_by_page(client, f"/v1/verdicts?until={since}&since={since}") == []
    assert page_by_page(client, f"/v1/verdicts?subject={quote('50 % & more')}") == []
    keyed = client.post(PAYMENT, {"facts": {"Order": {"total": 1}}, "key": "50 % & more"}).json
    [found] = page_by_page(client, f"/v1/verdicts?subject={quote('50 % & more')}")
    assert found == keyed


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=501", "limit=x", "limit=", "limit=1&limit=2", "cursor=x", "cursor=", "cursor=%00",
        "cursor=AAAA", "batch=7", "since=2026-03-01", "since=soon", "subject=%00", "outcom=review",
        "until=0001-01-01T00:00:00%2B10:00", "since=2026-03-01T12:00:00+00:00", "outcome=rejected", "outcome=",
        "region=all", "region=us", "region=",
    ],
)  # fmt: skip
def test_a_query_that_is_none_is_refused_by_name(client: Client, query: str) -> None:
    answer = client.get(f"/v1/verdicts?{query}")
    assert (answer.status, answer.code) == (400, "bad-request")
    assert query.split("=")[0] in answer.text


def test_the_rulesets_are_those_that_judge(client: Client) -> None:
    listed = {each["domain"]: each for each in client.get("/v1/rulesets").json["rulesets"]}
    assert listed.keys() == {"credit", "fraud", "payment", "pricing"}
    told = client.post(PAYMENT, {"facts": {"Order": {"total": 1}}}).json
    assert listed["payment"]["digest"] == told["ruleset_digest"]
    assert (listed["payment"]["subject"], listed["payment"]["key"], listed["payment"]["rules"]) == (
        "Order",
        "order_id",
        4,
    )
    assert client.get("/v1/rulesets?x=1").code == "bad-request"
