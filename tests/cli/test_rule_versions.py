"""An author publishes, compares and goes back from the command line, and an auditor reads who did what."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from rulefarm.settings import Settings
from store.publications import activate_due
from tests.cli.conftest import OnFarm

DOMAIN = 'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = { kind = "text" }\ntotal = { kind = "number" }\n'
BIG = 'rule Big "too big" {{ when Order.total > {} then Reject("big"); }}\n'
ODD = 'rule Odd { when Order.total == 7 then Review("odd"); }\n'


@pytest.fixture
def say(on: Callable[[Settings], OnFarm], settings: Settings, database: Engine) -> OnFarm:
    """Run `rulefarm rules …` on a fresh database."""
    run = on(settings)

    def call(*arguments: object, **more: Any) -> str:
        return run("rules", *arguments, **more)

    return call


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., None]:
    """Write the folder of the domain `shop`."""

    def write(*rules: str) -> None:
        folder = tmp_path / "shop"
        folder.mkdir(exist_ok=True)
        (folder / "domain.toml").write_text(DOMAIN)
        (folder / "a.grl").write_text("".join(rules))

    return write


def digests(say: OnFarm) -> list[str]:
    """Of what was published, the newest first."""
    return [one["digest"] for one in json.loads(say("history", "--json"))]


def test_an_author_publishes_compares_goes_back_and_forth_and_takes_a_version_out(
    say: OnFarm, draft: Callable[..., None], tmp_path: Path
) -> None:
    assert say("history").strip() == "nothing was published yet"
    draft(BIG.format(10))
    say("publish", "shop", "--note", "first")
    draft(BIG.format(20), ODD)
    compared = say("diff", "shop", "./shop")
    assert compared.splitlines() == [
        "changed Big",
        '    rule "Big" "too big" {',
        "        when",
        "  -         Order.total > 10",
        "  +         Order.total > 20",
        "        then",
        '            Reject("big");',
        "    }",
        "added Odd",
        '  + rule "Odd" {',
        "  +     when",
        "  +         Order.total == 7",
        "  +     then",
        '  +         Review("odd");',
        "  + }",
        "1 added, 0 removed, 1 changed, 0 moved",
    ], compared
    say("publish", "shop", "--note", "\x1b[31mDecember")
    second, first = digests(say)
    history = say("history", "shop")
    assert "\x1b" not in history
    assert f"{second[:12]} active" in history
    assert f"{first[:12]} active" not in history
    assert [one["kind"] for one in json.loads(say("diff", first[:8], second[:8], "--json"))] == ["changed", "added"]
    assert say("diff", "shop", "./shop").strip() == "both judge alike"
    touched = json.loads(say("history", "--rule", "Odd", "--json"))
    assert [(one["digest"], one["note"]) for one in touched] == [(second, "\x1b[31mDecember")]
    assert "nothing on record touched" in say("history", "--rule", "Nobody")

    assert f"{first[:12]} is active again; {second[:12]} is taken back" in say("rollback", "shop", "--note", "wrong")
    assert "no other ruleset of shop judged before [nothing-before]" in say("rollback", "shop", code=1).replace(
        " ('rulefarm rules history' shows what is on record)", ""
    )
    assert f"shop: {second[:12]} is active" in say("activate", second[:10])
    assert "is active already" in say("activate", second[:10])
    assert "several rulesets" in say("activate", "", code=1)
    assert ODD.split()[1] in say("show", second[:10])
    assert json.loads(say("show", first[:10], "--json"))["files"]["a.grl"] == BIG.format(10)

    say("export", first[:10], "old/shop")
    assert (tmp_path / "old" / "shop" / "a.grl").read_text() == BIG.format(10)
    assert "[folder-in-use]" in say("export", first[:10], "old/shop", code=1)
    assert say("diff", first[:10], "./old/shop").strip() == "both judge alike"
    assert "was published already" not in say("publish", "old/shop")


def test_a_draft_of_an_older_version_is_not_published_over_a_newer_one(say: OnFarm, draft: Callable[..., None]) -> None:
    draft(BIG.format(10))
    say("publish", "shop")
    [first] = digests(say)
    draft(BIG.format(20))
    say("publish", "shop", "--parent", first[:8])
    draft(BIG.format(30))
    assert "published meanwhile" in say("publish", "shop", "--parent", first[:8], code=1)
    assert "[no-such-ruleset]" in say("publish", "shop", "--parent", "ffff", code=1)
    assert len(digests(say)) == 2


def test_a_version_for_later_is_shown_cancelled_or_becomes_active(
    say: OnFarm, draft: Callable[..., None], database: Engine
) -> None:
    draft(BIG.format(10))
    say("publish", "shop")
    draft(BIG.format(20))
    moment = datetime.now(UTC) + timedelta(days=30)
    shown = f"{moment:%Y-%m-%d %H:%M}"
    assert "is active from" in say("publish", "shop", "--at", moment.isoformat())
    assert f"schedule for {shown} UTC" in say("history")
    assert "[schedule-pending]" in say("activate", digests(say)[0], "--at", moment.isoformat(), code=1)
    assert f"does not become active at {shown}" in say("cancel", "shop")
    assert "[no-schedule]" in say("cancel", "shop", code=1)
    assert "ended" in say("history")
    say("publish", "shop", "--at", (moment - timedelta(days=31)).isoformat())
    assert [one.domain for one in activate_due(database)] == ["shop"]
    newest, *_ = json.loads(say("history", "--json"))
    assert (newest["action"], newest["active"]) == ("activate", True)


def test_a_digest_or_domain_that_is_not_on_record_is_said(say: OnFarm, draft: Callable[..., None]) -> None:
    draft(BIG.format(10))
    say("publish", "shop")
    for command in (["show", "ffff"], ["diff", "ffff", "shop"], ["activate", "ffff"], ["export", "ffff", "x"]):
        assert "no ruleset 'ffff' is on record" in say(*command, code=1)
    for command in (["history", "shap"], ["rollback", "shap"], ["cancel", "shap"]):
        assert "did you mean 'shop'?" in say(*command, code=1)


def test_a_trail_that_was_edited_is_seen(
    on: Callable[[Settings], OnFarm], say: OnFarm, draft: Callable[..., None], settings: Settings, database: Engine
) -> None:
    run = on(settings)
    draft(BIG.format(10))
    say("publish", "shop")
    whole = run("verify", "--trail")
    assert "1 publication, whole" in whole
    document = json.loads(run("verify", "--trail", "--json"))
    assert (document["publications"], document["problems"]) == (1, [])
    assert document["hash"][:12] in whole
    with database.begin() as connection:
        connection.execute(text("update publications set published_by = 'nobody'"))
    assert "is not what it was" in run("verify", "--trail", code=1)
