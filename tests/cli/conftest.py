"""Run the command, as a process, and look at what a user sees."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rulefarm.settings import Settings
from tests.cli.forked import run_forked
from tests.commands import environment

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
#: Runs a command that must end with `code` (0); gives what it printed, with the errors if there must be one.
OnFarm = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `rulefarm` in an empty directory, with nothing set but what is given; it may never hang."""

    def call(*arguments: object, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        done = run_forked(
            [str(argument) for argument in arguments], cwd=tmp_path, env=kept | environ, stdin=stdin, timeout_s=60
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call


def settings_only(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, and nothing else."""
    return {name: text for name, text in environment(settings).items() if name.startswith("RULEFARM_")}


@pytest.fixture
def on(run: Run) -> Callable[[Settings], OnFarm]:
    """Run commands with given settings."""

    def choose(settings: Settings) -> OnFarm:
        def call(*arguments: object, stdin: str = "", code: int = 0, **environ: str) -> str:
            done = run(*arguments, stdin=stdin, **(settings_only(settings) | environ))
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout + (done.stderr if code else "")

        return call

    return choose


@pytest.fixture
def on_farm(on: Callable[[Settings], OnFarm], running_farm: Settings) -> OnFarm:
    """Run commands on the farm that runs."""
    return on(running_farm)
