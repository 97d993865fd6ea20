"""Ctrl-C ends a command quietly, in whatever it is while it loads, runs or waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rulefarm.settings import Settings
from tests.cli.conftest import ROOT
from tests.commands import environment

#: Sends itself what Ctrl-C sends, the first time that it comes to `where`, and then starts the command.
PROGRAM = """
import os, signal, sys
where, sys.argv = sys.argv[1], ["rulefarm", *sys.argv[2:]]

class Interrupted:
    def find_spec(self, name, *_):
        if name == where:
            interrupt()

def interrupt():
    global where
    where = None
    os.kill(os.getpid(), signal.SIGINT)

def heard(event, arguments):
    if where and event == "open" and str(arguments[0]).endswith(where):
        interrupt()

sys.meta_path.insert(0, Interrupted())
sys.addaudithook(heard)
from cli.start import main
main()
"""


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        # The program itself, a library, the command's own module, what it imports, what it reads, what it prints.
        ("cli.main", "--version"),
        ("click", "status"),
        ("cli.rules", "rules check"),
        ("polars", "eval pricing nowhere.json"),
        ("celery", "up"),
        ("pricing/domain.toml", "rules check pricing"),
    ],
)
def test_an_interrupt_leaves_no_traceback(tmp_path: Path, where: str, arguments: str) -> None:
    done = interrupted(tmp_path, where, arguments)
    assert (done.returncode, done.stderr) == (130, "")


def interrupted(folder: Path, where: str, arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, where, *arguments.split()]
    environ = {"PYTHONPATH": f"{ROOT / 'client'}:{ROOT}", "HOME": str(folder), "PATH": os.environ["PATH"], **more}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("where", ["Procfile", "services.json"])
def test_an_interrupt_right_after_up_leaves_no_traceback(tmp_path: Path, settings: Settings, where: str) -> None:
    (tmp_path / "Procfile").write_text("part: sleep 600\n")
    environ = environment(settings) | {"RULEFARM_HOME": str(tmp_path / "rulefarm-home")}
    ours = {name: value for name, value in environ.items() if name.startswith("RULEFARM_")}
    done = interrupted(tmp_path, where, "up --procfile Procfile", **ours)
    assert (done.returncode, done.stderr) == (130, "")


def test_nothing_is_collected_while_a_command_is_loaded_and_all_that_it_makes_later() -> None:
    program = """
import gc, sys
sys.argv = ["rulefarm", "rules", "check", "nowhere"]
collected = []
gc.callbacks.append(lambda phase, info: collected.append("cli.rules" in sys.modules))
from cli.start import main
collected.clear()
try:
    main()
finally:
    assert gc.isenabled() and gc.get_freeze_count() > 10_000, (gc.isenabled(), gc.get_freeze_count())
    assert False not in collected
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
