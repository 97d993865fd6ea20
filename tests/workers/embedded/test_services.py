"""The embedded Postgres and Valkey: real servers, started, killed and started again."""

import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis

from rulefarm.errors import ServiceError
from rulefarm.settings import Settings
from tests.processes import python, says, until
from tests.workers.embedded.serving import RUNNER, pids, query, servers_of
from workers.embedded import locked_home
from workers.embedded.data_location import locate
from workers.embedded.postgres import Postgres
from workers.embedded.services import Services, running_services


def test_both_answer_and_stop(home: Path) -> None:
    with running_services(home) as services:
        assert query(services, "SELECT 1") == [(1,)]
        with closing(redis.Redis.from_url(services.broker_url)) as client:
            assert client.ping()
        assert len(servers_of(home)) == 2
        assert stat.S_IMODE((home / "services.json").stat().st_mode) == 0o600
        settings = Settings.from_env({"RULEFARM_HOME": str(home)})
        assert (settings.broker_url, settings.database_url) == (services.broker_url, services.database_url)
    assert servers_of(home) == []
    assert not (home / "services.json").exists()


@pytest.fixture
def services(home: Path) -> Iterator[Services]:
    """Running services."""
    with running_services(home) as running:
        yield running


def test_database_is_fit_for_a_ledger(services: Services) -> None:
    names = ("fsync", "max_connections", "server_encoding", "timezone", "listen_addresses", "data_checksums")
    found = [query(services, f"SHOW {name}")[0][0] for name in names]
    assert found == ["on", "200", "UTF8", "UTC", "127.0.0.1", "on"]
    role = query(services, "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user")
    assert role == [("rulefarm", False, True)]
    # By code point, as rules compare texts.
    assert query(services, "SELECT 'a' < 'B', 'Z' < 'a'") == [(False, True)]


def test_broker_keeps_what_it_takes(services: Services) -> None:
    with closing(redis.Redis.from_url(services.broker_url, decode_responses=True)) as client:
        found = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "appendonly", "bind")}
    assert found == {"maxmemory-policy": "noeviction", "appendonly": "yes", "bind": "127.0.0.1"}


