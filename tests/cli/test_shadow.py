"""`rulefarm rules shadow`: a draft begins, what it found is shown, and it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rulefarm.settings import Settings
from store.ruleset_versions import source_of
from store.shadows import Shadow, ShadowFindings, record_findings
from tests.cli.conftest import OnFarm

SCHEMA = 'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = { kind = "text" }\ntotal = { kind = "number" }\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a draft."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "domain.toml").write_text(SCHEMA)
    (folder / "a.grl").write_text('rule Big { when Order.total > 10 then Reject("over 10"); }\n')
    return folder


def test_a_draft_begins_is_shown_and_ends(
    on: Callable[[Settings], OnFarm], settings: Settings, database: Engine, shop: Path
) -> None:
    say = on(settings)
    assert say("rules", "shadow", "show") == "no draft judges beside an active ruleset\n"
    begun = json.loads(say("rules", "shadow", "--draft", shop, "--share", "100%", "--json"))
    assert (begun["domain"], begun["share"]) == ("shop", 1.0)
    # On record, and not active: it judges nothing but in the shadow.
    assert source_of(database, "shop", begun["digest"])
    found = ShadowFindings(judged=3, differing=2, failed=1, code="time-limit", reason="judging by it took too long")
    example = {"job": "x", "subject": "4711\x1b[31m", "active": "accept", "draft": "reject", "reasons": ["over 10"]}
    found.add("Big", "draft", example)
    found.add("Big", "draft", example | {"subject": "later"})
    for _ in range(2):
        record_findings(database, Shadow("shop", begun["digest"], 1.0), found)
    # Of what is over, or another's, nothing is counted.
    record_findings(database, Shadow("shop", "f" * 64, 1.0), found)
    shown = say("rules", "shadow", "show", "shop")
    assert "judges, 100 % of the jobs\njudged 6 jobs, 4 otherwise; failed 2 times [time-limit]: judging" in shown
    assert "Big\tonly now\t4\t4711\\x1b[31m\taccept -> reject\tover 10" in shown
    [row] = json.loads(say("rules", "shadow", "show", "--json"))
    assert (row["running"], row["differences"][0]["jobs"], row["differences"][0]["example"]["job"]) == (True, 4, "x")
    say("rules", "shadow", "stop", "shop")
    assert "no-shadow" in say("rules", "shadow", "stop", "shop", code=1)
    assert "shop: " + begun["digest"][:12] + " is over" in say("rules", "shadow", "show")
    # By its digest, now that it is on record; what the one before found is gone.
    again = say("rules", "shadow", begun["digest"][:8], "--until", "2000-01-01T00:00+00:00")
    assert "judges 10 % of the jobs" in again
    assert "is over, 10 % of the jobs\njudged 0 jobs" in say("rules", "shadow", "show")


def test_what_is_no_draft_is_refused(
    on: Callable[[Settings], OnFarm], settings: Settings, database: Engine, shop: Path
) -> None:
    for name, rules in (("broken", "rule Big {"), ("failing", (shop / "a.grl").read_text())):
        (shop.parent / name).mkdir()
        (shop.parent / name / "domain.toml").write_text(SCHEMA)
        (shop.parent / name / "a.grl").write_text(rules)
    (shop.parent / "failing" / "cases.toml").write_text(
        '[[case]]\nname = "no"\nfacts = { Order = { id = "a", total = 15 } }\noutcome = "accept"\n'
    )
    say = on(settings)
    for arguments, code, said in (
        (["abc", "--draft", "shop"], 2, "DIGEST"),
        (["--draft", "shop", "--share", "0%"], 2, "share"),
        (["--draft", "nowhere"], 2, "not the folder of one domain"),
        (["abc"], 1, "no-such-ruleset"),
        (["--draft", "broken"], 1, "a.grl:1"),
        (["--draft", "failing"], 1, "cases"),
    ):
        assert said in say("rules", "shadow", *arguments, code=code)
    assert say("rules", "shadow", "show") == "no draft judges beside an active ruleset\n"
