"""The units and the Procfile on the page of servers are taken by who reads them, and their commands by rulefarm."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli.main import cli
from workers.local.supervisor import read_procfile

PAGE = (Path(__file__).parents[2] / "docs" / "servers.md").read_text(encoding="utf-8")
#: Name to content.
UNITS = dict(
    zip(
        re.findall(r"`(?:/etc/systemd/system/)?(rulefarm-[\w@]+\.service)`[^`]*(?:`[^`]*`)?[^`]*\n\n```ini", PAGE),
        re.findall(r"^```ini\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL),
        strict=True,
    )
)
(PROCFILE,) = re.findall(r"^```procfile\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def parsed(line: str) -> click.Context:
    """The arguments of a command line, as click takes them; nothing is run."""
    _, name, *arguments = shlex.split(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, line
    return command.make_context(name, arguments)


def test_the_page_has_a_unit_of_workers_and_one_of_beat() -> None:
    assert list(UNITS) == ["rulefarm-worker@.service", "rulefarm-beat.service"]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_what_is_there_and_lets_it_drain(name: str) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    # Names of systemd's have capitals.
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNITS[name])
    service = unit["Service"]
    context = parsed(service["ExecStart"].replace("%i", "pricing"))
    assert service["Restart"] == "always"
    if context.command.name == "worker":
        assert context.params["domains"] == ["pricing"] or context.params["domains"] == "pricing"
        assert (service["KillMode"], int(service["TimeoutStopSec"]) > 45) == ("mixed", True)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed here")
    paths = []
    for name, content in UNITS.items():
        path = tmp_path / name.replace("@", "@pricing")
        # What is to be started has to be there.
        path.write_text(content.replace("/opt/rulefarm/bin/rulefarm", sys.executable), encoding="utf-8")
        paths.append(path)
    done = subprocess.run([analyze, "verify", "--man=no", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_procfile_is_read_and_its_workers_have_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text(PROCFILE, encoding="utf-8")
    contexts = [parsed(line).params for line in read_procfile(path).values()]
    assert len({context["name"] for context in contexts}) == len(contexts) == 2
