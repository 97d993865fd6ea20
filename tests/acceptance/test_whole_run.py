"""What `make run` runs: the whole farm on 10,000 real products, twice on the same data directory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "home"


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_product_gets_exactly_one_verdict_and_everything_stops(home: Path, time: str) -> None:
    environ = os.environ | {"RULEFARM_HOME": str(home), "RULEFARM_FLOWER_PORT": "45556"}
    done = subprocess.run(
        [sys.executable, "-m", "examples", "run"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every product has exactly one verdict" in done.stdout
    assert re.search(r"10,000 products x 1,\d\d\d rules in [\d.]+ s", done.stdout)
    assert not (home / "services.json").exists()
