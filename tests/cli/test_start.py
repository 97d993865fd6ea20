"""Ctrl-C ends a command quietly, in whatever it is while it loads, runs or waits."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT

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
        ("examples/products.csv", f"eval pricing {ROOT}/examples/products.csv"),
    ],
)
def test_an_interrupt_leaves_no_traceback(tmp_path: Path, where: str, arguments: str) -> None:
    command = [sys.executable, "-c", PROGRAM, where, *arguments.split()]
    environ = {"PYTHONPATH": f"{ROOT / 'client'}:{ROOT}", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stderr) == (130, "")
