"""Beyond loopback a session shows who somebody is, and no form but our own changes anything, there or on loopback."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from gateway import upkeep
from gateway.console.console import PAGES
from gateway.console.session import LOOPBACK, Visitor
from rulefarm.database import console_sessions
from rulefarm.settings import Settings
from store.console_sessions import new_secret, open_session, session_token
from store.tokens import GatewayToken, add_token, revoke_token
from tests.gateway.client import Client, running_gateway
from tests.gateway.console.browser import Browser, page


@pytest.fixture(scope="module")
def guarded(gateway_settings: Settings) -> Iterator[Client]:
    """A client of a gateway that asks for tokens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "FRESH_S", 0.05)
        with running_gateway(gateway_settings, asks_for_tokens=True) as client:
            yield client


def token(database: Engine, name: str, *scopes: str, domains: Any = ()) -> str:
    """One that may read, and more."""
    return add_token(database, name, ["read", *scopes], domains)


def test_nobody_sees_a_page_who_is_not_signed_in(guarded: Client) -> None:
    for path, method, scope, _ in PAGES:
        if scope is None or "{" in path:
            continue
        browser = Browser(guarded)
        if method == "GET":
            answer = browser.get(f"/console{path}?a=b%26c")
            assert (answer.status, answer.text) == (303, ""), path
            assert answer.headers["location"].startswith("/console/sign-in?next=%2Fconsole"), path
            assert answer.headers["location"].endswith("%3Fa%3Db%2526c")
        else:
            assert browser.submit(f"/console{path}", {}).status in (401, 403), path
    sign_in = page(Browser(guarded).get("/console/sign-in"))
    # Not even where the pages are.
    assert "nav" not in sign_in.elements


def test_a_token_is_exchanged_for_a_session(guarded: Client, gateway_database: Engine) -> None:
    secret = token(gateway_database, "reader-of-pages")
    browser = Browser(guarded)
    before = browser.get("/console/sign-in") and browser.cookie
    answer = browser.sign_in(f" {secret} ", next="/console/health?x=1")
    assert (answer.status, answer.headers["location"]) == (303, "/console/health?x=1")
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", "path=/console", "max-age=43200"}
    # A secret that was laid into the browser before is not what counts from now on; and the token is not in it.
    assert browser.cookie != before
    assert secret not in browser.cookie
    assert "reader-of-pages" in page(browser.get("/console/")).text
    with gateway_database.connect() as connection:
        rows = connection.execute(select(console_sessions)).all()
    assert rows
    held = browser.cookie.split(".")[1]
    assert held not in str(rows)
    assert secret not in str(rows)


def test_over_tls_the_cookie_is_for_tls_alone(guarded: Client, gateway_database: Engine) -> None:
    browser = Browser(guarded, headers={"X_Forwarded_Proto": "https"})
    answer = browser.sign_in(token(gateway_database, "behind-tls"))
    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "given", ["", "nobody", "rulefarm_" + "x" * 43, "\x00", "\ud83d", "' or 1=1 --", "x" * 100_000]
)
def test_what_is_no_token_opens_nothing(guarded: Client, given: str) -> None:
    browser = Browser(guarded)
    fields = page(browser.get("/console/sign-in")).fields
    answer = browser.submit("/console/sign-in", fields | {"token": given.encode("utf-8", "replace").decode()})
    assert "no token, or it was revoked" in page(answer, 401).text
    assert browser.get("/console/").status == 303


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "session.",
        "visit.{held}",
        "session.{digest}",
        "session.{other}",
        "session.{held}x",
        "session.{held};a=b",
    ],
)
def test_only_what_a_browser_was_given_is_a_session(guarded: Client, gateway_database: Engine, cookie: str) -> None:
    held = open_session(gateway_database, token(gateway_database, f"held-{abs(hash(cookie))}"))
    with gateway_database.connect() as connection:
        digest = connection.execute(select(console_sessions.c.digest)).scalars().first()
    tried = cookie.format(held=held, digest=digest, other=new_secret())
    answer = Browser(guarded, f"rulefarm_console={tried}").get("/console/")
    assert answer.status == (200 if tried == f"session.{held};a=b" else 303)


