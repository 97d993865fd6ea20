"""Who sees what at the console: private values to a token for them alone, and of each domain to a token for it alone.

Whichever page somebody is shown a value by, that stands on the trail, and whether private ones were among it."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select

from gateway import upkeep
from rulefarm.database import batches, chunks, dead_letters, fact_views, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.attempts import fail_job
from store.dead_letters import Failure, record_message
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from store.tokens import add_token
from tests.cli.test_private_fields import EMAIL, LIMIT, RULES, SCHEMA, SECRETS
from tests.gateway.client import Client, running_gateway
from tests.gateway.console.browser import Browser, page
from tests.inline_worker import take_what_is_due, working
from tests.rows import rows
from tests.store.dying import TERMS

#: What stands where a private value would.
HIDDEN = "(private)"
#: A domain without a secret, which another token is for.
OTHER = "payment"


@dataclass(frozen=True)
class Kept:
    """What is on record of a domain with private fields."""

    #: The verdict on a job, that on a row of a batch, and the batch.
    job: uuid.UUID
    row: uuid.UUID
    batch: uuid.UUID
    #: A dead letter.
    letter: uuid.UUID
    #: The version that judges, and one with other rules.
    active: str
    draft: str


@pytest.fixture(scope="module")
def kept(
    gateway_settings: Settings, gateway_database: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    """Orders were judged, as a job and in a batch, and one is dead."""
    folder = tmp_path_factory.mktemp("private") / "secretive"
    folder.mkdir()
    (folder / "domain.toml").write_text(SCHEMA)
    digests = []
    for rules in (RULES.replace("Customer.limit &&", "Customer.limit + 5000 &&"), RULES):
        (folder / "a.grl").write_text(rules)
        loaded = load_domain(folder.parent, "secretive")
        publish(gateway_database, [RulesetSnapshot.of(loaded)])
        digests.append(loaded.digest)
    source = folder / "rows.csv"
    source.write_text(f"id,total,buyer,email\nrow,999,zoe,{EMAIL}\nunfit,much,zoe,{EMAIL}\n")
    with closing(ReferenceFacts(gateway_settings.require_facts())) as facts:
        facts.put("Customer", "zoe", {"limit": LIMIT})
        with Farm(gateway_settings) as farm, working(gateway_settings, gateway_database) as worker:
            order = {"id": "1", "total": 1000, "buyer": "zoe", "email": EMAIL}
            job = farm.submit("secretive", {"Order": order}, key="judged")
            batch = farm.submit_batch("secretive", source)
            take_what_is_due(worker)
            dead = farm.submit("secretive", {"Order": order | {"id": "2"}}, key="dead")
        facts.delete("Customer", "zoe")
    assert fail_job(gateway_database, dead.id, TERMS, Failure("worker-lost", "its process died"), attempt=1)
    record_message(
        gateway_database, Failure("bad-message", "it names no job"), worker="w", content=json.dumps({"Order": order})
    )
    yield Kept(job.id, uuid.uuid5(batch.id, "row"), batch.id, dead.id, digests[1], digests[0])
    with gateway_database.begin() as connection:
        for table in (dead_letters, jobs, chunks, batches, verdicts):
            connection.execute(delete(table))


@pytest.fixture(scope="module")
def guarded(gateway_settings: Settings, kept: Kept) -> Iterator[Client]:
    """A client of a gateway that asks for tokens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upkeep, "FRESH_S", 0.05)
        with running_gateway(gateway_settings, asks_for_tokens=True) as client:
            yield client


def visitor(client: Client, database: Engine, *scopes: str, domains: Any = ()) -> tuple[Browser, str]:
    """Somebody who may read, and more; and what the trail calls them."""
    name = f"visitor-{uuid.uuid4().hex}"
    browser = Browser(client)
    assert browser.sign_in(add_token(database, name, ["read", *scopes], domains)).status == 303
    return browser, name


def told(browser: Browser, path: str, status: int = 200) -> str:
    """All texts of a page."""
    return " ".join(" ".join(page(browser.get(f"/console{path}"), status).texts).split())


def looked_at(database: Engine, viewer: str) -> list[tuple[uuid.UUID, bool]]:
    """Whose facts somebody was shown, and whether private ones, as it is on record."""
    return [(view.subject_id, view.unmasked) for view in rows(database, fact_views, fact_views.c.viewer == viewer)]


