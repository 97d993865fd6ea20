"""Run the real command, as a process, and look at what a user sees."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `rulefarm` in an empty directory, with nothing set but what is given; it may never hang."""

    def call(*arguments: object, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        done = subprocess.run(
            [Path(sys.executable).parent / "rulefarm", *(str(argument) for argument in arguments)],
            cwd=tmp_path,
            env=kept | environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call
