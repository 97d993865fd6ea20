"""Behind PgBouncer in transaction mode, which hands every transaction to another session, the farm is as without it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from rulefarm.database import connect
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.migrate import is_current, migrate
from store.pending_work import claim_due
from store.retention import prune
from tests.processes import until
from tests.servers import free_ports, pgbouncer

#: As it comes; as it is often set up beside Java, where it drops the options without a word.
CONFIGURATIONS = {"as it comes": (), "dropping": ("ignore_startup_parameters = options,extra_float_digits",)}


@pytest.fixture(params=CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def pooled(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Settings]:
    """The settings of the fresh database, through PgBouncer."""
    url = make_url(settings.require_database())
    [port] = free_ports(1)
    host = "127.0.0.1" if url.host in (None, "localhost") else url.host
    target = f"host={host} port={url.port} user={url.username} password='{url.password}'"
    with pgbouncer(target, port, *request.param):
        # What the server's URL says of TLS is not what PgBouncer speaks.
        through = url.set(host="127.0.0.1", port=port, query={"sslmode": "disable"})
        yield replace(settings, database_url=through.render_as_string(hide_password=False))


@pytest.fixture
def engine(pooled: Settings) -> Iterator[Engine]:
    """A pool of connections to it."""
    engine = connect(pooled, statement_timeout_s=7)
    yield engine
    engine.dispose()


def test_sessions_differ_and_the_settings_hold_in_each_transaction(engine: Engine) -> None:
    seen = set()
    for _ in range(12):
        with engine.begin() as one, engine.begin() as other:
            for connection in (one, other):
                seen.add(connection.scalar(text("select pg_backend_pid()")))
                values = connection.execute(
                    text(
                        "select current_setting('TimeZone'), current_setting('lock_timeout'),"
                        " current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'),"
                        " current_setting('transaction_isolation')"
                    )
                ).one()
                assert tuple(values) == ("UTC", "5s", "7s", "15s", "read committed")
    assert len(seen) > 1


def test_options_of_the_url_hold_behind_it_too(pooled: Settings) -> None:
    url = make_url(pooled.require_database())
    options = "-csearch_path=pg_catalog -c lock_timeout=3s --application-name=a\\ shop"
    settings = replace(
        pooled,
        database_url=url.update_query_dict({"options": options}).render_as_string(hide_password=False),
    )
    engine = connect(settings)
    for _ in range(4):
        with engine.begin() as connection:
            assert connection.scalar(text("show search_path")) == "pg_catalog"
            assert connection.scalar(text("show lock_timeout")) == "3s"
            assert connection.scalar(text("show application_name")) == "a shop"
    engine.dispose()


def test_jobs_are_taken_and_found_through_it(pooled: Settings, engine: Engine, domain: str) -> None:
    migrate(engine)
    assert is_current(engine)
    with Farm(replace(pooled, reconcile_grace_s=0.001)) as farm:
        [one, *_] = [farm.submit(domain, {"Order": {"total": n}}, key=str(n)) for n in range(3)]
        many = farm.submit_many(domain, [(f"m{n}", {"Order": {"total": n}}) for n in range(200)])
        assert farm.verdict(one.id) is None
    assert len({job.id for job in many}) == 200
    with engine.begin() as connection:
        assert connection.scalar(text("select count(*) from jobs")) == 203
    until(lambda: _due(engine, domain) == 3)
    assert prune(engine, datetime(2020, 1, 1, tzinfo=UTC), dry_run=True).jobs == 0


def _due(engine: Engine, domain: str) -> int:
    with claim_due(engine, domain, bulk=False, grace_s=0.001, limit=500) as messages:
        return len(messages)
