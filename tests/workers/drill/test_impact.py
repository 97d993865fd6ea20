"""How a fault is measured, on verdicts whose times are known."""

import uuid
from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest

from rulefarm.settings import Settings
from workers.drill.impact import InjectedFault, measure

#: When the drill began, as a Unix time.
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
INSERT = (
    "insert into verdicts (id, enqueued_at, domain, subject, outcome, fired, reasons, changes, ruleset_digest,"
    " facts_digest, as_of, worker, evaluated_at, micros)"
    " values (%s, now(), 'd', 's', 'accept', '{}', '[]', '{}', 'r', 'f', now(), %s, to_timestamp(%s), 1)"
)


def job(n: int) -> str:
    return str(uuid.UUID(int=n))


@pytest.fixture
def url(settings: Settings) -> str:
    """Ten verdicts a second for ten seconds, none for four, ten a second for six; every second one by `two`."""
    url = settings.require_database()
    times = [n / 10 for n in range(200) if not 100 <= n < 140]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.executemany(
            INSERT, [(job(n), f"{('one', 'two')[n % 2]}@here", BEGAN + at) for n, at in enumerate(times)]
        )
        connection.commit()
    return url


def injected(worker: str | None = None, open: frozenset[str] = frozenset(), ended: float = 11.0) -> InjectedFault:
    return InjectedFault("child", "something", worker, BEGAN + 10.0, BEGAN + ended, open)


def test_a_fault_that_nothing_was_open_at(url: str) -> None:
    [impact] = measure(url, [injected()], BEGAN, frozenset())
    assert impact.at_s == pytest.approx(10.0)
    assert impact.before == pytest.approx(10.0, abs=0.3)
    assert impact.during == 0.0
    assert impact.flows_s == pytest.approx(3.0, abs=0.01)
    assert impact.closed_s == 0.0


def test_what_was_open_is_waited_for(url: str) -> None:
    # The hundredth verdict is the first after the pause, the 121st two seconds later.
    [impact] = measure(url, [injected(open=frozenset({job(100), job(120)}))], BEGAN, frozenset())
    assert impact.closed_s == pytest.approx(6.0, abs=0.01)
    assert impact.during == pytest.approx(20 / 6, abs=0.3)
    assert impact.after == pytest.approx(40 / 5, abs=0.3)


def test_poison_is_not_waited_for_but_what_never_closed_is_told(url: str) -> None:
    never = job(4711)
    [impact] = measure(url, [injected(open=frozenset({never}))], BEGAN, frozenset({never}))
    assert impact.closed_s == 0.0
    [impact] = measure(url, [injected(open=frozenset({never}))], BEGAN, frozenset())
    assert impact.closed_s is None


def test_a_worker_that_was_hit_has_to_give_the_verdict_itself(url: str) -> None:
    assert [
        measure(url, [injected(worker, ended=14.05)], BEGAN, frozenset())[0].flows_s
        for worker in ("one", "two", "gone")
    ] == [pytest.approx(0.15, abs=0.01), pytest.approx(0.05, abs=0.01), None]
