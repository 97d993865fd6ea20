"""The pages about dead letters: what is shown, who may act, that it is asked for twice, and what is put on record."""

import uuid
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, delete, select, update

from rulefarm.database import dead_letters, fact_views, jobs, operator_actions
from rulefarm.settings import Settings
from store.dead_letters import Failure, record_message
from store.tokens import add_token
from tests.gateway.client import Client, running_gateway
from tests.gateway.console.browser import Browser, page
from tests.gateway.console.test_rule_pages import EVIL, MARKUP, SHOWN, shown, text_of
from tests.rows import rows
from tests.store.dying import batch_of_rows, dead_job, kill_row


@pytest.fixture
def database(gateway_database: Engine) -> Engine:
    """The gateway's, without a dead letter and without a trail."""
    with gateway_database.begin() as connection:
        for table in (dead_letters, jobs, operator_actions, fact_views):
            connection.execute(delete(table))
    return gateway_database


def test_each_letter_is_listed_and_told_of_whatever_it_says(
    client: Client, gateway_settings: Settings, database: Engine
) -> None:
    job = dead_job(gateway_settings, database, subject=EVIL, failure=Failure("evaluation-failed", EVIL))
    record_message(database, Failure("unknown-task", EVIL), worker=EVIL, content=EVIL)
    text = text_of(shown(client.get("/console/dead-letters")))
    assert text.count(SHOWN) >= 3
    assert "evaluation-failed" in text
    one = client.get(f"/console/dead-letters/{job}")
    assert SHOWN in text_of(shown(one))
    for letter in rows(database, dead_letters):
        shown(client.get(f"/console/dead-letters/{letter.id}"))
        shown(client.get(f"/console/dead-letters/{letter.id}/drop"))
    query = "&".join(f"{name}={quote(EVIL, errors='replace')}" for name in ("domain", "code"))
    assert "no dead letter like that" in text_of(shown(client.get(f"/console/dead-letters?{query}")))
    assert "unknown-task" not in client.get("/console/dead-letters?code=evaluation-failed").text.partition("<tbody>")[2]


def test_pages_hold_each_letter_once(client: Client, database: Engine) -> None:
    for n in range(120):
        record_message(database, Failure("unknown-task", f"reason {n}."), worker="w", content="{}")
    with database.begin() as connection:
        at = select(dead_letters.c.died_at).limit(1).scalar_subquery()
        connection.execute(update(dead_letters).values(died_at=at))
    path, found, pages = "/console/dead-letters", list[str](), 0
    while path:
        answer = client.get(path)
        found += [f"reason {n}." for n in range(120) if f"<td>reason {n}.</td>" in answer.text]
        following = [link for link in page(answer).links if "cursor=" in link]
        path, pages = (following[0] if following else ""), pages + 1
    assert (len(found), len(set(found)), pages) == (120, 120, 3)


def test_facts_are_shown_when_somebody_asks_and_that_is_put_on_record(
    client: Client, gateway_settings: Settings, database: Engine
) -> None:
    job = dead_job(gateway_settings, database)
    path = f"/console/dead-letters/{job}"
    assert "12.5" not in client.get(path).text
    assert rows(database, fact_views) == []
    assert '"total": 12.5' in text_of(shown(client.get(f"{path}?facts=true")))
    [view] = rows(database, fact_views)
    assert (view.viewer, view.address, view.domain, view.subject_id, view.unmasked) == (
        "loopback",
        "127.0.0.1",
        "payment",
        job,
        False,
    )
    with database.begin() as connection:
        connection.execute(delete(jobs))
    assert "no longer on record" in client.get(f"{path}?facts=true").text


def test_the_facts_of_a_row_of_a_batch_are_those_of_its_chunk(client: Client, database: Engine) -> None:
    kill_row(database, batch_of_rows(database, "a"), 0)
    [letter] = rows(database, dead_letters)
    answer = client.get(f"/console/dead-letters/{letter.id}?facts=true")
    assert "alone in chunk 0" in text_of(shown(answer))
    assert "Product" in answer.text


@pytest.mark.parametrize("action", ["retry", "drop"])
def test_what_is_done_is_asked_for_twice_and_is_on_record(
    client: Client, gateway_settings: Settings, database: Engine, action: str
) -> None:
    job = dead_job(gateway_settings, database)
    path = f"/console/dead-letters/{job}/{action}"
    assert "put on record" in text_of(shown(client.get(path)))
    assert [row.id for row in rows(database, dead_letters)] == [job]
    forged = client.send("POST", path, "form=x", Content_Type="application/x-www-form-urlencoded")
    assert "form-unfit" in text_of(shown(forged, 403))
    assert [row.id for row in rows(database, dead_letters)] == [job]
    answer = Browser(client).post(path, path)
    assert (answer.status, answer.headers["location"]) == (303, "/console/dead-letters")
    assert rows(database, dead_letters) == []
    assert [row.state for row in rows(database, jobs)] == ["open" if action == "retry" else "dead"]
    [done] = rows(database, operator_actions)
    assert (done.operator, done.address, done.action, done.letters) == ("loopback", "127.0.0.1", action, [job])
    assert "loopback" in text_of(shown(client.get("/console/dead-letters")))
    # Somebody else comes second.
    assert "no-such-letter" in text_of(shown(client.get(path), 404))


