"""The page about changing rules: its commands, run in order on its files, print what stands there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rulefarm.settings import Settings
from tests.cli.conftest import OnFarm, on, run
from tests.docs.pages_with_files import written

PAGE = Path(__file__).parents[2] / "docs" / "changing-rules.md"

__all__ = ["on", "run"]


@pytest.fixture
def say(on: Callable[[Settings], OnFarm], settings: Settings, database: Engine) -> OnFarm:
    """Run `rulefarm` on a fresh database."""
    return on(settings)


def test_the_commands_print_what_stands_there(say: OnFarm, tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    assert page.count("\n$ rulefarm ") > 10
    assert written(page, say, tmp_path) == page
