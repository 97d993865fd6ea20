"""Verdicts and batches as pages: found, explained, compared, taken away; whatever stands in them is text."""

import io
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import polars
import pytest
from sqlalchemy import Engine

from rulefarm.database import batches, copy_columns
from rulefarm.escaping import visible
from store.fact_views import find_fact_views
from store.verdict_columns import COLUMNS, VerdictColumns
from tests.cli.test_hostile_text import HOSTILE, OBEYED
from tests.gateway.client import Client
from tests.gateway.console.browser import Page, page
from tests.rows import AS_OF, verdict

#: What a browser would obey, beside what a terminal would.
MARKUP = f"{HOSTILE}<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{{{ 7 * 7 }}}}&amp;=1+1"
SOURCE = f"{MARKUP}.csv"
#: An id that nothing has.
NOBODYS = uuid.UUID(int=7)


def told(found: Page) -> str:
    """All texts of a page."""
    return " ".join(" ".join(found.texts).split())


def judged(client: Client, key: str, total: int = 1200) -> dict[str, Any]:
    """The verdict on an order."""
    facts = {"Order": {"total": total, "country": MARKUP}}
    document: dict[str, Any] = client.post("/v1/payment/evaluate", {"facts": facts, "key": key}).json
    return document


def check_text(found: Page, text: str) -> None:
    """Hostile values are there as text, and nothing of them is obeyed."""
    shown = " ".join(found.texts)
    assert visible(MARKUP, keep="\n\t").split("<")[0] in shown
    assert "<script>alert(1)</script>" in shown
    assert "{{ 7 * 7 }}" in shown
    # What stands in a field of a form is given back as it was.
    assert OBEYED & set(re.sub("<input[^>]*>", "", text)) == set()
    assert [link for link in found.links if not link.startswith(("/console/", "#", "data:image/"))] == []


def test_a_key_is_found_and_its_page_tells_why(client: Client, gateway_database: Engine) -> None:
    key = f"a/b?{uuid.uuid4().hex}"
    first, second = judged(client, key), judged(client, key, 5)
    listed = page(client.get(f"/console/verdicts?subject={quote(key)}&domain=&outcome=&cursor="))
    assert {f"/console/verdicts/{each['id']}" for each in (first, second)} <= set(listed.links)
    [only] = [link for link in page(client.get(f"/console/verdicts?subject={quote(key)}&outcome=reject")).links
              if first["id"] in link]  # fmt: skip
    found = page(client.get(only))
    text = told(found)
    for part in (
        "review",
        *first["fired"],
        "Order.total",
        "1200",
        "when",
        "payment.grl:",
        first["ruleset_digest"][:12],
    ):
        assert part in text, part
    # The rules of another version stand at another address; so does the other verdict of the key.
    assert f"/console/rules/payment/versions/{first['ruleset_digest']}" in found.links
    assert f"/console/verdicts/{second['id']}" in found.links
    why = told(page(client.get(f"{only}?explain=true")))
    assert "Order.total is 1200; 1000 or less passes" in why
    assert "yes Order.total > 1000 Order.total is 1200" in why
    # Each look at facts is on record, with who looked.
    views = find_fact_views(gateway_database, uuid.UUID(first["id"]))
    assert [(view["viewer"], view["domain"], view["unmasked"]) for view in views] == [
        ("loopback", "payment", False)
    ] * 2


def test_a_list_goes_on_where_it_ended_and_says_how_far_it_looked(client: Client) -> None:
    ids = {judged(client, f"page-{n}")["id"] for n in range(60)}
    path, seen = "/console/verdicts?domain=payment&outcome=reject", list[str]()
    while path:
        found = page(client.get(path))
        seen += re.findall(r"/console/verdicts/([0-9a-f-]{36})", " ".join(found.links))
        path = next((link for link in found.links if "cursor=" in link), "")
    assert len(seen) == len(set(seen))
    assert ids <= set(seen)
    assert "No verdict fits." in told(page(client.get("/console/verdicts?rule=NoSuchRule")))


def test_an_export_holds_what_the_filters_find(client: Client) -> None:
    key = f"=1+{uuid.uuid4().hex}"
    ids = {judged(client, key, total)["id"] for total in (5, 1200, 1300)}
    query = f"?subject={quote(key)}"
    csv = client.get(f"/console/verdicts/export/csv{query}")
    assert csv.headers["content-disposition"] == 'attachment; filename="verdicts.csv"'
    assert csv.text.count(f"'{key}") == 3
    lines = [json.loads(line) for line in client.get(f"/console/verdicts/export/jsonl{query}").text.splitlines()]
    assert {line["id"] for line in lines} == ids
    assert {line["subject"] for line in lines} == {key}
    assert "shared_facts" not in lines[0]
    with urlopen(f"http://127.0.0.1:{client.port}/console/verdicts/export/parquet{query}", timeout=60) as answer:
        frame = polars.read_parquet(io.BytesIO(answer.read()))
    assert set(frame["id"]) == ids
    assert frame["outcome"].to_list() == [line["outcome"] for line in lines]
    assert client.get(f"/console/verdicts/export/csv?subject={uuid.uuid4()}").text.count("\n") == 1


