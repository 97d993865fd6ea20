"""The page for auditors: its commands, run in order on its files, print what stands there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from rulefarm.settings import Settings
from tests.cli.conftest import OnFarm, on, run
from tests.docs.pages_with_files import written
from tests.inline_worker import take_what_is_due, working

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"

__all__ = ["on", "run"]


def audited(page: str, on: Callable[[Settings], OnFarm], settings: Settings, database: Engine, folder: Path) -> str:
    """The page with what its commands print now; what it submits is judged at once."""
    mine = replace(settings, queue_prefix="audit")
    call = on(mine)

    def say(*arguments: str) -> str:
        printed = call(*arguments)
        if arguments[0] == "submit":
            with working(mine, database) as worker:
                take_what_is_due(worker)
        return printed

    return written(page, say, folder)


def test_the_commands_print_what_stands_there(
    on: Callable[[Settings], OnFarm], settings: Settings, database: Engine, tmp_path: Path
) -> None:
    page = PAGE.read_text("utf-8")
    assert page.count("\n$ rulefarm ") > 10
    assert audited(page, on, settings, database, tmp_path) == page
