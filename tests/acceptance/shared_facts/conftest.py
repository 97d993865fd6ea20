"""A farm with domains that share facts."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy.engine import make_url

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tests.commands import SHARING, rulefarm
from tests.conftest import fresh_database
from tests.processes import until
from workers.embedded.services import Services
from workers.monitoring import worker_states


@pytest.fixture(scope="session")
def sharing_farm(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Workers for the domains that share facts; nothing is lost here, so there is no beat to send again.

    Broker and database are their own: other tests count the workers and the domains of theirs."""
    broker = make_url(services.broker_url).set(database="1").render_as_string(hide_password=False)
    with ExitStack() as stack:
        settings = Settings(
            home=tmp_path_factory.mktemp("sharing"),
            broker_url=broker,
            database_url=stack.enter_context(fresh_database(services)),
            rulesets=SHARING,
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
