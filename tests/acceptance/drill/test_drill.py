"""A short drill: every fault once, on the farm as it is."""

from tests.acceptance.drill.conftest import Drill
from workers.drill.faults import FAULTS
from workers.drill.plan import Options


def test_a_farm_that_is_hurt_in_every_way_loses_nothing_and_doubles_nothing(drill: Drill) -> None:
    report = drill(Options(jobs=300, faults=tuple(FAULTS), seed=7, deadline_s=300))
    assert report.findings == ()
    assert report.open == ()
    assert report.passed
    assert (report.lost, report.doubled) == (0, 0)
    assert {impact.fault for impact in report.impacts} == set(FAULTS)
    # Of every kind two jobs and a row; and one among many.
    assert report.poison == 10
    assert report.jobs > 300
    assert report.rows == 3 * 75
    assert report.to_json()["passed"] is True
