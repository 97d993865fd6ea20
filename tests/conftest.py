"""Real services for every test that needs them: one embedded Postgres and Valkey a run, one fresh database a test."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from rulefarm.ledger import connect
from rulefarm.settings import Settings
from store.migrate import migrate
from workers.services import Services, running_services

TEMPLATE = "rulefarm_template"


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """Tests see their own settings, not those of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("RULEFARM_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
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


@pytest.fixture
def settings(services: Services, tmp_path: Path) -> Iterator[Settings]:
    """A fresh, migrated database and the shared broker."""
    name = f"test_{uuid.uuid4().hex}"
    admin = _admin(services)
    with admin.connect() as connection:
        connection.execute(text(f"create database {name} template {TEMPLATE}"))
    yield Settings(home=tmp_path, broker_url=services.broker_url, database_url=_named(services, name))
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    """A connection pool to the fresh database."""
    engine = connect(settings)
    yield engine
    engine.dispose()


def _admin(services: Services) -> Engine:
    url = make_url(services.database_url).set(drivername="postgresql+psycopg2")
    return create_engine(url, isolation_level="AUTOCOMMIT")


def _named(services: Services, database: str) -> str:
    return make_url(services.database_url).set(database=database).render_as_string(hide_password=False)
