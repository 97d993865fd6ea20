"""The pages about rules: which there are, how often they fire, what they say, who published them, what a draft does."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, func, insert, select

from rulefarm.database import jobs, verdicts
from rulefarm.escaping import visible
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.cli.test_hostile_text import HOSTILE, OBEYED, SCHEMA
from tests.gateway.client import Answer, Client, running_gateway
from tests.gateway.console.browser import Browser, Page, page
from tests.rows import verdict

#: What a page may not hold as it is: a name that is markup, and what would turn a line around.
MARKUP = "<script>alert(1)</script>&\"'"
EVIL = f"{MARKUP}{HOSTILE}"
#: How it is shown, white space apart.
SHOWN = " ".join(visible(EVIL, keep="\n").split())
RULES = """// <b>a comment</b>
rule "Big" "too <i>much</i>" salience 7 { when Order.total > LIMIT then Review("big " + Order.note); Order.tag = "t"; }
rule "Never" { when Order.total < -5 || Order.note == "never" then Reject("impossible"); }
rule "Private" { when Order.email == "ada@example.com" then Log(Order.email); Order.email = "x" + Order.email; }
"""
TABLE = 'U,when Order.note,then Accept\nfirst,x,<b>fine</b>\nsecond,y,"fine, ""z"""\n'


class Shop:
    """A domain of two versions, of which the second judges, with verdicts on record."""

    def __init__(self, first: LoadedRuleset, second: LoadedRuleset, evil: str) -> None:
        self.first, self.second, self.evil = first, second, evil


