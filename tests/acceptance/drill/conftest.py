"""Drills of a test: a folder each, and the findings in the message when one fails."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cli.up import migrate_tables
from workers.drill.drill import PARTS, run_drill
from workers.drill.plan import Options
from workers.drill.report import Report
from workers.local import Migrate

Drill = Callable[..., Report]


@pytest.fixture
def drill(real_services: None, tmp_path: Path) -> Drill:
    def run(options: Options, *, parts: Mapping[str, str] = PARTS, migrate: Migrate = migrate_tables) -> Report:
        def on_progress(at: float | None, line: str) -> None:
            print(f"{'' if at is None else f'{at:.1f} s':>8}  {line}")

        return run_drill(options, tmp_path, migrate, environ=os.environ, on_progress=on_progress, parts=parts)

    return run
