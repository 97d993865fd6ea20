"""A job that never ends is ended at its time limit, whatever became of the connection that it came by."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, Select, select

from rulefarm.database import active_rulesets, dead_letters
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tests.commands import RULESETS, environment
from tests.processes import until
from workers.drill.poison import EVIDENCE, read_evidence


def test_a_time_limit_outlives_the_connection_to_the_broker(
    settings: Settings,
    database: Engine,
    valkey: Callable[[int], AbstractContextManager[None]],
    free_port: int,
    tmp_path: Path,
) -> None:
    settings = replace(settings, broker_url=f"redis://127.0.0.1:{free_port}/0", rulesets=RULESETS)
    evidence = tmp_path / "evidence"
    limits = {"RULEFARM_JOB_TIME_LIMIT_S": "10", "RULEFARM_MAX_ATTEMPTS": "1"}
    with (
        Farm(settings) as producer,
        worker_of_one(environment(settings) | limits | {EVIDENCE: str(evidence)}, tmp_path),
    ):
        with valkey(free_port):
            until(lambda: rows(database, select(active_rulesets.c.domain)), 120)
            hanging = producer.submit("payment", {"Order": {"order_id": "poison-hang-1", "total": 1}})
            until(lambda: read_evidence(evidence), 120)
        with valkey(free_port):
            # The only process of its pool: nothing is judged before that has ended.
            judged = producer.submit("payment", {"Order": {"order_id": "after", "total": 1}})
            assert judged.wait(timeout=120).outcome == "accept"
            of_job = select(dead_letters.c.code).where(dead_letters.c.id == hanging.id)
            assert until(lambda: rows(database, of_job), 60) == [("time-limit",)]


@contextmanager
def worker_of_one(environ: Mapping[str, str], folder: Path) -> Iterator[None]:
    """A worker with one process, whose rulesets know poison, for as long as a block lasts."""
    command = [sys.executable, "-m", "workers.drill.worker", "limited", "interactive", "1,1"]
    with (
        (folder / "worker.log").open("wb") as log,
        subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True) as worker,
    ):
        try:
            yield
        finally:
            # Whatever hangs in it ends with it.
            os.killpg(worker.pid, signal.SIGKILL)


def rows(database: Engine, statement: Select[tuple[str]]) -> list[tuple[str]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]
