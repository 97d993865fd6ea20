"""`rulefarm up` publishes what was edited and is in order; it says what is not, and judges as before."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cli.up import _domains, prepare_database
from engine import RulesetRejected
from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulefarm.settings import Settings
from rulesets.folders import RulesetUnreadable
from rulesets.loader import load_domain
from tests.commands import RULESETS


@pytest.fixture
def mine(settings: Settings, tmp_path: Path) -> Settings:
    """A farm with a folder of two domains."""
    shutil.copytree(RULESETS, tmp_path / "shops")
    return replace(settings, rulesets=tmp_path / "shops")


def edit(root: Path, domain: str) -> str:
    """An edit of a domain that is in order; gives its digest."""
    [rules] = (root / domain).glob("*.grl")
    rules.write_text(f"{rules.read_text()}\nrule Edited {{ when 1 == 2 then Reject(); }}\n")
    return load_domain(root, domain).digest


def test_what_is_in_order_goes_live_and_the_rest_is_kept_and_said(
    mine: Settings, database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    root = mine.rulesets or Path()
    prepare_database(mine)
    # Their first workers publish them.
    assert active_digests(database) == {}
    prepare_database(mine, every=True)
    before = active_digests(database)
    assert set(before) == {"payment", "pricing"}
    prepare_database(mine, every=True)
    assert capsys.readouterr().out.count("published") == 2
    (root / "payment" / "payment.grl").write_text('rule "Big" "a big or')
    edited = edit(root, "pricing")
    prepare_database(mine)
    assert active_digests(database) == {"payment": before["payment"], "pricing": edited}
    printed = capsys.readouterr()
    assert printed.out == f"pricing: published {edited[:12]}\n"
    assert "payment.grl:1:12:" in printed.err
    assert "payment: not published; the farm judges by what was published before" in printed.err
    assert _domains(mine) == ["payment", "pricing"]


def test_a_folder_that_is_gone_changes_nothing_and_the_farm_serves_what_is_published(
    mine: Settings, database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    root = mine.rulesets or Path()
    prepare_database(mine, every=True)
    before = active_digests(database)
    shutil.rmtree(root / "payment")
    prepare_database(mine, every=True)
    assert _domains(mine) == ["payment", "pricing"]
    shutil.rmtree(root / "pricing")
    prepare_database(mine, every=True)
    assert "no domain in" in capsys.readouterr().err
    shutil.rmtree(root)
    prepare_database(mine, every=True)
    assert "can't read" in capsys.readouterr().err
    assert _domains(mine) == ["payment", "pricing"]
    assert active_digests(database) == before


def test_with_nothing_published_a_folder_that_is_not_in_order_is_refused(mine: Settings, database: Engine) -> None:
    root = mine.rulesets or Path()
    (root / "payment" / "payment.grl").write_text('rule "Big" "a big or')
    with pytest.raises(RulesetRejected):
        prepare_database(mine, every=True)
    shutil.rmtree(root / "payment")
    shutil.rmtree(root / "pricing")
    with pytest.raises(NotFound, match="no domain in"):
        prepare_database(mine, every=True)
    shutil.rmtree(root)
    with pytest.raises(RulesetUnreadable):
        prepare_database(mine, every=True)
    assert active_digests(database) == {}
