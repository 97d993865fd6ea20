"""What a drill says: the verdict on itself, and everything by name."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.display.drill_report import SHOWN, print_report
from workers.drill.checker import Finding
from workers.drill.impact import FaultImpact
from workers.drill.plan import Options
from workers.drill.report import Report

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROW: dict[str, Any] = {
    "attempts": 2,
    "rings": 3,
    "ring_at": NOW - timedelta(seconds=9),
    "lease_until": NOW + timedelta(seconds=4),
    "worker": "one@here",
    "code": "time-limit",
    "now": NOW,
}
GOOD = Report(
    options=Options(jobs=20_000),
    finished_s=251.2,
    jobs=20_040,
    rows=15_000,
    poison=15,
    malformed=28,
    refused=27,
    borne=(
        FaultImpact("child", "two, process 4711 of its pool", 8.0, 80.4, 60.1, 1234.5, 0.1, 1.26),
        FaultImpact("wipe", "[3] messages", 20.0, 80.0, 0.0, 90.0, None, None),
    ),
    findings=(),
    open=(),
)
BAD = replace(
    GOOD,
    finished_s=None,
    findings=(
        Finding("lost", "id-1", "a was lost"),
        Finding("open", "id-1", "a is open"),
        Finding("doubled", "id-2", "b"),
    ),
    open=(("job", "id-1", ROW),),
)


def printed(report: Report, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_report(report)
    return capsys.readouterr().out.splitlines()


def test_a_drill_that_found_nothing_has_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert (GOOD.passed, GOOD.lost, GOOD.doubled) == (True, 0, 0)
    lines = printed(GOOD, capsys)
    assert lines[-1] == "PASSED: finished after 251.2 s, 0 lost, 0 doubled; no finding"
    assert "20,040 jobs and 15,000 rows of 3 batches were accepted, 15 of them poison" in lines
    assert "28 malformed messages were sent, 27 are on record as refused" in lines
    [child] = [line.split() for line in lines if "4711" in line]
    assert child[:2] == ["8.0", "child"]
    assert child[-5:] == ["80", "60", "1,234", "0.1", "1.3"]
    [wipe] = [line for line in lines if "[3] messages" in line]
    assert wipe.split()[-2:] == ["never", "never"]


def test_a_drill_that_found_something_says_what_by_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert (BAD.passed, BAD.lost, BAD.doubled) == (False, 1, 1)
    text = "\n".join(printed(BAD, capsys))
    assert "FAILED: not finished within 600 s, 1 lost, 1 doubled; 1 lost, 1 open, 1 doubled" in text
    assert "a was lost" in text
    assert "2 attempts, rung 3 times, due since 9 s, leased by one@here for 4 s more, last failure time-limit" in text


def test_many_findings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    many = replace(GOOD, findings=tuple(Finding("lost", f"id-{n}", f"{n}") for n in range(SHOWN + 3)))
    assert "… and 3 more; --json has them all" in printed(many, capsys)


@pytest.mark.parametrize(
    "flaw", [{"finished_s": None}, {"findings": BAD.findings}, {"open": BAD.open}], ids=["late", "findings", "open"]
)
def test_one_flaw_is_enough(flaw: dict[str, Any]) -> None:
    assert not replace(GOOD, **flaw).passed


def test_a_program_gets_all_of_it() -> None:
    document = json.loads(json.dumps(BAD.to_json(), default=str))
    assert document["passed"] is False
    assert document["open"][0]["id"] == "id-1"
    assert document["findings"][2]["code"] == "doubled"
    assert document["borne"][1]["closed_s"] is None
