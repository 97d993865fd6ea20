"""What a producer's calls cost: round trips to Postgres and to the broker, counted on the line."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import make_url

from rulefarm.database import checkout
from rulefarm.farm import Farm
from rulefarm.messaging import sender
from rulefarm.routing import BACKLOG
from rulefarm.settings import Settings
from rulefarm.waiting import Watch
from store.verdicts import store_verdict
from tests.processes import until
from tests.rows import verdict
from tests.servers import metered

ORDER = {"Order": {"total": 12.5}}
Line = list[bytes]


@pytest.fixture
def lines(settings: Settings, domain: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Farm, Line, Line]]:
    """A producer that has submitted before, and what it sends to Postgres and to the broker from then on."""
    # However slow the machine is at the moment.
    monkeypatch.setattr(checkout, "_FRESH_S", 600.0)
    monkeypatch.setattr(sender, "_FRESH_S", 600.0)
    database, broker = make_url(settings.require_database()), urlsplit(settings.require_broker())
    with (
        metered(str(database.host), int(database.port or 0)) as (one, to_database),
        metered(str(broker.hostname), int(broker.port or 0)) as (other, to_broker),
    ):
        url = database.set(host="127.0.0.1", port=one, query={"sslmode": "disable"})
        through = replace(
            settings,
            database_url=url.render_as_string(hide_password=False),
            broker_url=broker._replace(netloc=f":{broker.password}@127.0.0.1:{other}").geturl(),
        )
        with Farm(through) as farm:
            farm.submit(domain, ORDER)
            del to_database[:], to_broker[:]
            yield farm, to_database, to_broker


def test_a_job_is_one_round_trip_to_postgres_and_one_to_the_broker(lines: tuple[Farm, Line, Line], domain: str) -> None:
    farm, to_database, to_broker = lines
    assert farm.submit(domain, ORDER).sent
    [written], [sent] = to_database, to_broker
    assert written.startswith(b"Q")
    assert b"INSERT INTO jobs" in written
    assert sent.count(b"LPUSH") == 1


def test_many_jobs_are_as_few_round_trips_as_one_transaction_needs(lines: tuple[Farm, Line, Line], domain: str) -> None:
    farm, to_database, to_broker = lines
    farm.submit_many(domain, [ORDER] * 50)
    del to_database[:], to_broker[:]
    farm.submit_many(domain, [ORDER] * 500)
    queries = [data[5:][:12] for data in to_database if data.startswith(b"Q")]
    assert queries == [b"BEGIN\0", b"create tempo", b"copy incomin", b"with taken a", b"COMMIT\0"]
    # As many as still wake somebody, in one pipeline, which goes out in pieces.
    assert b"".join(to_broker).count(b"*3\r\n") == b"".join(to_broker).count(b"LPUSH") == BACKLOG - 50


def test_a_look_for_a_verdict_is_one_round_trip_and_one_more_while_there_is_none(
    lines: tuple[Farm, Line, Line], domain: str
) -> None:
    farm, to_database, _ = lines
    job = farm.submit(domain, ORDER)
    ledger = farm.require_ledger()
    assert ledger.answer(job.id) is None
    del to_database[:]
    assert ledger.answer(job.id, job.enqueued_at) is None
    assert [data[:1] for data in to_database] == [b"Q", b"Q"]
    assert b"from verdicts" in to_database[0]
    assert b"from dead_letters" in to_database[1]


def test_a_verdict_that_is_there_and_has_no_result_is_seen_at_the_first_look(
    lines: tuple[Farm, Line, Line], domain: str
) -> None:
    farm, _, _ = lines
    job, ledger = farm.submit(domain, ORDER), farm.require_ledger()
    until(lambda: datetime.now(UTC) - job.enqueued_at > timedelta(seconds=0.05), 60)
    assert Watch(job, farm.app, ledger, 60).look() is None
    assert store_verdict(ledger.engine, verdict(job.id, job.enqueued_at, domain=domain, as_of=job.as_of))
    found = Watch(job, farm.app, ledger, 60).look()
    assert found is not None
    assert found.id == job.id