@pytest.mark.parametrize("scopes", [(), ("facts",)], ids=["without", "with"])
def test_private_values_are_shown_to_a_token_for_them_alone_and_that_is_on_the_trail(
    guarded: Client, gateway_database: Engine, kept: Kept, scopes: tuple[str, ...]
) -> None:
    browser, name = visitor(guarded, gateway_database, *scopes)
    sees = bool(scopes)
    # Page by page: what it is about, if it shows facts; and the secrets that it has.
    shown = {
        f"/verdicts/{kept.job}": (kept.job, SECRETS),
        f"/verdicts/{kept.job}?explain=true": (kept.job, SECRETS),
        f"/verdicts/{kept.row}": (kept.row, SECRETS),
        f"/dead-letters/{kept.letter}?facts=true": (kept.letter, SECRETS[1:]),
    }
    for path, (subject, secrets) in shown.items():
        text = told(browser, path)
        assert [secret in text for secret in secrets] == [sees] * len(secrets), path
        assert (HIDDEN in text) is not sees, path
        assert looked_at(gateway_database, name)[-1] == (subject, sees), path
    assert len(looked_at(gateway_database, name)) == len(shown)
    # These show no facts, whoever asks.
    for path in (
        f"/dead-letters/{kept.letter}",
        "/dead-letters",
        "/verdicts?domain=secretive",
        f"/batches/{kept.batch}",
        f"/batches/{kept.batch}?compare=true",
        "/batches",
        "/rules/secretive",
    ):
        text = told(browser, path)
        assert not [secret for secret in SECRETS if secret in text], path
    assert len(looked_at(gateway_database, name)) == len(shown)


@pytest.mark.parametrize("scopes", [(), ("facts",)], ids=["without", "with"])
def test_an_export_tells_no_private_value_and_a_refused_message_to_a_token_for_them_alone(
    guarded: Client, gateway_database: Engine, kept: Kept, scopes: tuple[str, ...]
) -> None:
    browser, name = visitor(guarded, gateway_database, *scopes)
    text = browser.get("/console/verdicts/export/csv?domain=secretive&subject=judged").text
    [row] = csv.DictReader(io.StringIO(text))
    assert row["changes"] == f"Order.score = {HIDDEN}"
    [message] = rows(gateway_database, dead_letters, dead_letters.c.kind == "message")
    assert EMAIL not in told(browser, f"/dead-letters/{message.id}")
    assert looked_at(gateway_database, name) == []
    assert (EMAIL in told(browser, f"/dead-letters/{message.id}?facts=true")) is bool(scopes)
    assert looked_at(gateway_database, name) == [(message.id, bool(scopes))]


@pytest.mark.parametrize("scopes", [(), ("facts",)], ids=["without", "with"])
def test_what_is_pasted_is_told_with_what_it_was_made_of_to_a_token_for_that_alone(
    guarded: Client, gateway_database: Engine, gateway_settings: Settings, kept: Kept, scopes: tuple[str, ...]
) -> None:
    browser, name = visitor(guarded, gateway_database, *scopes)
    facts = json.dumps({"Order": {"id": "9", "total": 1000, "buyer": "yan", "email": EMAIL}})
    path = "/console/rules/secretive/judge"
    with closing(ReferenceFacts(gateway_settings.require_facts())) as shared:
        shared.put("Customer", "yan", {"limit": LIMIT})
        assert page(browser.get(path)).text
        assert looked_at(gateway_database, name) == []
        answer = browser.post(path, path, facts=facts)
        shared.delete("Customer", "yan")
    text = page(answer).text
    assert "over the limit" in text
    assert (str(LIMIT) in text, HIDDEN in text) == (bool(scopes), not scopes)
    # It is of no subject on record: the page says under which id the trail has it.
    [(subject, unmasked)] = looked_at(gateway_database, name)
    assert unmasked is bool(scopes)
    assert str(subject) in text


def test_pasted_facts_that_look_nothing_up_are_no_view_of_anybody_s(
    guarded: Client, gateway_database: Engine, kept: Kept
) -> None:
    browser, name = visitor(guarded, gateway_database, "facts")
    path = f"/console/rules/{OTHER}/judge"
    facts = json.dumps({"Order": {"order_id": "9", "total": 2000, "country": "DE"}})
    assert "over 1000" in page(browser.post(path, path, facts=facts)).text
    assert looked_at(gateway_database, name) == []


def test_the_verdict_of_a_row_tells_of_the_attempts_at_its_chunk_also_when_its_rules_are_gone(
    guarded: Client, gateway_database: Engine, kept: Kept
) -> None:
    browser, _ = visitor(guarded, gateway_database)
    here = chunks.c.batch == kept.batch
    with gateway_database.begin() as connection:
        connection.execute(chunks.update().where(here).values(attempts=3))
        connection.execute(verdicts.update().where(verdicts.c.id == kept.row).values(ruleset_digest="0" * 64))
    text = told(browser, f"/verdicts/{kept.row}")
    with gateway_database.begin() as connection:
        connection.execute(chunks.update().where(here).values(attempts=1))
        connection.execute(verdicts.update().where(verdicts.c.id == kept.row).values(ruleset_digest=kept.active))
    assert "Attempts at its chunk, number 0 3" in text
    assert "are not shown" in text
    text = told(browser, f"/verdicts/{kept.row}")
    assert "Attempts at its chunk, number 0 1" in text
    assert "Order.total" in text
    # A job is in none.
    assert "chunk" not in told(browser, f"/verdicts/{kept.job}")


