"""Services, tables and parts together, in the foreground and beside a test."""

import json
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import psutil
import psycopg2
import pytest

from cli.main import COMMANDS, cli
from rulefarm.database import connect
from rulefarm.errors import ServiceError
from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from store.migrate import migrate
from tests.processes import python, says, until
from tests.shipped import shipped
from tests.workers.local.parts import POLITE, UNRESPONSIVE
from workers.local import environ_of, running_farm
from workers.local.local_farm import parts_for, shipped_procfile
from workers.local.supervisor import read_procfile

#: The farm as `rulefarm up` runs it: home, Procfile.
FARM = """
import os, sys
from pathlib import Path
from rulefarm.settings import Settings
from workers.local import run_farm

settings = Settings.from_env({**os.environ, "RULEFARM_HOME": sys.argv[1]})
sys.exit(run_farm(settings, lambda known: None, environ=os.environ, procfile=Path(sys.argv[2])))
"""


def test_the_shipped_procfile_names_real_commands_and_every_domain_that_needs_no_compiler() -> None:
    served = {False: set[str](), True: set[str]()}
    for line in read_procfile(shipped_procfile()).values():
        program, name, *arguments = line.split()
        assert program == "rulefarm"
        assert name in COMMANDS
        command = cli.get_command(cli.make_context("rulefarm", ["--help"], resilient_parsing=True), name)
        assert command is not None
        parsed = command.make_context(name, arguments).params
        if name == "worker":
            served[parsed["queue"] == "bulk"] |= set(parsed["domains"].split(","))
    plain = {name for name, loaded in shipped().items() if not loaded.program.patterns}
    assert served[False] == served[True] == plain


@pytest.mark.parametrize("domains", [["loans"], ["a", "b"], ["bulk", "beat"], [f"d{n}" for n in range(20)]])
def test_rulesets_of_ones_own_get_a_worker_for_each_queue(domains: list[str]) -> None:
    parts = parts_for(domains)
    served: dict[bool, list[str]] = {False: [], True: []}
    for line in parts.values():
        words = line.split()
        assert words[:1] == ["rulefarm"]
        assert words[1] in COMMANDS
        if words[1] == "worker":
            served["--queue" in words] += words[3].split(",")
    assert served[False] == served[True] == domains
    assert {"beat", "flower"} <= set(parts)


def test_settings_survive_the_environment(tmp_path: Path) -> None:
    text = {"broker_url": "redis://x", "database_url": "postgresql://y", "flower_password": "a:b"}
    there = (RegionPlace(name="us", broker_url="redis://us", home=tmp_path / "us"),)
    how = {"rulesets": tmp_path / "rules", "chunk_rows": 7, "reconcile_interval_s": 0.5, "regions": there}
    settings = Settings(home=tmp_path, **how, **text)  # type: ignore[arg-type]
    environ = environ_of(settings, {"RULEFARM_CHUNK_ROWS": "9", "RULEFARM_NIGHTLY_SOURCE": "x", "OTHER": "kept"})
    assert Settings.from_env(environ) == settings
    assert environ["OTHER"] == "kept"
    assert {name.removeprefix("RULEFARM_").lower() for name in environ if name.startswith("RULEFARM_")} <= {
        *(field.name for field in fields(Settings)),
        *("region_us_broker_url", "region_us_home"),
    }


