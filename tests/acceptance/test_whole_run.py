"""What `make run` runs: the whole farm on 10,000 real products, twice on the same data directory; and what `make look`
shows of it then."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.processes import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "home"


def environ(home: Path) -> dict[str, str]:
    return os.environ | {"RULEFARM_HOME": str(home), "RULEFARM_FLOWER_PORT": "45556", "DISPLAY": ""}


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_product_gets_exactly_one_verdict_and_everything_stops(home: Path, time: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples", "run"],
        cwd=ROOT,
        env=environ(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every product has exactly one verdict" in done.stdout
    assert re.search(r"10,000 products x 1,\d\d\d rules in [\d.]+ s", done.stdout)
    assert not (home / "services.json").exists()
    assert "'make look'" in done.stdout


def test_what_was_judged_is_shown_until_it_is_told_to_end(home: Path, tmp_path: Path) -> None:
    said = tmp_path / "look.log"
    command = [sys.executable, "-m", "examples", "look", "--port", "0"]
    with said.open("wb") as log:
        shown = subprocess.Popen(command, cwd=ROOT, env=environ(home), stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: shown.poll() is not None or "Ctrl-C" in said.read_text(), 120)
        found = re.search(r"look at (http://127\.0\.0\.1:\d+/console/)", said.read_text())
        assert found, said.read_text()
        # Nothing is judged anew, and what was is there.
        assert "products x" not in said.read_text()
        with urllib.request.urlopen(f"{found[1]}batches", timeout=60) as page:
            assert "products.parquet" in page.read().decode()
    finally:
        shown.send_signal(signal.SIGINT)
        assert shown.wait(90) == 0, said.read_text()
    assert not (home / "services.json").exists()
