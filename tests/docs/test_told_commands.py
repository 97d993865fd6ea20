"""What pages tell a reader to type and no test runs whole, for it takes minutes or other machines: it can be typed."""

import re
import shlex
from pathlib import Path

import click
import pytest

from cli.main import cli

ROOT = Path(__file__).parents[2]
#: A command in a block of shell, as far as it goes: to its end, or to what hands it on.
_TOLD = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?rulefarm ([^|;&><$\n]+)", re.MULTILINE)


def told() -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            found |= dict.fromkeys((page.name, command) for command in _TOLD.findall(block.replace("\\\n", "")))
    return list(found)


@pytest.mark.parametrize(("page", "command"), told())
def test_a_command_that_is_told_is_one_and_has_these_options(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)
    context, found = click.Context(cli), cli
    while isinstance(found, click.Group):
        below = found.get_command(context, words[0])
        assert below is not None, f"there is no {words[0]!r}"
        found, words = below, words[1:]  # type: ignore[assignment]
        context = click.Context(found, parent=context, info_name=found.name)
    # Names of options, and whether a value follows: what stands in files is for whoever has them.
    found.make_parser(context).parse_args(words)


def test_the_pages_about_regions_nodes_and_costs_tell_some() -> None:
    assert {"scaling.md", "costs.md"} <= {page for page, _ in told()}
