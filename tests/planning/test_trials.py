"""A real farm is calibrated, runs, and is predicted; how near the times are is asked of `plan --check`, not here."""

import math
import os
from pathlib import Path

import pytest

from cli.up import migrate_tables
from planning.calibrating import Pains
from planning.calibration import read_calibration
from planning.trial_farm import DOMAIN, TrialFailed, trial_farm
from planning.trials import TrialSize, run_trials
from rulefarm.routing import queue_name

# The system counts the CPU of a process in hundredths of a second: what is worked off takes several of them.
PAINS = Pains(records=20, rows=500, alone=40, backlog=900, batch=200, messages=6)
SIZE = TrialSize(light_rate=4.0, length_s=1.0, backlog=130, look=10, asked=2)


@pytest.mark.services
def test_a_farm_is_measured_and_its_runs_are_predicted(
    real_services: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RULEFARM_")}
    with trial_farm(migrate_tables, inherited) as farm:
        costs, compared = run_trials(farm, steps.append, SIZE, PAINS)
        assert farm.number("select count(*) from jobs where state <> 'done'") == 0
        # A worker that takes nothing any more is not waited for without end.
        with farm.paused(), monkeypatch.context() as hasty:
            hasty.setattr("planning.trial_farm._PATIENCE_S", 0.1)
            # The first goes to the worker, which had asked for one before it was stopped.
            farm._redis.lpush(queue_name(DOMAIN, bulk=False), "one", "another")
            with pytest.raises(TrialFailed, match="messages wait"):
                farm.wait_until_idle()
    assert "a run: after an outage" in steps
    (tmp_path / "costs.json").write_text(costs.to_text())
    assert read_calibration(tmp_path / "costs.json") == costs
    # A verdict is on disk, a process in memory.
    assert min(costs.job_s, costs.alone_s, costs.submit_s, costs.record_s, costs.row_s, costs.busy_cores) > 0
    assert 500 < costs.verdict_bytes < 20_000
    assert 1e6 < costs.process_bytes < 1e9
    figures = {(one.run, one.figure): one for one in compared}
    assert {run for run, _ in figures} == {"light", "near saturation", "after an outage"}
    assert ("after an outage", "drain") in figures
    assert len(figures) == 3 * 3 + 1
    for one in compared:
        assert math.isfinite(one.off)
        assert one.predicted > 0 < one.measured
        assert one.most >= 1.15
