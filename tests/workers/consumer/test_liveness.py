"""A worker that takes nothing though it could ends itself and is started again; any other is left alone."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from rulefarm.database import connect
from rulefarm.farm import Farm
from rulefarm.routing import CONTROL_QUEUE, queue_name
from rulefarm.settings import Settings
from store.migrate import migrate
from tests.commands import RULESETS
from tests.processes import python, until
from workers.consumer import EXIT_AGAIN, liveness
from workers.consumer.liveness import LOOKS, Snapshot, StallDetector
from workers.local import running_farm
from workers.monitoring import worker_states

IDLE = Snapshot(waiting=3, at_work=0, taken=8)


@pytest.mark.parametrize(
    ("snapshots", "is_stalled"),
    [
        ([IDLE] * (LOOKS + 1), True),
        ([IDLE] * LOOKS, False),
        ([replace(IDLE, taken=n) for n in range(3 * LOOKS)], False),
        ([replace(IDLE, waiting=0)] * 3 * LOOKS, False),
        ([replace(IDLE, waiting=None)] * 3 * LOOKS, False),
        ([replace(IDLE, at_work=1)] * 3 * LOOKS, False),
        ([*[IDLE] * LOOKS, replace(IDLE, waiting=None), *[IDLE] * (LOOKS - 1)], False),
        ([*[IDLE] * LOOKS, replace(IDLE, at_work=1), *[IDLE] * (LOOKS - 1)], False),
    ],
    ids=["stalled", "not yet", "takes", "nothing to take", "broker away", "busy", "broker was away", "was busy"],
)
def test_what_counts_as_a_stall(snapshots: list[Snapshot], is_stalled: bool) -> None:
    detector = StallDetector()
    assert [detector.is_stalled(snapshot) for snapshot in snapshots][-1] == is_stalled


def test_a_worker_that_does_not_leave_is_ended_with_a_code_that_asks_for_another_start() -> None:
    with python("from workers.consumer.liveness import exit_for_restart; exit_for_restart(grace_s=0.01)") as process:
        assert process.wait(30) == EXIT_AGAIN


def test_a_worker_that_stalled_is_started_again_and_judges_what_waited(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("stalled: rulefarm worker --domains payment --autoscale 1,1 --name stalled\n")
    impatient = replace(settings, home=tmp_path / "home", rulesets=RULESETS, stall_timeout_s=1.2)
    with (
        running_farm(impatient, make_tables, environ=os.environ, procfile=procfile) as farm,
        Farm(impatient) as producer,
    ):
        before = farm.pids["stalled"]
        [worker] = [state.name for state in worker_states(impatient) if state.name.startswith("stalled@")]
        for name in (queue_name("payment"), CONTROL_QUEUE):
            producer.app.control.cancel_consumer(name, destination=[worker], reply=True)
        job = producer.submit("payment", {"Order": {"total": 1}})
        assert job.wait(timeout=60).outcome == "accept"
        assert until(lambda: farm.pids.get("stalled")) != before
    log = (farm.log / "stalled.log").read_text()
    assert "took nothing for 1.2 s though messages wait (1 in rules.payment)" in log
    assert f"stalled ended with code {EXIT_AGAIN}" in (farm.log / "farm.log").read_text()


def make_tables(settings: Settings) -> None:
    engine = connect(settings)
    migrate(engine)
    engine.dispose()


def test_a_message_that_a_worker_holds_waits_until_one_of_its_processes_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness.state, "reserved_requests", {"a message"})
    monkeypatch.setattr(liveness.state, "active_requests", set())
    assert liveness.snapshot_of({"rules.payment": 2}, 8) == replace(IDLE, waiting=3)
    assert liveness.snapshot_of({"rules.payment": 0}, 8) == replace(IDLE, waiting=1)
    assert liveness.snapshot_of(None, 8) == replace(IDLE, waiting=None)
    monkeypatch.setattr(liveness.state, "active_requests", {"a message"})
    assert liveness.snapshot_of({}, 8).at_work == 1
