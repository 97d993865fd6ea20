"""A real farm for the tests: workers and beat as processes of their own, on a database and a broker of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from rulefarm.farm import Farm
from rulefarm.ledger import connect
from rulefarm.settings import Settings
from store.migrate import migrate
from tests.farm.processes import until
from workers.inspection import worker_states
from workers.services import Services, running_services

RULESETS = Path(__file__).parent / "rulesets"


@pytest.fixture(scope="session")
def farm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the services that only the farm's tests use: they kill and wipe them."""
    return tmp_path_factory.mktemp("farm") / "home"


@pytest.fixture(scope="session")
def farm_services(farm_home: Path) -> Iterator[Services]:
    """Those services."""
    with running_services(farm_home, keep=False) as services:
        yield services


@pytest.fixture(scope="session")
def farm_settings(farm_services: Services, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Impatient: a job that was not heard is rung again after two seconds."""
    settings = Settings(
        home=tmp_path_factory.mktemp("workers"),
        broker_url=farm_services.broker_url,
        database_url=farm_services.database_url,
        rulesets=RULESETS,
        chunk_rows=100,
        reconcile_interval_s=1.0,
        reconcile_grace_s=2.0,
    )
    engine = connect(settings)
    migrate(engine)
    engine.dispose()
    return settings


@pytest.fixture(scope="session")
def running_farm(farm_settings: Settings) -> Iterator[Settings]:
    """A worker a kind of queue and beat, ready to take work."""
    commands = (
        ["worker", "--domains", "payment,pricing", "--autoscale", "3,1"],
        ["worker", "--domains", "payment,pricing", "--queue", "bulk", "--autoscale", "2,1"],
        ["beat"],
    )
    with ExitStack() as stack:
        for command in commands:
            stack.enter_context(rulefarm(farm_settings, *command))
        until(lambda: len(worker_states(farm_settings)) == 2, 60)
        yield farm_settings


@pytest.fixture
def farm(running_farm: Settings) -> Iterator[Farm]:
    """A producer."""
    with Farm(running_farm) as producer:
        yield producer


@pytest.fixture
def farm_database(running_farm: Settings) -> Iterator[Engine]:
    """The farm's database."""
    engine = connect(running_farm)
    yield engine
    engine.dispose()


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a process."""
    names = (
        "home",
        "broker_url",
        "database_url",
        "rulesets",
        "chunk_rows",
        "reconcile_interval_s",
        "reconcile_grace_s",
    )
    given = {f"RULEFARM_{name.upper()}": str(getattr(settings, name)) for name in names}
    return {**os.environ, **{name: value for name, value in given.items() if value != "None"}}


@contextmanager
def rulefarm(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command beside the test and stop it as a supervisor does."""
    log = settings.home / f"{'-'.join(arguments).replace('/', '_')}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            env=environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) is not None
