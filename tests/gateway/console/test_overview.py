"""The overview says what the farm does, of the domains that a visitor may see; health says what the doctor finds."""

import base64
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, update

from gateway.console.pages.health import findings_of
from gateway.console.recent import LastAnswer
from rulefarm.database import batches, chunks, verdicts
from rulefarm.settings import Settings
from store.dead_letters import Failure
from store.tokens import add_token
from tests.gateway.client import Client, running_gateway
from tests.gateway.console.browser import Browser, Page, page
from tests.processes import until
from tests.rows import add_batch, add_duty, add_job, verdict
from tests.store.dying import dead_job
from workers.monitoring import HealthCheck

MARKUP = "\"'><script>alert(1)</script>&amp;"


@pytest.fixture(scope="module")
def busy(gateway_settings: Settings, gateway_database: Engine) -> Iterator[Client]:
    """A gateway with tokens, of a farm in which things happened: nobody works."""
    now = datetime.now(UTC)
    with gateway_database.begin() as connection:
        for n in range(30):
            moment = now - timedelta(hours=n)
            row = verdict(
                uuid.uuid4(), moment, evaluated_at=moment, outcome="reject" if n % 3 else "accept", worker=f"w{MARKUP}"
            )
            connection.execute(
                insert(verdicts).values({name: getattr(row, name) for name in verdicts.columns.keys()})  # noqa: SIM118
            )
    batch, _ = add_batch(gateway_database, count=4)
    with gateway_database.begin() as connection:
        connection.execute(update(batches).values(source=MARKUP))
        connection.execute(update(chunks).where(chunks.c.batch == batch, chunks.c.n == 0).values(state="done"))
    add_job(gateway_settings, subject="waits")
    dead_job(gateway_settings, gateway_database, failure=Failure("time-limit", MARKUP))
    add_duty(gateway_database, minutes_ago=30, domain="pricing", code="bad-source", reason=MARKUP)
    with running_gateway(gateway_settings, asks_for_tokens=True) as client:
        yield client


def overview(client: Client, database: Engine, *domains: str) -> tuple[Page, str]:
    """What a visitor sees whose token is for some domains, or all."""
    browser = Browser(client)
    browser.sign_in(add_token(database, f"sees-{uuid.uuid4().hex}", ["read"], domains))
    answer = until(lambda: "being counted" not in (found := browser.get("/console/")).text and found)
    return page(answer), answer.text


def test_the_overview_says_what_waits_and_what_needs_somebody(busy: Client, gateway_database: Engine) -> None:
    found, text = overview(busy, gateway_database)
    # What is in words of others is text.
    assert MARKUP in found.text
    assert "script>alert" not in text.replace("&lt;", "<!").replace("&gt;", "!>")
    rows = [re.sub(r"<[^>]*>", " ", row).split() for row in re.findall(r"<tr>(.*?)</tr>", text, re.DOTALL)]
    # Open jobs and rows of each domain; of the batch a quarter is done.
    lines = {row[0]: row[1:3] for row in rows if row and row[0] in ("payment", "pricing", "fraud", "credit")}
    assert lines["payment"] == ["1", "0"]
    assert lines["pricing"] == ["0", "6"]
    assert 'value="0.25"' in text
    assert "1 dead letter of payment" in " ".join(found.text.split())
    assert "The reconciler has never run" in found.text
    # By whom it was judged last, and that this is not what is active.
    assert f"w{MARKUP}" in found.text
    assert "not the active one" in found.text


def test_the_last_day_is_drawn_and_stands_beside_in_numbers(busy: Client, gateway_database: Engine) -> None:
    found, text = overview(busy, gateway_database)
    [picture] = [link for link in found.links if link.startswith("data:image/svg+xml;base64,")]
    # In its comments pygal says who drew it.
    svg = re.sub("<!--.*?-->", "", base64.b64decode(picture.partition(",")[2]).decode(), flags=re.DOTALL)
    assert "<script" not in svg
    assert [link for link in re.findall(r"https?://[^\"' )<]*", svg) if "w3.org" not in link] == []
    assert "prefers-color-scheme:dark" in svg
    assert "<title>" in svg or "payment" in svg
    # 24 or 25 of the verdicts were reached within these hours: accept every third.
    [hours] = re.findall(r"payment: verdicts an hour</caption>.*?</table>", text, re.DOTALL)
    numbers = [
        [int(number) for number in re.findall(r'class="number">(\d+)<', row)]
        for row in hours.split("<tr>")
        if "<time" in row
    ]
    accepted, reviewed, rejected, failed = (sum(column) for column in zip(*numbers, strict=True))
    assert len(numbers) == 25
    assert (accepted in (8, 9), reviewed, rejected in (16, 17), failed) == (True, 0, True, 0)
    assert f"in the last day, by outcome: {accepted + rejected} in all" in text
    # Those without a verdict are named, in one line.
    [quiet] = re.findall(r"No verdict in the last day: ([^<]*)\.</p>", text)
    assert "pricing" in quiet.split(", ")
    assert "payment" not in quiet


def test_whoever_may_see_some_domains_sees_these(busy: Client, gateway_database: Engine) -> None:
    found, _ = overview(busy, gateway_database, "pricing")
    assert "payment" not in found.text
    assert "dead letter of" not in found.text
    found, _ = overview(busy, gateway_database, "payment")
    assert "pricing" not in found.text
    assert MARKUP not in found.text.replace(f"w{MARKUP}", "")


def test_health_is_told_within_moments_though_nobody_works(busy: Client, gateway_database: Engine) -> None:
    browser = Browser(busy)
    browser.sign_in(add_token(gateway_database, "sees-health", ["read"], []))
    answer = until(lambda: "being looked at" not in (found := browser.get("/console/health")).text and found)
    found = page(answer)
    assert "script>alert" not in answer.text.replace("&lt;", "<!").replace("&gt;", "!>")
    assert MARKUP in found.text
    assert "the farm is not well" in found.text
    assert "no worker takes from it" in found.text
    assert "has never run" in found.text


def test_what_is_amiss_stands_first_and_is_counted() -> None:
    checks = [
        HealthCheck("database", "ok", "answers"),
        HealthCheck("dead-letters", "warn", "2 in all", "see 'rulefarm dead-letters list'"),
        HealthCheck("probe", "skip", "not sent"),
        HealthCheck("workers", "fail", "no worker takes from it", "run one", subject="rules.payment"),
    ]
    told = findings_of(LastAnswer(checks, datetime.now(UTC)))
    assert [line.status for line in told.lines] == ["fail", "warn", "skip", "ok"]
    assert [line.title for line in told.lines] == ["workers", "dead letters", "a message there and back", "Postgres"]
    assert told.summary == "1 of 4 findings: the farm is not well; 1 should be looked at."
    assert not told.is_well
    assert findings_of(LastAnswer(checks[:1], datetime.now(UTC))).summary == "The farm is well."
