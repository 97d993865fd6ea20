"""A user with the grants that docs/servers.md lists runs a farm whose tables belong to another."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from rulefarm.database import connect
from rulefarm.errors import DatabaseUnreachable
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.migrate import alembic_config, migrate
from store.privileges import PrivilegesMissing
from tests.commands import RULESETS, rulefarm
from tests.processes import until
from workers.embedded.services import Services
from workers.monitoring import examine, worker_states

PAGE = Path(__file__).parents[2] / "docs" / "servers.md"
ORDER = {"Order": {"total": 12.5}}


@pytest.fixture
def superuser(farm_services: Services, farm_home: Path) -> Iterator[Engine]:
    """The administrator of the farm's Postgres."""
    secret = json.loads((farm_home / "instance.json").read_text())["superuser_secret"]
    url = make_url(farm_services.database_url).set(
        drivername="postgresql+psycopg2", username="postgres", password=secret, database="postgres"
    )
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def two_users(farm_services: Services, superuser: Engine, tmp_path: Path) -> Iterator[tuple[Settings, Settings]]:
    """Settings of the owner of a database, and of somebody who may do nothing with it yet."""
    name = f"two_{uuid.uuid4().hex[:12]}"
    owner, app = f"{name}_owner", f"{name}_app"
    with superuser.connect() as connection:
        for role in (owner, app):
            connection.execute(text(f"create role {role} login password 'x'"))
        connection.execute(text(f"create database {name} owner {owner}"))
        connection.execute(text(f"revoke all on database {name} from public"))
        connection.execute(text(f"grant connect on database {name} to {app}"))
    # A broker's database of its own: workers of other tests take from the first.
    broker = make_url(farm_services.broker_url).set(database="7").render_as_string(hide_password=False)

    def settings(role: str) -> Settings:
        url = make_url(farm_services.database_url).set(username=role, password="x", database=name)
        return Settings(
            home=tmp_path,
            broker_url=broker,
            database_url=url.render_as_string(hide_password=False),
            rulesets=RULESETS,
            reconcile_interval_s=1.0,
        )

    yield settings(owner), settings(app)
    with superuser.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
        for role in (owner, app):
            connection.execute(text(f"drop role {role}"))


def grants(database: str, role: str) -> list[str]:
    [listed] = re.findall(r"## Users and grants\n.*?```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    listed = listed.replace("database rulefarm ", f"database {database} ").replace("rulefarm_app", role)
    return [statement for statement in listed.split(";\n") if statement.strip()]


def test_the_grants_of_the_page_are_enough_and_what_is_missing_is_named(
    two_users: tuple[Settings, Settings], tmp_path: Path
) -> None:
    owned, mine = two_users
    engine, others = connect(owned), connect(mine)
    migrate(engine)
    url = make_url(mine.require_database())
    with pytest.raises(DatabaseUnreachable) as caught:
        migrate(others)
    assert caught.value.code == "database-forbidden"
    with engine.begin() as connection:
        for statement in grants(str(url.database), str(url.username)):
            connection.execute(text(statement))
    # Nothing is to be done, so nothing is needed; then something is.
    migrate(others)
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0006")
    with pytest.raises(PrivilegesMissing) as refused:
        migrate(others)
    assert f"{url.username} does not own active_rulesets, " in refused.value.message
    assert refused.value.hint == f"run 'rulefarm migrate' as {make_url(owned.require_database()).username}"
    migrate(engine)
    with engine.begin() as connection:
        for statement in grants(str(url.database), str(url.username)):
            connection.execute(text(statement))
    source = tmp_path / "products.csv"
    source.write_text("sku,price,cost\n" + "".join(f"p{n},{n},5\n" for n in range(200)))
    domains = ("--domains", "payment,pricing", "--autoscale", "1,1")
    with (
        rulefarm(mine, "worker", *domains, "--name", "single"),
        rulefarm(mine, "worker", *domains, "--queue", "bulk", "--name", "bulk"),
        rulefarm(mine, "beat"),
        Farm(replace(mine, queue_limit=50)) as farm,
    ):
        until(lambda: len(worker_states(mine)) == 2, 60)
        assert farm.evaluate("payment", ORDER, timeout=60).outcome == "accept"
        many = farm.submit_many("payment", [(str(n), ORDER) for n in range(20)])
        batch = farm.submit_batch("pricing", source)
        until(lambda: farm.batch(batch.id)["state"] == "done", 60)
        assert all(job.wait(timeout=60).outcome == "accept" for job in many)

        def well() -> bool:
            return all(check.status in ("ok", "warn") for check in examine(mine, timeout_s=10))

        until(well, 60)
    engine.dispose()
    others.dispose()