def test_a_session_ends_with_its_token_its_time_and_by_signing_out(guarded: Client, gateway_database: Engine) -> None:
    def signed_in(name: str) -> Browser:
        browser = Browser(guarded)
        assert browser.sign_in(token(gateway_database, name)).status == 303
        assert browser.get("/console/").status == 200
        return browser

    leaver = signed_in("page-leaver")
    revoke_token(gateway_database, "page-leaver")
    assert leaver.get("/console/").status == 303

    sleeper = signed_in("page-sleeper")
    with gateway_database.begin() as connection:
        mine = update(console_sessions).where(console_sessions.c.token == "page-sleeper")
        connection.execute(mine.values(expires_at=console_sessions.c.created_at))
    assert sleeper.get("/console/").status == 303

    goer = signed_in("page-goer")
    stolen = Browser(guarded, goer.cookie)
    assert stolen.get("/console/").status == 200
    answer = goer.post("/console/sign-out", "/console/")
    assert (answer.status, answer.headers["location"]) == (303, "/console/sign-in")
    assert goer.get("/console/").status == stolen.get("/console/").status == 303


def test_every_gateway_knows_a_session(guarded: Client, gateway_settings: Settings, gateway_database: Engine) -> None:
    browser = Browser(guarded)
    browser.sign_in(token(gateway_database, "of-two-gateways"))
    with running_gateway(gateway_settings, asks_for_tokens=True) as other:
        assert "of-two-gateways" in page(Browser(other, browser.cookie).get("/console/")).text
        Browser(other, browser.cookie).post("/console/sign-out", "/console/")
    assert browser.get("/console/").status == 303


def test_a_token_shows_what_it_is_for(guarded: Client, gateway_database: Engine) -> None:
    writer = Browser(guarded)
    writer.sign_in(add_token(gateway_database, "writes-only", ["submit"], []))
    assert "token-unfit" in page(writer.get("/console/"), 403).text
    payment = Browser(guarded)
    payment.sign_in(token(gateway_database, "pages-of-payment", domains=["payment"]))
    text = page(payment.get("/console/figures")).text
    assert "payment" in text or "being counted" in text
    assert "pricing" not in text
    # What the doctor finds is of all domains.
    assert "token-unfit" in page(payment.get("/console/health"), 403).text


def test_a_visitor_may_what_the_token_is_for() -> None:
    someone = Visitor(GatewayToken("x", frozenset({"read", "operate"}), frozenset({"payment"})), "visit.x", False)
    assert [someone.may(scope) for scope in ("read", "operate", "facts")] == [True, True, False]
    assert [someone.may("operate", domain) for domain in ("payment", "pricing")] == [True, False]
    nobody = Visitor(None, "visit.x", True)
    assert not nobody.may("read")
    here = Visitor(LOOPBACK, "visit.x", True)
    assert [here.may(scope) for scope in ("read", "operate", "facts", "submit")] == [True, True, False, False]


