"""The page on watching a farm names every metric that there is; it and that on autoscaling, commands that are taken."""

import re
import shlex
from pathlib import Path

import click
import pytest
from sqlalchemy import Engine

from cli.main import cli
from rulefarm.settings import Settings
from store.pending_work import record_run
from workers.monitoring import SignalReader
from workers.monitoring.metrics import FarmCollector

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "monitoring.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for page in (PAGE, (DOCS / "autoscaling.md").read_text(encoding="utf-8"))
    for block in re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.startswith("rulefarm ")
]


def test_the_table_has_every_metric_with_its_labels(settings: Settings, database: Engine, domain: str) -> None:
    record_run(database, sent=0, broker_lost=False)
    reader = SignalReader(settings)
    given = {}
    for family in FarmCollector(reader).collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        given[name] = ", ".join(family._labelnames)  # type: ignore[attr-defined]
    reader.close()
    rows = re.findall(r"^\| (`rulefarm_[^|]*) \| ([^|]*)\|", PAGE, re.MULTILINE)
    told = {name: labels.strip() for names, labels in rows for name in re.findall(r"`(\w+)`", names)}
    assert told == given


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_on_the_page_is_taken(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.make_context(name, arguments)


def test_there_are_commands_on_the_page() -> None:
    assert len(COMMANDS) == 3
