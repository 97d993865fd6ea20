"""A real worker is wide while much waits, narrow after it, loses nothing on the way, and lives without its broker."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
from billiard import get_context
from sqlalchemy import Engine, func, select

from rulefarm.database import dead_letters, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tests.commands import RULESETS, rulefarm
from tests.processes import until
from workers.alive import FOLDER
from workers.scaling.autoscaler import free_bytes, is_ending

JOBS = 6_000


def count(engine: Engine, table: object) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]


def test_a_burst_widens_a_worker_and_a_pause_narrows_it(
    settings: Settings, database: Engine, free_port: int, valkey: Callable[[int], AbstractContextManager[None]]
) -> None:
    own = replace(settings, broker_url=f"redis://127.0.0.1:{free_port}/0", rulesets=RULESETS, scale_pause_s=2.0)
    with ExitStack() as stack:
        broker = ExitStack()
        stack.callback(broker.close)
        broker.enter_context(valkey(free_port))
        process = stack.enter_context(
            rulefarm(own, "worker", "--domains", "payment", "--queue", "bulk", "--autoscale", "4,1")
        )
        heartbeat = own.home / FOLDER
        until(lambda: heartbeat.exists() and list(heartbeat.iterdir()))

        def width() -> int:
            return len(psutil.Process(process.pid).children())

        assert until(width) == 1
        with Farm(own) as farm:
            farm.submit_many("payment", ({"Order": {"total": n}} for n in range(JOBS)))
        until(lambda: width() == 4)
        until(lambda: count(database, verdicts) == JOBS, 120)
        until(lambda: width() == 1)
        # Whoever is killed at work has counted an attempt, or ends as a dead letter.
        with database.connect() as connection:
            assert connection.execute(select(func.max(jobs.c.attempts))).scalar_one() <= 1
        assert count(database, dead_letters) == 0
        [path] = heartbeat.iterdir()
        broker.close()
        away = path.stat().st_mtime
        # It waits up to half a minute between two tries to reach its broker, and lives all the same.
        for seconds in (3, 6):
            until(lambda seconds=seconds: path.stat().st_mtime > away + seconds)  # type: ignore[misc]
    assert not path.exists()
    log = next(own.home.glob("worker-*.log")).read_text()
    assert "Scaling down" in log
    assert "exited with" not in log


def test_a_process_that_was_told_to_end_is_told_from_those_that_go_on() -> None:
    process = get_context("fork").Process(target=time.sleep, args=(600,))
    process.start()
    assert not is_ending(process)
    process.terminate_controlled()
    assert is_ending(process)
    # Whoever runs the tests may have it outlive that.
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)


def test_free_memory_is_that_of_the_host_and_of_the_container(tmp_path: Path) -> None:
    assert 0 < free_bytes(tmp_path) <= psutil.virtual_memory().total
    files = {"max": "1000000", "current": "900000", "stat": "anon 500000\ninactive_file 300000"}
    for name, text in files.items():
        (tmp_path / f"memory.{name}").write_text(f"{text}\n")
    assert free_bytes(tmp_path) == 400_000
    (tmp_path / "memory.current").write_text("2000000\n")
    assert free_bytes(tmp_path) == 0
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path) > 1_000_000
