"""Kill a part, and every job still gets its one verdict, without a restart by hand."""

import json
import os
import signal
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError

from rulefarm.database import jobs, verdicts
from rulefarm.errors import DatabaseUnreachable
from rulefarm.farm import Farm
from rulefarm.services_file import SERVICES_FILE
from rulefarm.settings import Settings
from tests.commands import rulefarm
from tests.processes import until
from workers.monitoring import worker_states


def submit(farm: Farm, count: int) -> str:
    run = uuid.uuid4().hex
    farm.submit_many("payment", [(f"{run}-{n}", {"Order": {"total": n}}) for n in range(count)])
    return run


def judged(engine: Engine, run: str) -> int:
    with engine.connect() as connection:
        statement = select(func.count()).select_from(verdicts).where(verdicts.c.subject.like(f"{run}-%"))
        return connection.execute(statement).scalar_one()


def pool_process() -> psutil.Process:
    """A process of the bulk worker's pool: the child of the process that carries the command line."""

    def find() -> psutil.Process | None:
        for worker in psutil.Process().children():
            if "--queue" in worker.cmdline():
                return next(iter(worker.children()), None)
        return None

    found = until(find)
    assert found is not None
    return found


def test_a_killed_pool_process_loses_no_job(farm: Farm, farm_database: Engine) -> None:
    run = submit(farm, 400)
    until(lambda: judged(farm_database, run) > 20, 60)
    pool_process().kill()
    until(lambda: judged(farm_database, run) == 400, 60)


def test_a_killed_worker_loses_no_job_once_another_one_is_there(
    farm: Farm, running_farm: Settings, farm_database: Engine
) -> None:
    name = f"spare-{uuid.uuid4().hex[:6]}"
    with rulefarm(running_farm, "worker", "--domains", "payment,pricing", "--name", name) as spare:
        until(lambda: any(worker.name.startswith(name) for worker in worker_states(running_farm)), 60)
        keys = [uuid.uuid4().hex for _ in range(300)]
        accepted = [farm.submit("payment", {"Order": {"total": 1}}, key=key) for key in keys[:150]]
        for process in [*psutil.Process(spare.pid).children(recursive=True), psutil.Process(spare.pid)]:
            process.kill()
        accepted += [farm.submit("payment", {"Order": {"total": 1}}, key=key) for key in keys[150:]]
        assert {job.wait(timeout=60).outcome for job in accepted} == {"accept"}
    with farm_database.connect() as connection:
        counted = select(func.count(), func.count(verdicts.c.id.distinct())).where(verdicts.c.subject.in_(keys))
        assert connection.execute(counted).one() == (300, 300)


def test_a_worker_told_to_stop_finishes_what_it_began(
    farm: Farm, running_farm: Settings, farm_database: Engine
) -> None:
    name = f"leaving-{uuid.uuid4().hex[:6]}"
    with rulefarm(running_farm, "worker", "--domains", "payment", "--queue", "bulk", "--name", name) as leaving:
        until(lambda: any(worker.name.startswith(name) for worker in worker_states(running_farm)), 60)
        run = submit(farm, 300)
        leaving.send_signal(signal.SIGTERM)
        assert leaving.wait(45) == 0
    until(lambda: judged(farm_database, run) == 300, 60)


def test_terminated_database_sessions_lose_no_job(farm: Farm, farm_database: Engine) -> None:
    run = submit(farm, 400)
    until(lambda: judged(farm_database, run) > 20, 60)
    with farm_database.connect() as connection:
        connection.execute(
            text(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                " and application_name = 'rulefarm'"
            )
        )
    until(lambda: judged(farm_database, run) == 400, 60)


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_workers_resume_when_a_killed_server_is_back(
    server: str, farm: Farm, farm_home: Path, farm_database: Engine
) -> None:
    run = submit(farm, 400)
    until(lambda: judged(farm_database, run) > 20, 60)
    killed = server_pid(farm_home, server)
    os.kill(killed, signal.SIGKILL)
    # Until then a session of the one that was killed may still answer.
    until(lambda: server_pid(farm_home, server) != killed)
    open_jobs = select(func.count()).select_from(jobs).where(jobs.c.subject.like(f"{run}-%"), jobs.c.state == "open")

    def all_judged() -> bool:
        try:
            with farm_database.connect() as connection:
                return judged(farm_database, run) == 400 and connection.execute(open_jobs).scalar_one() == 0
        except OperationalError:
            return False

    # A message that died with the broker is sent again when the queue has turned over: later on a busy machine.
    until(all_judged, 180)
    # The same producer, whose pooled connections died with the server.
    assert farm.evaluate("payment", {"Order": {"total": 1}}).outcome == "accept"


def server_pid(home: Path, server: str) -> int:
    """The process that the farm runs a server in, as it tells."""
    return int(json.loads((home / SERVICES_FILE).read_text())["pids"][server])


def kill(server: str) -> Callable[[Path, Settings], None]:
    """Kill a server, and wait until the one that is started for it answers."""

    def strike(home: Path, settings: Settings) -> None:
        # Killed a moment ago, it is told of a little later than it answers.
        process = until(lambda: alive(server_pid(home, server)))
        process.kill()
        process.wait(60)
        until(lambda: answers(settings))

    return strike


def alive(pid: int) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)
    return None


def answers(settings: Settings) -> bool:
    try:
        psycopg2.connect(settings.require_database()).close()
        return bool(redis.Redis.from_url(settings.require_broker()).ping())
    except (psycopg2.OperationalError, redis.ConnectionError):
        return False


def end_sessions(_: Path, settings: Settings) -> None:
    with closing(psycopg2.connect(settings.require_database())) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid, 60000) from pg_stat_activity"
            " where pid <> pg_backend_pid() and application_name = 'rulefarm'"
        )


def wipe(_: Path, settings: Settings) -> None:
    redis.Redis.from_url(settings.require_broker()).flushall()


def end_clients(_: Path, settings: Settings) -> None:
    redis.Redis.from_url(settings.require_broker()).client_kill_filter(_type="normal", skipme=True)


@pytest.mark.parametrize("fault", [kill("postgres"), end_sessions, kill("valkey"), wipe, end_clients])
def test_between_two_submits_a_server_may_be_restarted_or_wiped_and_nothing_is_raised_or_lost(
    fault: Callable[[Path, Settings], None], farm: Farm, running_farm: Settings, farm_home: Path
) -> None:
    jobs = [farm.submit("payment", {"Order": {"total": 1}}, key=uuid.uuid4().hex)]
    # At once: what is pooled has just been used.
    for _ in range(2):
        fault(farm_home, running_farm)
        jobs += [farm.submit("payment", {"Order": {"total": 1}}, key=uuid.uuid4().hex) for _ in range(2)]
    assert all(job.sent for job in jobs)
    assert {farm.wait(job, 180).outcome for job in jobs} == {"accept"}


def test_without_a_database_a_submit_fails_clearly_and_keeps_nothing(running_farm: Settings) -> None:
    with (
        Farm(replace(running_farm, database_url="postgresql://nobody@127.0.0.1:1/none")) as producer,
        pytest.raises(DatabaseUnreachable, match=r"127\.0\.0\.1:1"),
    ):
        producer.submit("payment", {"Order": {"total": 1}}, key="x")
