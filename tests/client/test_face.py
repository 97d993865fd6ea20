"""What an order service holds in its hands: errors that name what was given, a batch that can be waited for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

import rulefarm
from rulefarm import Farm, JobRejected, Settings, VerdictPending, errors

ORDER = {"Order": {"total": 12.5}}


class AsyncSession:
    """As one of asyncio: nothing of SQLAlchemy's that does its work at once. The real one needs greenlet."""


@pytest.fixture
def farm(settings: Settings) -> Iterator[Farm]:
    """A producer on the fresh database."""
    with Farm(settings) as producer:
        yield producer


@pytest.mark.parametrize("as_of", ["2026-03-01", "yesterday", 1774000000, 7.5])
def test_an_instant_that_is_none_is_refused_by_name(farm: Farm, domain: str, as_of: object) -> None:
    with pytest.raises(JobRejected, match=r"as_of is a (str|int|float), not a datetime") as caught:
        farm.submit(domain, ORDER, as_of=as_of)  # type: ignore[arg-type]
    assert caught.value.code == "bad-as-of"


def test_what_is_no_connection_is_refused_by_name(farm: Farm, domain: str, settings: Settings) -> None:
    engine = create_engine(settings.require_database().replace("postgresql:", "postgresql+psycopg2:"))
    for given in (engine, AsyncSession(), "postgresql://"):
        with pytest.raises(JobRejected, match=f"connection is a {type(given).__name__}") as caught:
            farm.submit(domain, ORDER, connection=given)  # type: ignore[arg-type]
        assert caught.value.code == "bad-connection"
    engine.dispose()


def test_a_batch_is_waited_for_until_it_is_done(farm: Farm, domain: str, database: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sku,price\nA,1\nB,2\n")
    batch = farm.submit_batch(domain, tmp_path / "a.csv")
    with pytest.raises(VerdictPending) as caught:
        batch.wait(timeout=0.2)
    assert caught.value.code == "batch-pending"
    with database.begin() as connection:
        connection.execute(text("update batches set state = 'done' where id = :id"), {"id": batch.id})
    record = batch.wait(timeout=0.2)
    assert (record["state"], record["rows"], record["outcomes"]) == ("done", 2, {})


def test_every_error_that_a_producer_can_meet_is_on_the_face() -> None:
    every = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)}
    assert every <= set(rulefarm.__all__)


def test_what_sent_was_called_before_is_there_for_a_release_and_says_so(farm: Farm, domain: str) -> None:
    job = farm.submit(domain, ORDER)
    with pytest.warns(FutureWarning, match="now called sent"):
        assert job.rung is job.sent is True