@pytest.fixture(scope="module")
def shop(gateway_settings: Settings, gateway_database: Engine, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("rules") / "shop"
    folder.mkdir()
    # A rule may be called anything that has no quote in it.
    evil = visible(EVIL).replace('"', "").replace("\\", "/")
    private = 'email = { kind = "text", private = true }\n'
    (folder / "domain.toml").write_text(SCHEMA + private)
    (folder / "notes.csv").write_text(TABLE)
    versions = []
    for limit in (10, 1000):
        (folder / "shop.grl").write_text(
            RULES.replace("LIMIT", str(limit)) + f'rule "{evil}" {{ when Order.note == "evil" then Review("evil"); }}\n'
        )
        versions.append(load_domain(folder.parent, "shop"))
    for loaded, note in zip(versions, (EVIL, "raised"), strict=True):
        publish(gateway_database, [RulesetSnapshot.of(loaded)], by="<i>ada</i>", note=note)
    now = datetime.now(UTC)
    with gateway_database.begin() as connection:
        for n in range(60):
            at = now - timedelta(hours=n)
            facts = {"Order": {"id": EVIL, "total": n, "note": EVIL}}
            job = {"id": uuid.uuid4(), "domain": "shop", "subject": f"{n}{EVIL}", "facts": facts, "as_of": at}
            connection.execute(insert(jobs).values(job | {"enqueued_at": at, "state": "done"}))
            row = verdict(job["id"], at, domain="shop", subject=job["subject"], evaluated_at=at)
            values = {name: getattr(row, name) for name in verdicts.columns.keys()}  # noqa: SIM118
            fired = ["Big", "notes#first"] if n > 10 else []
            connection.execute(insert(verdicts).values(values | {"fired": fired, "ruleset_digest": versions[0].digest}))
    return Shop(versions[0], versions[1], evil)


@pytest.fixture(scope="module")
def client(gateway_settings: Settings, shop: Shop) -> Iterator[Client]:
    """Of a gateway that serves the shop, too."""
    with running_gateway(gateway_settings) as found:
        yield found


def shown(answer: Answer, status: int = 200) -> Page:
    """A page, of which nothing that came from outside is markup or can't be seen."""
    found = page(answer, status)
    assert "<script>alert" not in answer.text
    # A field of a form has what was typed, letter by letter: it is sent again.
    assert OBEYED & set(re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", answer.text, flags=re.DOTALL)) == set()
    return found


def text_of(found: Page) -> str:
    return " ".join(" ".join(found.texts).split())


def counted(client: Client, path: str) -> Answer:
    """A page once rules were counted: it waits for that for a moment only."""
    for _ in range(600):
        answer = client.get(path)
        if "being counted for the first time" not in answer.text:
            return answer
    raise AssertionError(answer.text)


def test_all_domains_are_listed_with_who_published_them_and_why(client: Client) -> None:
    counted(client, "/console/rules/shop")
    text = text_of(shown(client.get("/console/rules")))
    assert "<i>ada</i> raised" in text
    assert "shop 6 4 60" in text
    assert "pricing" in text


def test_the_version_that_judges_now_says_so_by_its_digest_too(client: Client, shop: Shop) -> None:
    said = {
        query: "which judges now" in text_of(shown(client.get(f"/console/rules/shop?version={query}")))
        for query in ("", shop.second.digest, shop.first.digest)
    }
    assert list(said.values()) == [True, True, False]


def test_rules_are_listed_by_how_often_they_fire_and_what_never_does_says_so(client: Client, shop: Shop) -> None:
    answer = counted(client, "/console/rules/shop")
    found = shown(answer)
    text = text_of(found)
    assert re.search(r"Big too <i>much</i> 49 .* 7 shop\.grl:2", text)
    assert "Of these 4 did not fire in the last 30 days, with 60 verdicts" in text
    assert "notes (2 rows) 49" in text
    assert "1 of 2 rows" in text
    assert text.index("Big") < text.index("Never")
    assert shop.evil in text
    pictures = [link for link in found.links if "/sparkline/" in link]
    drawn = client.get(pictures[0])
    assert (drawn.status, drawn.headers["content-type"]) == (200, "image/svg+xml")
    assert "<script" not in drawn.text
    assert "http://pygal" not in drawn.text.replace("<!--http://pygal.org-->", "")


@pytest.mark.parametrize(
    ("query", "there", "away"),
    [
        ("filter=BIG", "Big", "Never"),
        ("filter=much", "Big", "Never"),
        ("filter=notes.csv&rows=true", "notes#second", "Big"),
        ("never=true", "Never", ">Big<"),
        ("never=true&rows=true", "notes#second", "notes#first"),
        ("filter=" + quote(EVIL, errors="replace"), "No rule is like that", "Never"),
    ],
)
def test_a_list_is_filtered_without_a_script(client: Client, query: str, there: str, away: str) -> None:
    answer = counted(client, f"/console/rules/shop?{query}")
    shown(answer)
    part = answer.text.partition('id="rules-found"')[2]
    assert there in part
    assert away not in part


def test_one_rule_has_its_text_in_colours_and_the_days_on_which_it_fired(client: Client, shop: Shop) -> None:
    answer = counted(client, "/console/rules/shop/rule?name=Big")
    assert "49 times in the last 30 days" in text_of(shown(answer))
    assert '<span class="grl-keyword">rule</span>' in answer.text
    assert '<span class="grl-action">Review</span>' in answer.text
    assert "Fired a day" in answer.text
    row = client.get("/console/rules/shop/rule?name=notes%23second")
    assert "row of a table" in text_of(shown(row))
    assert "never" in row.text
    shown(client.get("/console/rules/shop/rule?name=" + quote(shop.evil)))
    assert "no-such-rule" in text_of(shown(client.get(f"/console/rules/shop/rule?name={quote(EVIL)}"), 404))


def test_a_version_is_shown_as_it_was_published(client: Client, shop: Shop) -> None:
    for digest in (shop.first.digest, shop.second.digest[:12]):
        answer = client.get(f"/console/rules/shop/versions/{digest}")
        shown(answer)
        assert '<span class="grl-comment">// &lt;b&gt;a comment&lt;/b&gt;</span>' in answer.text
        assert ("which judges now" in answer.text) is (digest != shop.first.digest)
    table = next(link for link in Page(answer.text).links if "notes.csv" in link)
    answer = client.get(table)
    assert 'second y fine, "z"' in text_of(shown(answer))
    assert "<td>&lt;b&gt;fine&lt;/b&gt;</td>" in answer.text
    schema = next(link for link in Page(answer.text).links if "domain.toml" in link)
    assert 'subject = "Order"' in text_of(shown(client.get(schema)))
    assert "no-such-file" in text_of(shown(client.get(table.replace("notes", "no")), 404))


def test_the_history_has_who_and_why_and_leads_to_what_differs(client: Client, shop: Shop) -> None:
    found = shown(client.get("/console/rules/shop/history"))
    text = text_of(found)
    assert SHOWN in text
    assert text.index("raised") < text.index("alert(1)")
    [compare] = [link for link in found.links if "/diff?" in link]
    answer = client.get(compare)
    assert "changed Big" in text_of(shown(answer))
    assert re.search(r"<del>- +Order\.total &gt; 10</del>", answer.text)
    assert re.search(r"<ins>\+ +Order\.total &gt; 1000</ins>", answer.text)
    same = f"/console/rules/shop/diff?before={shop.first.digest}&after={shop.first.digest[:9]}"
    assert "Both judge alike" in text_of(shown(client.get(same)))


def test_the_impact_of_a_draft_is_found_out_on_what_is_on_record(client: Client, shop: Shop) -> None:
    shown(client.get("/console/rules/shop/impact"))
    answer = client.get(f"/console/rules/shop/impact?draft={shop.first.digest}&days=7")
    text = text_of(shown(answer))
    assert "49 orders flip" in text
    assert "Rules responsible rule asks no longer asks now Big 0 49" in text
    assert "Big is new" in text or "Big fires now" in text
    assert "No facts of these days" in client.get(f"/console/rules/payment/impact?draft={payment_digest(client)}").text


def payment_digest(client: Client) -> str:
    [digest] = {each["digest"] for each in client.get("/v1/rulesets").json["rulesets"] if each["domain"] == "payment"}
    return str(digest)


def judged(client: Client, facts: str, status: int = 200, domain: str = "shop", **fields: str) -> str:
    """What the box says of facts."""
    path = f"/console/rules/{domain}/judge"
    answer = Browser(client).post(path, path, facts=facts, **fields)
    return text_of(shown(answer, status))


def test_pasted_facts_are_judged_by_either_version_and_leave_no_trace(
    client: Client, shop: Shop, gateway_database: Engine
) -> None:
    def on_record() -> list[int]:
        with gateway_database.connect() as connection:
            return [
                connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (jobs, verdicts)
            ]

    before = on_record()
    facts = json.dumps({"Order": {"id": EVIL, "total": 20, "note": EVIL, "email": "ada@example.com"}})
    assert "No rule fired" in judged(client, '{"Order": {"total": 20}}')
    text = judged(client, facts, version=shop.first.digest[:10])
    assert f"review big {SHOWN}" in text
    assert 'Order.email "(private)"' in text
    assert "xada@example.com" not in text
    assert on_record() == before


@pytest.mark.parametrize(
    ("facts", "status", "said"),
    [
        ("", 400, "bad-json"),
        ("{", 400, "bad-json"),
        ("[1]", 422, "bad-facts"),
        (f'{{"Order": {EVIL}', 400, "bad-json"),
        ('{"Order": {"total": 1, "total": 2}}', 400, "duplicate-name"),
        ('{"Order": {"note": "' + "x" * 100_001 + '"}}', 422, "text-too-long"),
        ("[" * 5000, 422, "too-deep"),
        ('{"Order": {"total": "' + MARKUP.replace('"', "") + '"}}', 200, "error"),
    ],
)
def test_what_is_wrong_with_pasted_facts_is_said_at_the_box(client: Client, facts: str, status: int, said: str) -> None:
    assert said in judged(client, facts, status)


def test_an_instant_that_is_none_and_a_version_that_is_none_are_refused(client: Client) -> None:
    assert "bad-as-of" in judged(client, '{"Order": {}}', 422, as_of=EVIL)
    # Of the years of UTC; a time as pages show it is one.
    assert "bad-as-of" in judged(client, '{"Order": {}}', 422, as_of="9999-12-31T23:59:59-12:00")
    assert "No rule fired" in judged(client, '{"Order": {"total": 20}}', as_of="2026-03-01 12:00:00")
    for version in ("abc", "\x00"):
        assert "no-such-ruleset" in judged(client, "{}", 404, version=version)
    assert "needs-record" in judged(client, '{"Payment": {}}', 422, domain="fraud")


@pytest.mark.parametrize(
    "path",
    [
        "/rules/unheard",
        "/rules/<script>alert(1)<",
        "/rules/unheard/history",
        "/rules/unheard/judge",
        "/rules/shop?page=x",
        "/rules/shop?rows=maybe",
        "/rules/shop/versions/zz",
        "/rules/shop/diff?before=1&after=2",
        "/rules/shop/impact?draft=12345",
        "/rules/shop/impact?days=-1",
        "/pictures/sparkline/-",
        "/pictures/sparkline/1-x",
        "/pictures/sparkline/1-101",
    ],
)
def test_what_can_not_be_is_a_page_that_says_so(client: Client, path: str) -> None:
    answer = client.get("/console" + quote(path, safe="/?=&,"))
    assert answer.status in (400, 404)
    shown(answer, answer.status)