@pytest.fixture(scope="module")
def nights(gateway_database: Engine) -> tuple[uuid.UUID, uuid.UUID]:
    """Two nights of one source: of ten subjects one is worse, one is better, one is new."""
    now = datetime.now(UTC).replace(microsecond=0)
    outcomes = {
        "before": ["accept"] * 7 + ["reject", "error"],
        "last": ["accept"] * 6 + ["reject", "accept", "error", "error"],
    }
    ids = []
    for days, (name, each) in zip((1, 0), outcomes.items(), strict=True):
        batch, at = uuid.uuid4(), now - timedelta(days=days)
        ids.append(batch)
        counted = {outcome: each.count(outcome) for outcome in set(each)}
        row = {"id": batch, "domain": "pricing", "source": SOURCE, "rows": len(each), "chunks": 1, "as_of": AS_OF}
        row |= {"enqueued_at": at, "finished_at": at, "state": "done", "outcomes": counted, "remarks": [MARKUP]}
        rows = [
            verdict(
                uuid.uuid5(batch, f"{MARKUP}{n}"), at, domain="pricing", subject=f"{MARKUP}{n}", batch=batch,
                outcome=outcome, fired=[MARKUP], evaluated_at=at, changes={MARKUP: MARKUP}, logs=[MARKUP],
                reasons=[{"rule": MARKUP, "outcome": outcome, "text": f"{MARKUP} {name}", "code": "odd-price"}],
                warnings=[MARKUP], worker=MARKUP, events=[{"name": "X", "arguments": [MARKUP], "rule": MARKUP}],
            )
            for n, outcome in enumerate(each)
        ]  # fmt: skip
        with gateway_database.begin() as connection:
            connection.execute(batches.insert().values(row))
            copy_columns(connection, "verdicts", VerdictColumns.of(rows).stored(COLUMNS))
    return ids[0], ids[1]


def test_a_batch_is_held_against_the_one_before(client: Client, nights: tuple[uuid.UUID, uuid.UUID]) -> None:
    before, last = nights
    assert f"/console/batches/{last}" in page(client.get("/console/batches?domain=pricing&state=done")).links
    for query in ("", "?compare=true"):
        answer = client.get(f"/console/batches/{last}{query}")
        found = page(answer)
        check_text(found, answer.text)
        text = told(found)
        assert f"/console/batches/{before}" in found.links
        # Of the ten nine were there the night before; one was accepted then, one was rejected.
        assert "10 subjects are compared" in text
        assert "9 of them were in both" in text
        rows = re.findall(r"(accept|reject|error) (accept|reject|error) (\d+) ", text.partition("Some of them")[2])
        assert sorted(rows) == [("accept", "reject", "1"), ("reject", "accept", "1")]
        assert f"/console/verdicts/{uuid.uuid5(last, f'{MARKUP}6')}" in found.links
        assert "odd-price 2" in text
        assert "accept 7 reject 1 error 2" in text
    assert "There is none before" in told(page(client.get(f"/console/batches/{before}")))


def test_hostile_values_are_text_on_every_page(client: Client, nights: tuple[uuid.UUID, uuid.UUID]) -> None:
    _, last = nights
    own = judged(client, MARKUP)["id"]
    row = uuid.uuid5(last, f"{MARKUP}0")
    for path in (
        f"/console/verdicts?batch={last}",
        f"/console/verdicts?subject={quote(MARKUP)}",
        f"/console/verdicts/{own}?explain=true",
        f"/console/verdicts/{row}",
        "/console/batches",
    ):
        answer = client.get(path)
        check_text(page(answer), answer.text)
    # A filter is given back as it was: who presses the button again looks for the same.
    form = page(client.get(f"/console/verdicts?rule={quote(MARKUP)}&domain=pricing"))
    assert form.fields["rule"].replace("\r\n", "\n") == MARKUP.strip().replace("\r\n", "\n")


def test_a_time_is_typed_as_pages_show_it(client: Client) -> None:
    judged(client, "typed-time")
    for typed, is_listed in {
        "since=2026-01-01": True,
        "since=2026-01-01 12:30:00": True,
        "since=2026-01-01T12:30%2B02:00": True,
        "until=2026-01-01 00:00": False,
    }.items():
        found = page(client.get(f"/console/verdicts?subject=typed-time&{typed.replace(' ', '%20')}"))
        assert ("typed-time" in found.texts) is is_listed, typed


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/verdicts?outcome=rejected", 400, "bad-request"),
        ("/verdicts?batch=7", 400, "bad-request"),
        ("/verdicts?since=soon", 400, "bad-request"),
        ("/verdicts?cursor=x", 400, "bad-request"),
        ("/verdicts?outcom=review", 400, "bad-request"),
        ("/verdicts/export/xml", 400, "bad-request"),
        (f"/verdicts/{NOBODYS}", 404, "no-such-job"),
        ("/verdicts/nothing", 404, "no-such-id"),
        (f"/batches/{NOBODYS}", 404, "no-such-batch"),
        ("/batches?state=odd", 400, "bad-request"),
        ("/batches?cursor=", 200, ""),
    ],
)
def test_what_can_not_be_shown_is_a_page_that_says_so(client: Client, path: str, status: int, code: str) -> None:
    assert code in told(page(client.get(f"/console{path}"), status))
