"""Every command explains itself, and the README names it."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, cli
from tests.cli.conftest import ROOT, Run


def commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []

    def walk(prefix: str, command: click.Command) -> None:
        found.append((prefix, command))
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                walk(f"{prefix} {name}", child)

    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        walk(name, command)
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_has_help_and_so_has_every_option(name: str, command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"rulefarm {name}: {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_documentation_names_every_command(name: str) -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(f"rulefarm {name}" in Path(page).read_text(encoding="utf-8") for page in pages)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_needs_no_environment(run: Run, name: str) -> None:
    done = run(*([name] if name else []), "--help")
    assert done.returncode == 0
    assert "Usage: rulefarm" in done.stdout


def test_the_list_of_commands_is_read_without_loading_them() -> None:
    script = "import sys; from cli.main import cli; cli(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    *page, loaded = done.stdout.splitlines()
    assert [line.split()[0] for line in page[page.index("Commands:") + 1 :]] == list(COMMANDS)
    assert not {"celery", "sqlalchemy", "numpy", "rich"} & set(loaded.split())


def test_the_old_name_of_a_command_works_and_says_the_new_one(run: Run) -> None:
    done = run("dead", "--help")
    assert done.returncode == 0
    assert "Usage: rulefarm dead [OPTIONS]" in done.stdout
    assert "now 'rulefarm dead-letters'" in done.stdout
    assert "now 'rulefarm" not in run("dead-letters", "--help").stdout
    done = run("dead", "list", "--limit", "0")
    assert (done.returncode, "The command 'dead' is deprecated" in done.stderr) == (2, True)


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout.startswith("rulefarm, version ")


def test_an_unknown_command_gets_a_usage_error(run: Run) -> None:
    done = run("sbumit")
    assert done.returncode == 2
    assert "No such command 'sbumit'. Did you mean 'submit'?" in done.stderr
    assert "Did you mean 'check'?" in run("rules", "chekc").stderr
    assert "Did you mean 'list'?" in run("batch", "lst").stderr
    assert "Did you mean" not in run("xyzzy").stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_asks_this_command(run: Run, shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert f"_RULEFARM_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("rulefarm verd", "verdicts"),
        ("rulefarm rules ch", "check"),
        ("rulefarm eval pri", "pricing"),
        ("rulefarm submit pay", "payment"),
        ("rulefarm batch run pri", "pricing"),
        ("rulefarm rules test pro", "promotion"),
        ("rulefarm verdicts --domain pri", "pricing"),
        ("rulefarm jobs list --domain pri", "pricing"),
        ("rulefarm eval zz", ""),
    ],
)
def test_commands_and_domains_are_completed(run: Run, typed: str, completed: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    done = run(**words, _RULEFARM_COMPLETE="bash_complete")
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == [completed]