def test_parts_of_a_killed_farm_end(tmp_path: Path, settings: Settings, script: Callable[[str, str], str]) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text(f"polite: {script('polite', POLITE)}\ndeaf: {script('unresponsive', UNRESPONSIVE)}\n")
    home = tmp_path / "home"
    environ = environ_of(replace(settings, home=home), os.environ)
    with python(FARM, home, procfile, environ=environ) as farm:
        for _ in range(2):
            says(farm, containing="ready")
        left = psutil.Process(farm.pid).children()
        farm.kill()
        farm.wait()
    # The polite one was told by the kernel, the unresponsive one is found by the next farm.
    until(lambda: len(psutil.wait_procs(left, timeout=0)[1]) == 1)
    with running_farm(
        replace(settings, home=home), lambda _: None, environ=os.environ, procfile=procfile, processes=["polite"]
    ):
        until(lambda: psutil.wait_procs(left, timeout=0)[1] == [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_farm_in_the_foreground(
    tmp_path: Path, settings: Settings, script: Callable[[str, str], str], number: signal.Signals
) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text(f"env: env | grep ^RULEFARM_BROKER; exec sleep 600\npolite: {script('polite', POLITE)}\n")
    home = tmp_path / "home"
    environ = environ_of(replace(settings, home=home), os.environ)
    with python(FARM, home, procfile, environ=environ) as farm:
        assert farm.stdout is not None
        seen = ""
        while not ("RULEFARM_BROKER" in seen and "ready" in seen):
            seen += says(farm) + "\n"
        assert f"RULEFARM_BROKER_URL={settings.broker_url}" in seen
        document = json.loads((home / "services.json").read_text())
        assert document["database_url"] == settings.database_url
        assert document["pids"] == {"farm": farm.pid}
        farm.send_signal(number)
        rest = farm.stdout.read()
        assert farm.wait(30) == 0
    assert "polite | told" in rest
    assert "env    | " not in rest
    assert not (home / "services.json").exists()


def test_a_refused_part_ends_the_foreground_farm_with_an_error(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("bad: echo wrong; exit 2\ngood: sleep 600\n")
    environ = environ_of(replace(settings, home=tmp_path / "home"), os.environ)
    with python(FARM, tmp_path / "home", procfile, environ=environ) as farm:
        assert farm.stderr is not None
        assert "bad ended with code 2 at its start (wrong)" in farm.stderr.read()
        assert farm.wait(30) == 1


@pytest.mark.usefixtures("real_services")
def test_embedded_services_belong_to_the_farm() -> None:
    with tempfile.TemporaryDirectory(prefix="rulefarm-test-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        procfile = Path(folder) / "Procfile"
        procfile.write_text("part: echo $RULEFARM_DATABASE_URL; exec sleep 600\n")
        for round_ in range(2):
            with python(FARM, home, procfile) as farm:
                url = says(farm, containing="postgresql://").rpartition(" ")[2]
                psycopg2.connect(url).close()
                if round_ == 0:
                    # The URLs in the file it leaves are those of a dead farm: the next one starts its own.
                    farm.kill()
                else:
                    farm.send_signal(signal.SIGTERM)
                    assert farm.stdout is not None
                    farm.stdout.read()
                    assert farm.wait(30) == 0
            assert (home / "services.json").exists() == (round_ == 0)


def make_tables(known: Settings) -> None:
    ledger = connect(known)
    migrate(ledger)
    ledger.dispose()


def test_a_real_worker_answers_dies_and_answers_again(tmp_path: Path, settings: Settings) -> None:
    mine = replace(settings, home=tmp_path / "home")
    with running_farm(mine, make_tables, environ=os.environ, processes=["payment", "beat"]) as farm:
        before = farm.pids
        os.kill(before["payment"], signal.SIGKILL)
        until(lambda: farm.pids.get("payment") not in (None, before["payment"]))
        until(lambda: (farm.log / "payment.log").read_text().count(" ready.") == 2, deadline_s=60)
        assert farm.pids["beat"] == before["beat"]
    said = (farm.log / "farm.log").read_text()
    assert "payment ended with code 0" in said
    assert "killed" not in said


def test_a_worker_that_never_answers(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("dumb: sh -c 'sleep 600' a worker\n")
    mine = replace(settings, home=tmp_path / "home")
    with (
        pytest.raises(ServiceError, match=r"the worker dumb does not answer within 0\.5 s") as caught,
        running_farm(mine, lambda _: None, environ=os.environ, procfile=procfile, ready_s=0.5),
    ):
        pytest.fail("ready")
    assert caught.value.hint == f"its log is {tmp_path / 'home' / 'log' / 'dumb.log'}"


def test_a_worker_that_is_refused(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("nobody: rulefarm worker --domains no-such-domain\n")
    mine = replace(settings, home=tmp_path / "home")
    with (
        pytest.raises(ServiceError, match=r"nobody ended with code 1 at its start .*no-such-domain"),
        running_farm(mine, lambda _: None, environ=os.environ, procfile=procfile),
    ):
        pytest.fail("ready")