def test_a_wrong_password_is_refused(services: Services) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(services.database_url.replace("rulefarm:", "rulefarm:x", 1))
    stranger = services.broker_url.replace("redis://:", "redis://:x")
    with closing(redis.Redis.from_url(stranger)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_restart_keeps_data_and_urls(home: Path) -> None:
    with running_services(home) as first:
        query(first, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS value")
        with closing(redis.Redis.from_url(first.broker_url)) as client:
            client.flushall()
            client.rpush("rules.pricing", "message")
    with running_services(home) as second:
        assert second == first
        assert query(second, "SELECT value FROM kept") == [(7,)]
        with closing(redis.Redis.from_url(second.broker_url)) as client:
            assert client.lrange("rules.pricing", 0, -1) == [b"message"]


def test_a_taken_port_is_left_alone(home: Path) -> None:
    with running_services(home):
        port = json.loads((home / "instance.json").read_text())["database_port"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with running_services(home) as services:
            assert f":{port}/" not in services.database_url
            assert query(services, "SELECT 1") == [(1,)]


def test_two_homes_side_by_side(home: Path, folder: Path) -> None:
    with running_services(home) as one, running_services(folder / "home", keep=False) as two:
        query(one, "DROP TABLE IF EXISTS only_here; CREATE TABLE only_here (value int)")
        assert query(two, "SELECT to_regclass('only_here')") == [(None,)]
    assert servers_of(home) == servers_of(folder) == []


def test_a_living_farm_is_not_disturbed(home: Path) -> None:
    with python(RUNNER, home) as runner:
        says(runner)
        words = rf"already runs in .*home \(pid {runner.pid}\)"
        with pytest.raises(ServiceError, match=words) as caught, running_services(home):
            pytest.fail("two farms in one home")
        assert caught.value.code == "farm-running"
        assert len(servers_of(home)) == 2
    until(lambda: not servers_of(home))


def test_one_process_does_not_start_twice(home: Path) -> None:
    with running_services(home) as services:
        with pytest.raises(ServiceError, match=rf"pid {os.getpid()}"), running_services(home):
            pytest.fail("two farms in one home")
        # The refused start must not have let go of the lock either.
        with python(RUNNER, home) as second:
            assert second.stderr is not None
            assert f"(pid {os.getpid()})" in second.stderr.read()
        assert query(services, "SELECT 1") == [(1,)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_signals_stop_everything(home: Path, number: signal.Signals, code: int) -> None:
    with python(RUNNER, home) as runner:
        says(runner)
        runner.send_signal(number)
        assert runner.wait(30) == code
        assert servers_of(home) == []
        assert not (home / "services.json").exists()


def test_an_error_in_the_block_stops_everything(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), running_services(home):
        _ = 1 / 0
    assert servers_of(home) == []


def test_servers_follow_a_killed_farm(home: Path) -> None:
    with python(RUNNER, home) as runner:
        url = says(runner)
        query(Services("", url), "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS value")
        runner.kill()
        runner.wait()
        # At once, while they still shut down: the new farm has to wait for them.
        with running_services(home) as services:
            assert query(services, "SELECT value FROM kept") == [(7,)]
            assert len(servers_of(home)) == 2


def test_everything_killed_at_once(home: Path) -> None:
    with python(RUNNER, home) as runner:
        url = says(runner)
        query(Services("", url), "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS value")
        for pid in (runner.pid, *servers_of(home)):
            os.kill(pid, signal.SIGKILL)
        runner.wait()
        assert (home / "services.json").exists()
        with running_services(home) as services:
            assert query(services, "SELECT value FROM kept") == [(7,)]
            assert pids(home)["farm"] == os.getpid()


def test_a_leftover_server_is_stopped_first(home: Path) -> None:
    with running_services(home):
        pass
    with locked_home(home) as held:
        location = locate(held)
        stray = Postgres(location, held.instance())
        user, group = location.user or (None, None)
        leftover = subprocess.Popen(stray.command(), user=user, group=group, stderr=subprocess.DEVNULL, cwd="/")
        until(stray.is_ready)
    with leftover, running_services(home) as services:
        assert leftover.wait(30) == 0
        assert query(services, "SELECT 1") == [(1,)]


def test_a_stale_pid_file_that_names_a_living_process(home: Path) -> None:
    with running_services(home):
        pass
    (home / "services" / "postgres" / "postmaster.pid").write_text(
        f"{os.getpid()}\n{home}/services/postgres\n1\n5432\n\n127.0.0.1\n\nready\n"
    )
    with running_services(home) as services:
        assert query(services, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("victim", ["postgres", "valkey"])
def test_a_server_that_dies_comes_back(home: Path, victim: str) -> None:

    def answers(services: Services) -> bool:
        try:
            with closing(redis.Redis.from_url(services.broker_url)) as client:
                return query(services, "SELECT 1") == [(1,)] and client.lrange("kept", 0, -1) == [b"7"]
        except (psycopg2.OperationalError, redis.ConnectionError, redis.BusyLoadingError):
            return False

    with running_services(home) as services:
        with closing(redis.Redis.from_url(services.broker_url)) as client:
            client.flushall()
            client.rpush("kept", "7")
            # Not at once in the file of changes: while the disk is busy with a sync, Valkey writes up to 2 s later.
            assert client.waitaof(1, 0, 30_000) == [1, 0]
        before = pids(home)
        os.kill(before[victim], signal.SIGKILL)
        after = until(lambda: pids(home)[victim] != before[victim] and pids(home))
        until(lambda: answers(services))
        assert {name for name in after if after[name] != before[name]} == {victim}
    assert servers_of(home) == []


def test_a_server_that_can_not_start_says_why(home: Path) -> None:
    with running_services(home):
        pass
    version = home / "services" / "postgres" / "PG_VERSION"
    version.write_text("9\n")
    try:
        words = r"postgres did not start: .*FATAL.*incompatible"
        with pytest.raises(ServiceError, match=words) as caught, running_services(home):
            pytest.fail("started")
    finally:
        version.write_text("18\n")
    assert str(home / "log" / "postgres.log") in caught.value.hint
    assert servers_of(home) == []
    assert not (home / "services.json").exists()
