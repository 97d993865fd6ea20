"""Farms that are broken on purpose: a drill must say so. A drill that finds nothing proves nothing."""

from tests.acceptance.drill.conftest import Drill
from tests.acceptance.drill.no_unique_key import migrate
from workers.drill.plan import Options

BEAT = {"beat": "rulefarm beat"}


def worker(module: str, processes: int) -> dict[str, str]:
    """A worker whose store is another."""
    command = f"python -m tests.acceptance.drill.{module} worker"
    return {
        "one": f"{command} one interactive {processes},{processes}",
        "bulk-one": f"{command} bulk-one bulk {processes},{processes}",
    }


def test_a_farm_that_closes_jobs_before_their_verdicts_are_stored(drill: Drill) -> None:
    # More than four processes get done, so that whoever is killed is at work.
    options = Options(jobs=240, batches=0, faults=("worker", "child"), seed=1, deadline_s=120)
    report = drill(options, parts=worker("acks_early", 2) | BEAT)
    assert not report.passed
    assert report.lost > 0
    assert {finding.code for finding in report.findings} == {"lost"}
    # It looks as if all were well: nothing is open.
    assert report.open == ()


def test_a_farm_whose_verdicts_have_no_key(drill: Drill) -> None:
    options = Options(jobs=60, batches=0, faults=("twice",), seed=1, deadline_s=120)
    report = drill(options, parts=worker("no_unique_key", 1) | BEAT, migrate=migrate)
    assert not report.passed
    assert report.doubled > 0
    assert {finding.code for finding in report.findings} == {"doubled"}
    assert report.lost == 0


def test_a_farm_without_a_reconciler(drill: Drill) -> None:
    options = Options(jobs=120, batches=0, faults=("wipe",), seed=1, deadline_s=15)
    report = drill(options, parts=worker("slow", 1))
    assert report.finished_s is None
    assert not report.passed
    assert {finding.code for finding in report.findings} == {"lost", "open"}
    # What is still open is named, with its state.
    assert {identity for kind, identity, _ in report.open} == {finding.id for finding in report.findings}
    assert all(row["attempts"] == 0 for _, _, row in report.open)
