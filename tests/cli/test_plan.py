"""`rulefarm plan` prints a plan of what was measured before, and refuses what it can't read before it measures."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run

CALIBRATION = ROOT / "examples" / "calibration.json"


def test_a_plan_is_json_for_a_program_and_a_page_that_stands_alone(run: Run, tmp_path: Path) -> None:
    done = run(
        "plan", "--calibration", CALIBRATION, "--orders-per-day", "2000", "--p99", "5s", "--json", "--html", "p.html"
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert re.findall(r"""(?:src|href|url|@import)\s*[=(]?\s*["']?(?:https?:)?//""", page) == []
    found = json.loads(done.stdout)
    assert found["keeps_its_times"] is True
    assert found["demand"]["p99_s"] == 5.0
    assert found["farm_usd"] > 0
    assert all(line["source"] and line["dated"] for line in found["prices"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--prices", "nowhere.toml"), "prices-unreadable"),
        (("--calibration", ROOT / "setup.cfg"), "calibration-unreadable"),
        (("--p99", "fast"), "is no length of time"),
        (("--p99", "0ms"), "is no length of time"),
        (("--deadline", "30"), "is no length of time"),
        (("--orders-per-day", "0"), "is not in the range"),
        (("--regions", "0"), "is not in the range"),
    ],
)
def test_what_can_not_be_read_is_refused_at_once(run: Run, options: tuple[object, ...], said: str) -> None:
    done = run("plan", *options)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "measuring" not in done.stdout
