"""What an order service holds in its hands: errors that name what was given, a batch that can be waited for."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

import rulefarm
from rulefarm import Farm, JobRejected, RulefarmError, Settings, VerdictPending, errors

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


#: Values that a mistake of the caller's puts where something else belongs.
MISTAKES: list[Any] = [None, 5, 1.5, b"x", [], {}, object()]


@pytest.mark.parametrize("given", MISTAKES, ids=lambda given: type(given).__name__)
def test_a_mistake_of_the_callers_is_refused_in_the_clients_own_words(farm: Farm, domain: str, given: Any) -> None:
    source = partial(farm.submit_batch, domain, "nowhere.csv")
    calls: dict[str, Callable[[], object]] = {
        "no-such-id": lambda: farm.verdict(given),
        "no-such-id of a batch": lambda: farm.batch(given),
        "unreadable-source": lambda: farm.submit_batch(domain, given),
        "bad-facts of a pair": lambda: farm.submit_many(domain, [("key", ORDER, given)]),  # type: ignore[list-item]
    }
    if given is not None:
        calls |= {f"bad-option {name}": partial(source, **{name: given}) for name in ("subject", "sheet", "decimal")}
    if not isinstance(given, Iterable):
        calls["bad-facts"] = lambda: farm.submit_many(domain, given)
    for name, call in calls.items():
        with pytest.raises(RulefarmError) as caught:
            call()
        assert caught.value.code == name.split()[0]


def test_what_is_empty_is_not_taken_for_what_is_left_out(farm: Farm, domain: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sku,price\nA,1\n")
    for code, terms in (("bad-key", {"key": ""}), ("bad-as-of", {"as_of": ""}), ("bad-as-of", {"as_of": 0})):
        for call in (
            partial(farm.submit, domain, ORDER),
            partial(farm.submit_batch, domain, tmp_path / "a.csv"),
        ):
            with pytest.raises(JobRejected) as caught:
                call(**terms)  # type: ignore[arg-type]
            assert caught.value.code == code


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
