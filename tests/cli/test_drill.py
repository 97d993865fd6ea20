"""`rulefarm drill` refuses what it can't do before it starts anything."""

import re
from pathlib import Path

from tests.cli.conftest import Run
from workers.drill.faults import FAULTS


def test_an_unknown_fault_is_named_with_the_known_ones(run: Run) -> None:
    done = run("drill", "--faults", "child,bear")
    assert done.returncode == 1
    assert "no fault 'bear'" in done.stderr
    assert all(name in done.stderr for name in FAULTS)


def test_a_folder_with_something_in_it_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").touch()
    done = run("drill", "--home", tmp_path / "home")
    assert done.returncode == 1
    assert "home-not-empty" in done.stderr
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


def test_the_help_names_every_fault(run: Run) -> None:
    text = run("drill", "--help").stdout
    # A line may break after a hyphen.
    assert all(name in re.sub(r"-\s+", "-", text) for name in FAULTS)
