"""Logs of a farm's parts, and programs for parts."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.mkdir()
    return path


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], str]:
    """Turns a program into a shell command."""

    def write(name: str, code: str) -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(code)
        return f"python {path}"

    return write
