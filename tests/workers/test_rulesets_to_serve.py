"""A worker starts with what is published, whatever became of the folder; what never was has to be fit for it."""

import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from engine import EngineError
from rulefarm.database import active_digests, publications
from rulefarm.errors import NotFound, RulefarmError, SettingsError
from rulefarm.settings import Settings
from rulesets.candidates import check_candidates, load_candidate
from rulesets.loader import SHIPPED, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from workers.rulesets_to_serve import rulesets_to_serve

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
FIELD = 'total = { kind = "number" }\n'
SCHEMA = f'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = {{ kind = "text" }}\n{FIELD}'
RULES = (
    'rule Big { when Order.total > 10 then Review("big"); }\n// the end\n'
    "rule Huge { when Order.total > 99 then Reject(); }\n"
)
CASES = (
    "as_of = 2026-01-01T00:00:00Z\n[[case]]\nname = 'big'\nfacts.Order = { total = 12 }\n"
    "outcome = 'review'\nfired = ['Big']\n"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with one domain, as its author left it."""
    root = tmp_path / "shops"
    (root / "shop").mkdir(parents=True)
    for name, content in {"domain.toml": SCHEMA, "a.grl": RULES, "cases.toml": CASES}.items():
        (root / "shop" / name).write_text(content)
    return root


@pytest.fixture
def mine(settings: Settings, shop: Path) -> Settings:
    return replace(settings, rulesets=shop)


def write(name: str, content: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_text(content)

    return damage


def folder_for_a_file(folder: Path) -> None:
    (folder / "a.grl").unlink()
    (folder / "a.grl").mkdir()


#: What becomes of a folder, and the code of the refusal to publish it for the first time; None: it is fit, and differs.
DAMAGES: list[tuple[str, Callable[[Path], None], str | None]] = [
    ("a rule is saved by half", write("a.grl", RULES[:40]), "ruleset-rejected"),
    ("saved by half between two rules", write("a.grl", "// only this\n"), "cases-failed"),
    ("an empty file beside another", write("b.grl", " \n"), "file-empty"),
    ("an empty schema", write("domain.toml", ""), "schema-rejected"),
    ("a schema without its last field", write("domain.toml", SCHEMA.replace(FIELD, "")), "ruleset-rejected"),
    ("cases saved by half", write("cases.toml", CASES[:60]), "cases-unreadable"),
    ("the rules are gone", lambda folder: (folder / "a.grl").unlink(), "ruleset-empty"),
    ("the schema is gone", lambda folder: (folder / "domain.toml").unlink(), "unknown-domain"),
    ("the domain is gone", shutil.rmtree, "unknown-domain"),
    ("the folder is gone", lambda folder: shutil.rmtree(folder.parent), "ruleset-unreadable"),
    ("a folder for a file", folder_for_a_file, "ruleset-unreadable"),
    ("a case that fails", write("a.grl", RULES.replace("> 10", "> 20")), "cases-failed"),
    ("an edit that is in order", write("a.grl", RULES.replace("> 99", "> 98")), None),
]


@pytest.mark.parametrize(("damage", "code"), [one[1:] for one in DAMAGES], ids=[one[0] for one in DAMAGES])
def test_what_is_published_is_served_whatever_becomes_of_the_folder_and_what_is_not_is_refused(
    mine: Settings,
    database: Engine,
    shop: Path,
    damage: Callable[[Path], None],
    code: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    untouched = load_domain(shop, "shop")
    damage(shop / "shop")
    if code is not None:
        with pytest.raises((EngineError, RulefarmError)) as refused:
            rulesets_to_serve(database, mine, ["shop"], has_facts=False)
        assert refused.value.code == code  # type: ignore[attr-defined]
        assert active_digests(database) == {}
    publish(database, [RulesetSnapshot.of(untouched)])
    caplog.clear()
    for domains in (["shop"], []):
        served = rulesets_to_serve(database, mine, domains, has_facts=False).by_domain
        assert {name: one.digest for name, one in served.items()} == {"shop": untouched.digest}
        assert served["shop"].program.evaluate({"Order": {"total": 12}}, as_of=AS_OF).fired == ["Big"]
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    # Neither cases nor a file of nothing make another ruleset.
    assert len(said) == (0 if code in ("cases-unreadable", "file-empty") else 2)
    assert all(f"shop: judged by {untouched.digest[:12]}, which is published; what is in" in line for line in said)


def test_a_domain_is_published_by_the_first_worker_and_comments_are_no_edit(
    mine: Settings, database: Engine, shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    digest = load_domain(shop, "shop").digest
    for _ in range(2):
        assert rulesets_to_serve(database, mine, [], has_facts=False).by_domain["shop"].digest == digest
    (shop / "shop" / "a.grl").write_text(RULES.replace("the end", "that was all"))
    rulesets_to_serve(database, mine, [], has_facts=False)
    assert caplog.records == []
    with database.connect() as connection:
        [row] = connection.execute(select(publications))
    assert (row.domain, row.digest, row.published_by.split("@")[0]) == ("shop", digest, "worker")


def test_whoever_publishes_first_is_right_and_the_other_worker_follows(
    mine: Settings, database: Engine, shop: Path
) -> None:
    first = load_candidate(shop, "shop").ruleset
    (shop / "shop" / "a.grl").write_text(RULES.replace("> 99", "> 98"))
    other = load_candidate(shop, "shop").ruleset
    # Both have seen that nothing is published, and neither knows of the other.
    assert publish(database, [RulesetSnapshot.of(first)], only_first=True) == ["shop"]
    assert publish(database, [RulesetSnapshot.of(other)], only_first=True) == []
    assert rulesets_to_serve(database, mine, ["shop"], has_facts=False).by_domain["shop"].digest == first.digest


def test_without_a_folder_of_ones_own_all_that_is_published_is_served(
    settings: Settings, database: Engine, shop: Path
) -> None:
    publish(database, [RulesetSnapshot.of(load_domain(shop, "shop"))])
    assert list(rulesets_to_serve(database, settings, [], has_facts=False).by_domain) == ["shop"]
    with pytest.raises(NotFound, match="there is no domain 'shopp'"):
        rulesets_to_serve(database, settings, ["shopp"], has_facts=False)


def test_files_that_are_saved_while_they_are_checked_do_not_go_live(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved_meanwhile(*arguments: object) -> list[object]:
        (shop / "shop" / "b.grl").write_text("rule Later { when Order.total > 5 then Accept(); }\n")
        return []

    monkeypatch.setattr("rulesets.candidates.run_cases", saved_meanwhile)
    found = check_candidates(shop, ["shop"])
    assert (found.fit, found.refused["shop"].code) == ({}, "files-changed")
    assert list(check_candidates(shop, ["shop"]).fit) == ["shop"]


def test_domains_that_feed_each_other_do_not_go_live_together(shop: Path) -> None:
    rules = {
        "reads": "rule R { when Order.flag == 1 then Reject(); }",
        "writes": "rule W { when Order.total > 5 then Order.flag = 1; }",
    }
    for name, rule in rules.items():
        shutil.copytree(shop / "shop", shop / name)
        (shop / name / "cases.toml").unlink()
        schema = SCHEMA + 'flag = { kind = "number", derived = true }\n'
        (shop / name / "domain.toml").write_text(schema)
        (shop / name / "a.grl").write_text(rule)
    found = check_candidates(shop, ["reads", "writes"])
    assert {name: error.code for name, error in found.refused.items()} == dict.fromkeys(rules, "domains-collide")
    assert found.fit == {}


def test_a_worker_that_cannot_match_patterns_says_what_to_install(
    settings: Settings, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, [RulesetSnapshot.of(load_domain(SHIPPED, "fraud"))])
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)
    with pytest.raises(SettingsError, match="durable_rules_engine is not installed") as caught:
        rulesets_to_serve(database, settings, ["fraud"], has_facts=True)
    assert caught.value.hint == "install rulefarm-server with its extra: rulefarm-server[patterns]"