def test_the_examples_of_a_draft_s_impact_hide_private_values_and_stand_on_the_trail(
    guarded: Client, gateway_database: Engine, kept: Kept
) -> None:
    browser, name = visitor(guarded, gateway_database, "facts")
    text = told(browser, f"/rules/secretive/impact?draft={kept.draft}")
    assert "2 orders flip" in text
    assert not [secret for secret in SECRETS if secret in text]
    # Of what flips one is told of as an example.
    [(subject, unmasked)] = looked_at(gateway_database, name)
    assert subject in (kept.job, kept.row)
    assert not unmasked


def test_what_rules_changed_is_of_the_facts_and_on_the_trail_when_these_are_gone(
    guarded: Client, gateway_database: Engine, kept: Kept
) -> None:
    with gateway_database.begin() as connection:
        row = dict(connection.execute(select(jobs).where(jobs.c.id == kept.job)).mappings().one())
        connection.execute(delete(jobs).where(jobs.c.id == kept.job))
    browser, name = visitor(guarded, gateway_database, "facts")
    text = told(browser, f"/verdicts/{kept.job}")
    with gateway_database.begin() as connection:
        connection.execute(jobs.insert().values(row))
    assert "no longer on record" in text
    assert EMAIL not in text
    assert f"Order.score {LIMIT}" in text
    assert looked_at(gateway_database, name) == [(kept.job, True)]


def test_a_token_sees_nothing_of_other_domains(guarded: Client, gateway_database: Engine, kept: Kept) -> None:
    browser, name = visitor(guarded, gateway_database, "facts", "operate", domains=[OTHER])
    for path, status in {
        f"/verdicts/{kept.job}": 403,
        f"/verdicts/{kept.row}?explain=true": 403,
        "/verdicts?domain=secretive": 403,
        "/verdicts/export/csv?domain=secretive": 403,
        f"/batches/{kept.batch}": 403,
        f"/batches/{kept.batch}?compare=true": 403,
        "/batches?domain=secretive": 403,
        f"/dead-letters/{kept.letter}": 404,
        f"/dead-letters/{kept.letter}?facts=true": 404,
        f"/dead-letters/{kept.letter}/retry": 404,
        "/rules/secretive": 403,
        "/rules/secretive/rule?name=Over": 403,
        f"/rules/secretive/versions/{kept.active}": 403,
        "/rules/secretive/history": 403,
        f"/rules/secretive/diff?before={kept.draft}&after={kept.active}": 403,
        "/rules/secretive/coverage": 403,
        f"/rules/secretive/impact?draft={kept.draft}": 403,
        "/rules/secretive/judge": 403,
        # By its own domain nobody gets at the rules of another.
        f"/rules/{OTHER}/versions/{kept.active}": 404,
        f"/rules/{OTHER}?version={kept.active}": 404,
        f"/rules/{OTHER}/diff?before={kept.draft}&after={kept.active}": 404,
        f"/rules/{OTHER}/impact?draft={kept.draft}": 404,
    }.items():
        text = told(browser, path, status)
        assert not [one for one in ("over the limit", "Order.score", *SECRETS) if one in text], path
    for path in ("/verdicts", "/batches", "/dead-letters", "/rules", "/figures", f"/verdicts?batch={kept.batch}"):
        assert "secretive" not in told(browser, path), path
    for found in ("subject=judged", f"batch={kept.batch}", ""):
        assert "secretive" not in browser.get(f"/console/verdicts/export/jsonl?{found}").text, found
    for path, of in (
        (f"/dead-letters/{kept.letter}/drop", 404),
        ("/rules/secretive/judge", 403),
    ):
        assert browser.submit(f"/console{path}", page(browser.get("/console/verdicts")).fields).status == of
    assert looked_at(gateway_database, name) == []
    with gateway_database.connect() as connection:
        assert connection.execute(select(dead_letters.c.id).where(dead_letters.c.id == kept.letter)).first()


def test_a_list_of_one_domain_of_several_says_which(guarded: Client, gateway_database: Engine, kept: Kept) -> None:
    browser, _ = visitor(guarded, gateway_database, domains=[OTHER, "secretive"])
    for path in ("/verdicts", "/batches"):
        found = page(browser.get(f"/console{path}"))
        assert found.fields["domain"] == OTHER, path
        exports = [link for link in found.links if "/export/" in link]
        assert all(f"domain={OTHER}" in link for link in exports)
    assert "judged" in told(browser, "/verdicts?domain=secretive")
    assert f"/console/dead-letters/{kept.letter}" in page(browser.get("/console/dead-letters")).links