#: Where a form may come from, as a browser says it, and whether it is taken.
ORIGINS = [
    ({}, True),
    ({"Sec_Fetch_Site": "same-origin"}, True),
    ({"Sec_Fetch_Site": "same-origin", "Origin": "https://console.example"}, True),
    ({"Origin": "http://{host}"}, True),
    ({"Sec_Fetch_Site": "cross-site"}, False),
    ({"Sec_Fetch_Site": "same-site"}, False),
    ({"Sec_Fetch_Site": "none"}, False),
    ({"Sec_Fetch_Site": "cross-site", "Origin": "http://{host}"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": "http://elsewhere.example"}, False),
    ({"Origin": "http://127.0.0.1:1"}, False),
    ({"Origin": "http://{host}.elsewhere.example"}, False),
]


@pytest.mark.parametrize(("headers", "taken"), ORIGINS)
def test_a_form_of_another_site_is_refused(client: Client, headers: dict[str, str], taken: bool) -> None:
    named = {name: value.format(host=f"127.0.0.1:{client.port}") for name, value in headers.items()}
    answer = Browser(client).post("/console/sign-in", headers=named, token="none")
    assert answer.status == (401 if taken else 403)
    assert taken or "form-unfit" in answer.text


def test_a_form_without_what_this_browser_was_given_is_refused(client: Client, guarded: Client) -> None:
    for served in (client, guarded):
        browser, other = Browser(served), Browser(served)
        mine, its = (page(each.get("/console/sign-in")).fields for each in (browser, other))
        assert mine["form"] != its["form"]
        for fields in (mine | {"form": ""}, its, {"next": "/console/"}, mine | {"form": mine["form"][:-1]}):
            assert "form-unfit" in page(browser.submit("/console/sign-in", fields), 403).text
        # Without a cookie there is nothing that it could fit.
        assert "form-unfit" in page(Browser(served).submit("/console/sign-in", mine), 403).text


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join(b"a%d=1" % n for n in range(200)), b"form=%ff"])
def test_what_is_no_form_is_refused(client: Client, body: bytes) -> None:
    browser = Browser(client)
    browser.get("/console/sign-in")
    answer = client.send("POST", "/console/sign-in", body, Cookie=browser.cookie)
    assert answer.status in (400, 403), answer.text
    assert "bad-request" in answer.text or "form-unfit" in answer.text


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("127.0.0.1", True), ("127.0.0.1:1", True), ("localhost:8081", True), ("LOCALHOST", True), ("[::1]:8080", True),
        ("rebound.example", False), ("127.0.0.1.rebound.example:8081", False), ("localhost.rebound.example", False),
        ("", False), ("10.0.0.7", False), ("user@127.0.0.1", False), ("127.0.0.1@rebound.example", False), ("[", False),
    ],
)  # fmt: skip
def test_on_loopback_the_console_answers_to_no_other_name(client: Client, host: str, answered: bool) -> None:
    for path in ("/console/sign-in", "/console/nowhere"):
        answer = client.get(path, Host=host)
        assert (answer.status != 403 and "host-unfit" not in answer.text) is answered


def test_by_another_name_a_gateway_with_tokens_answers(guarded: Client) -> None:
    assert guarded.get("/console/sign-in", Host="farm.example").status == 200


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.example/", "//elsewhere.example", "/console/\\elsewhere", "/v1/rulesets", "/console/\r\nx", ""],
)
def test_nobody_is_sent_elsewhere_after_signing_in(guarded: Client, gateway_database: Engine, following: str) -> None:
    name = f"sent-{abs(hash(following))}"
    answer = Browser(guarded).sign_in(token(gateway_database, name), next=following)
    assert (answer.status, answer.headers["location"]) == (303, "/console/")


def test_on_loopback_one_may_sign_in_to_see_more(client: Client, gateway_database: Engine) -> None:
    browser = Browser(client)
    assert "loopback" in page(browser.get("/console/")).text
    browser.sign_in(token(gateway_database, "sees-more", "facts"))
    assert "sees-more" in page(browser.get("/console/")).text
    browser.post("/console/sign-out", "/console/")
    assert "loopback" in page(browser.get("/console/")).text


def test_what_is_on_record_of_a_session_is_none(gateway_database: Engine) -> None:
    assert open_session(gateway_database, "none") is None
    held = open_session(gateway_database, token(gateway_database, "of-record", "operate"))
    assert held is not None
    found = session_token(gateway_database, held)
    assert found == GatewayToken("of-record", frozenset({"read", "operate"}), None)
    with gateway_database.connect() as connection:
        [digest] = connection.execute(
            select(console_sessions.c.digest).where(console_sessions.c.token == "of-record")
        ).scalars()
    assert session_token(gateway_database, digest) is None
