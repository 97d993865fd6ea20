"""The page about the cases of a domain: run where its folder is, told of whatever they are called or come to."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.cli.test_hostile_text import RULE, SCHEMA
from tests.gateway.client import Client, running_gateway
from tests.gateway.console.test_rule_pages import EVIL, SHOWN, shown, text_of
from tests.processes import until


@pytest.fixture
def folder(gateway_database: Engine, tmp_path: Path) -> Path:
    """Of a domain that is published, with a rule that no case fires."""
    made = tmp_path / "shop"
    made.mkdir()
    (made / "domain.toml").write_text(SCHEMA)
    (made / "shop.grl").write_text(RULE)
    publish(gateway_database, [RulesetSnapshot.of(load_domain(tmp_path, "shop"))])
    return made


def told(client: Client, domain: str) -> str:
    """What the page says once the cases were run."""
    path = f"/console/rules/{domain}/coverage"
    return text_of(shown(until(lambda: "being run" not in (found := client.get(path)).text and found)))


def test_the_cases_are_run_where_the_folder_is(client: Client, folder: Path) -> None:
    assert "cases are not on record" in told(client, folder.name)
    # The folder of this host is not what was published for these tests.
    text = told(client, "fraud")
    assert "which is not the one that judges now" in text
    assert re.search(r"cases \d+ failed 0 rules fired \d+ of \d+", text)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ('outcome = "reject"\nfired = []\n[case.facts.Order]\ntotal = 1', ("Cases that failed", "Big 0")),
        ("fired = 7", ("is not in order", "cases-malformed")),
    ],
    ids=["fails", "is unfit"],
)
def test_what_came_of_cases_is_told_whatever_they_are_called(
    gateway_settings: Settings, folder: Path, case: str, said: tuple[str, ...]
) -> None:
    begins = f"as_of = {datetime.now(UTC).isoformat()}\n[[case]]\nname = {json.dumps(EVIL)}\n"
    (folder / "cases.toml").write_text(begins + case)
    with running_gateway(replace(gateway_settings, rulesets=folder.parent)) as client:
        text = told(client, folder.name)
    assert [part for part in (*said, SHOWN) if part not in text] == []
