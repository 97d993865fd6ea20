"""The page about changing rules: its commands, run in order on its files, print what stands there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rulefarm.settings import Settings
from tests.cli.conftest import OnFarm, on, run

PAGE = Path(__file__).parents[2] / "docs" / "changing-rules.md"
#: A file that the reader writes, named in its first line; or commands, each with what it prints.
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What is another one each time.
VARYING = [
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-11-28 09:30:00"),
    (r"\S+@\S+", "anna@desk"),
    (r"up to [0-9a-f]{12}", "up to 5f0c8a7be3d1"),
]

__all__ = ["on", "run"]


def settled(text: str) -> str:
    """Without what is another one each time."""
    for pattern, one in VARYING:
        text = re.sub(pattern, one, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def written(page: str, say: OnFarm, folder: Path) -> str:
    """The page with what its commands print now."""

    def block(found: re.Match[str]) -> str:
        kind, content = found.groups()
        if kind != "console":
            name = content.splitlines()[0].split()[1]
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
            return found[0]
        shown = []
        for line in content.splitlines():
            if line.startswith("$ rulefarm "):
                arguments = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)[2:]]
                shown += [line, *settled(say(*arguments)).splitlines()]
        return "\n".join(["```console", *shown, "```"])

    return BLOCKS.sub(block, page)


@pytest.fixture
def say(on: Callable[[Settings], OnFarm], settings: Settings, database: Engine) -> OnFarm:
    """Run `rulefarm` on a fresh database."""
    return on(settings)


def test_the_commands_print_what_stands_there(say: OnFarm, tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    assert page.count("\n$ rulefarm ") > 10
    assert written(page, say, tmp_path) == page
