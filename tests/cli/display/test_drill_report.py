"""What a drill prints: the verdict on itself, and everything by name."""

from dataclasses import replace

import pytest

from cli.display.drill_report import SHOWN, print_report
from tests.workers.drill.reports import BAD, GOOD
from workers.drill.checker import Finding
from workers.drill.report import Report


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
    assert "FAILED: not finished within 1200 s, 1 lost, 1 doubled; 1 lost, 1 open, 1 doubled" in text
    assert "a was lost" in text
    assert "2 attempts, sent 3 times, due since 9 s, leased by one@here for 4 s more, last failure time-limit" in text


def test_many_findings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    many = replace(GOOD, findings=tuple(Finding("lost", f"id-{n}", f"{n}") for n in range(SHOWN + 3)))
    assert "… and 3 more; --json has them all" in printed(many, capsys)
