"""A worker's file says whether it is alive, and to look at it costs next to nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rulefarm.settings import Settings
from tests.cli.conftest import ROOT
from tests.processes import until
from workers.alive import FOLDER, SILENT_S, silent
from workers.heartbeat import BEAT_S, Heartbeat

#: What the answer must not cost: a second of CPU each time that an orchestrator asks.
DEAR = {"celery", "kombu", "sqlalchemy", "click", "rich", "rulefarm", "engine", "store", "tasks", "redis", "psycopg2"}
#: Of Python's own, what would take as long as all the rest.
HEAVY = {"logging", "pathlib", "typing", "re", "traceback"}


def aged(home: Path, **ages: float) -> None:
    """Files that were touched so many seconds before the instant 1,000,000."""
    (home / FOLDER).mkdir(parents=True)
    for name, age in ages.items():
        (home / FOLDER / name).touch()
        os.utime(home / FOLDER / name, (1_000_000 - age,) * 2)


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ({}, "[no-heartbeat]"),
        ({"payment": 0.0}, None),
        ({"payment": SILENT_S, "pricing": 0.0}, None),
        ({"payment": SILENT_S + 1, "pricing": 0.0}, "no sign of life from 'payment' for 61 s"),
        ({"payment": 3600.0, "pricing": 90.0}, "'payment' for 3600 s, 'pricing' for 90 s"),
        # The clock was set back: the living touch theirs again, and the dead do not.
        ({"payment": -3600.0}, "[heartbeat-late]"),
    ],
    ids=["none", "one", "just in time", "one of two", "both", "of the future"],
)
def test_whose_file_is_old_is_named(tmp_path: Path, ages: dict[str, float], said: str | None) -> None:
    aged(tmp_path, **ages)
    found = silent(str(tmp_path), now=1_000_000)
    assert (found is None) if said is None else (said in str(found))


def test_a_name_out_of_the_file_system_is_shown_escaped(tmp_path: Path) -> None:
    aged(tmp_path, **{"\x1b[31mred": 100.0})
    assert "\x1b" not in str(silent(str(tmp_path), now=1_000_000))


def test_a_heart_touches_its_file_and_removes_it(tmp_path: Path) -> None:
    heartbeat, path = Heartbeat(tmp_path, "payment@here"), tmp_path / FOLDER / "payment@here"
    heartbeat.beat()
    os.utime(path, (0, 0))
    heartbeat.beat()
    assert path.stat().st_mtime == 0, f"two touches within {BEAT_S:g} s are one too many"
    until(lambda: heartbeat.beat() or path.stat().st_mtime > 0)
    heartbeat.end()
    heartbeat.end()
    assert silent(str(tmp_path)) is not None


def test_a_folder_that_cannot_be_written_stops_no_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FOLDER).write_text("a file")
    heartbeat = Heartbeat(tmp_path, "payment@here")
    heartbeat.beat()
    until(lambda: heartbeat.beat() or heartbeat._touched_at > 0)
    heartbeat.end()
    assert [record.getMessage().partition(" not see ")[2][:12] for record in caplog.records] == ["this process", ""]


def alive(home: Path | None, **environ: str) -> tuple[int, str, set[str]]:
    """Exit code of the console's command, what it says, and the packages that it loads."""
    program = (
        "import sys, atexit; sys.argv = ['rulefarm', 'alive']; atexit.register(lambda: print(*sys.modules));"
        "from cli.start import main; main()"
    )
    given = {"PYTHONPATH": f"{ROOT / 'client'}:{ROOT}", "PATH": os.environ["PATH"], **environ}
    if home is not None:
        given["RULEFARM_HOME"] = str(home)
    # Without what an environment has loaded before anything begins, as an editable installation does.
    done = subprocess.run([sys.executable, "-S", "-c", program], env=given, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, {name.partition(".")[0] for name in done.stdout.split()}


def test_the_command_loads_nothing_dear(tmp_path: Path) -> None:
    code, said, loaded = alive(tmp_path)
    assert (code, said) == (1, f"rulefarm: no worker runs in '{tmp_path}' [no-heartbeat]\n")
    assert loaded & (DEAR | HEAVY) == set()
    assert "workers" in loaded
    Heartbeat(tmp_path, "payment@here").beat()
    assert alive(tmp_path)[:2] == (0, "")


@pytest.mark.parametrize("home", ["", "somewhere", "~/farm"])
def test_the_home_is_the_one_of_every_other_command(tmp_path: Path, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = Settings.from_env({"RULEFARM_HOME": home}).home
    Heartbeat(expected, "payment@here").beat()
    assert alive(None, RULEFARM_HOME=home, HOME=str(tmp_path))[0] == 0
