"""One gateway for the tests of a module, with the small rules that the tests know by heart."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from rulefarm.database import connect
from rulefarm.settings import Settings
from rulesets.loader import load_all
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.commands import RULESETS, SHARING
from tests.conftest import fresh_database
from tests.gateway.client import Client, running_gateway
from workers.embedded.services import Services


def publish_all(database: Engine) -> None:
    """Publish payment and pricing, and credit and fraud, which share facts."""
    rulesets = load_all(RULESETS) | load_all(SHARING)
    publish(database, [RulesetSnapshot.of(loaded) for loaded in rulesets.values()])


@pytest.fixture(scope="module")
def gateway_settings(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A fresh database in which all is published, and no worker."""
    with fresh_database(services) as url:
        settings = Settings(
            home=tmp_path_factory.mktemp("gateway"),
            broker_url=services.broker_url,
            database_url=url,
            queue_prefix=f"gateway-{uuid.uuid4().hex[:8]}",
        )
        engine = connect(settings)
        publish_all(engine)
        yield settings
        engine.dispose()


@pytest.fixture(scope="module")
def gateway_database(gateway_settings: Settings) -> Iterator[Engine]:
    """Its connections."""
    engine = connect(gateway_settings)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def client(gateway_settings: Settings) -> Iterator[Client]:
    """A client of a gateway for all that is published."""
    with running_gateway(gateway_settings) as found:
        yield found