def test_a_refused_message_can_be_dropped_and_not_tried_again(client: Client, database: Engine) -> None:
    record_message(database, Failure("unknown-task", "no such task"), worker="w", content="{}")
    [letter] = rows(database, dead_letters)
    path = f"/console/dead-letters/{letter.id}"
    assert "/retry" not in client.get(path).text
    assert "not-revivable" in text_of(shown(client.get(f"{path}/retry"), 409))
    assert Browser(client).post(f"{path}/drop", f"{path}/drop").status == 303
    assert rows(database, dead_letters) == []


def test_a_letter_leads_to_what_it_is_about_and_is_led_to(
    client: Client, gateway_settings: Settings, database: Engine
) -> None:
    job = dead_job(gateway_settings, database)
    batch = batch_of_rows(database, "a", "b")
    kill_row(database, batch, 0)
    record_message(database, Failure("unknown-task", "no such task"), worker="w", content="{}")
    for letter in rows(database, dead_letters, dead_letters.c.kind != "message"):
        there = f"/console/verdicts/{letter.id}"
        assert there in shown(client.get(f"/console/dead-letters/{letter.id}")).links
        found = shown(client.get(there))
        assert f"/console/dead-letters/{letter.id}" in found.links
        assert "was repeated" not in text_of(found)
        assert "Attempts that failed or were repeated 1" in text_of(found)
    # Of a batch its own dead letters, and no others.
    [link] = [each for each in shown(client.get(f"/console/batches/{batch}")).links if "/dead-letters?" in each]
    listed = " ".join(shown(client.get(link)).links)
    assert str(uuid.uuid5(batch, "a")) in listed
    assert str(job) not in listed
    [message] = rows(database, dead_letters, dead_letters.c.kind == "message")
    assert "no-such-job" in text_of(shown(client.get(f"/console/verdicts/{message.id}"), 404))


@pytest.mark.parametrize(
    "path", ["x", f"{uuid.UUID(int=7)}", f"{uuid.UUID(int=7)}/burn", "?cursor=zz", "?batch=1", quote(MARKUP, safe="")]
)
def test_what_is_no_letter_is_a_page_that_says_so(client: Client, database: Engine, path: str) -> None:
    answer = client.get("/console/dead-letters" + (path if path.startswith("?") else f"/{path}"))
    assert answer.status in (400, 404)
    shown(answer, answer.status)


def signed_in(client: Client, token: str) -> Browser:
    browser = Browser(client)
    assert browser.sign_in(token).status == 303
    return browser


def test_who_may_only_read_can_do_nothing_and_a_token_sees_the_letters_of_its_domains(
    gateway_settings: Settings, database: Engine
) -> None:
    job = dead_job(gateway_settings, database)
    record_message(database, Failure("unknown-task", "of nobody"), worker="w", content="{}")
    [message] = [row.id for row in rows(database, dead_letters) if row.kind == "message"]
    names = [uuid.uuid4().hex for _ in range(3)]
    reader = add_token(database, names[0], ["read"], ["payment"])
    other = add_token(database, names[1], ["read", "operate"], ["pricing"])
    operator = add_token(database, names[2], ["read", "operate", "facts"], ["payment"])
    with running_gateway(gateway_settings, asks_for_tokens=True) as client:
        assert client.get("/console/dead-letters").headers["location"].startswith("/console/sign-in")

        def seen(token: str, path: str = "", status: int = 200) -> Any:
            return page(signed_in(client, token).get(f"/console/dead-letters{path}"), status)

        assert str(job) in " ".join(seen(reader).links)
        assert not {str(job), str(message)} & set(" ".join(seen(other).links).replace("/", " ").split())
        seen(other, f"/{job}", 404)
        seen(operator, f"/{message}", 404)
        assert f"/console/dead-letters/{job}/drop" not in seen(reader, f"/{job}").links
        seen(reader, f"/{job}/drop", 403)
        browser, path = signed_in(client, operator), f"/console/dead-letters/{job}"
        assert '"total": 12.5' in page(browser.get(f"{path}?facts=true")).text
        assert browser.post(f"{path}/retry", f"{path}/retry").status == 303
    assert [(row.operator, row.action) for row in rows(database, operator_actions)] == [(names[2], "retry")]
    assert [(row.viewer, row.unmasked) for row in rows(database, fact_views)] == [(names[2], True)]
