"""Every verdict is counted once, whenever it comes on record, and those of now at once."""

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert

from rulefarm.database import connect, verdicts
from rulefarm.settings import Settings
from store.verdict_totals import ANSWER_S, EVALUATION_S, VerdictKind, VerdictTotals
from tests.conftest import fresh_database
from tests.rows import verdict
from workers.embedded.services import Services

START = datetime(2026, 3, 1, 12, 0, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def connection(services: Services) -> Iterator[Connection]:
    """To a database of this file's own."""
    with fresh_database(services) as url:
        engine: Engine = connect(Settings(database_url=url))
        with engine.connect() as connection:
            yield connection
        engine.dispose()


def judge(connection: Connection, *moments: datetime, waited_s: float = 0.02, **other: Any) -> None:
    """Put verdicts on record that were reached at some moments."""
    for moment in moments:
        row = verdict(uuid.uuid4(), moment - timedelta(seconds=waited_s), evaluated_at=moment, **other)
        values = {name: getattr(row, name) for name in verdicts.columns.keys()}  # noqa: SIM118
        connection.execute(insert(verdicts).values(values))


def numbers(totals: VerdictTotals) -> dict[str, int]:
    """How many, by outcome."""
    return {kind.outcome: tally.number for kind, tally in totals.total.items()}


@pytest.fixture
def empty(connection: Connection) -> Connection:
    """Without a verdict."""
    connection.execute(delete(verdicts))
    return connection


class _Breaking:
    """A connection over which one statement does not come back."""

    def __init__(self, connection: Connection, fails_at: int) -> None:
        self._connection, self._left = connection, fails_at

    def execute(self, *statement: Any) -> Any:
        self._left -= 1
        if not self._left:
            raise ConnectionError
        return self._connection.execute(*statement)


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4, 5])
def test_a_first_reading_that_breaks_off_is_taken_up_where_it_was(empty: Connection, fails_at: int) -> None:
    judge(empty, *(START - timedelta(days=days) for days in (0, 1, 2, 3)))
    totals = VerdictTotals()
    with pytest.raises(ConnectionError):
        totals.read(_Breaking(empty, fails_at), START)  # type: ignore[arg-type]
    totals.read(empty, START)
    assert numbers(totals) == {"review": 4}


#: Steps: seconds that pass, then verdicts that come on record, each so many seconds after it was reached.
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 1, 5, 9, 15, 30, 61, 300, 3600]), st.lists(st.integers(-30, 500), max_size=4)),
    min_size=1,
    max_size=8,
)


@given(steps=STEPS)
@limits(max_examples=60, deadline=None)
def test_each_is_counted_once_and_no_count_ever_falls(connection: Connection, steps: Any) -> None:
    connection.execute(delete(verdicts))
    totals, now, last, due = VerdictTotals(), START, 0, 0
    for passed, lags in steps:
        now += timedelta(seconds=passed)
        judge(connection, *(now - timedelta(seconds=lag) for lag in lags))
        totals.read(connection, now)
        found = sum(numbers(totals).values())
        # What is not older than 10 s is seen at once, whatever comes later.
        due += sum(lag <= 10 for lag in lags)
        assert found >= max(last, due)
        last = found
    everything = sum(len(lags) for _, lags in steps)
    # A quarter of an hour later all are settled; and so they stay.
    for _ in range(2):
        now += timedelta(seconds=900)
        totals.read(connection, now)
        assert sum(numbers(totals).values()) == everything
        assert totals.within(60) == {}


class _Watched:
    """A connection that notes what is read of verdicts themselves, and not only how many there are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.read: list[tuple[datetime, Any]] = []

    def execute(self, statement: Any, values: Any = None) -> Any:
        if "outcome" in str(statement):
            self.read.append((values["since"], values["until"]))
        return self._connection.execute(statement, values)


def test_a_verdict_that_was_read_is_read_again_only_if_another_came_beside_it(empty: Connection) -> None:
    judge(empty, START - timedelta(seconds=30), START)
    totals, watched = VerdictTotals(), _Watched(empty)
    # The slot of the last reading was not at its end.
    for seconds in (0, 5):
        totals.read(watched, START + timedelta(seconds=seconds))  # type: ignore[arg-type]
    watched.read.clear()
    # Not while it is new, nor when it is a minute old or settled.
    for seconds in (9, 14, 61, 95, 601, 660):
        totals.read(watched, START + timedelta(seconds=seconds))  # type: ignore[arg-type]
    assert watched.read
    assert all(since > START + timedelta(seconds=1) for since, _ in watched.read)
    # One that is late by a minute: it is read, and nothing else of that minute.
    watched.read.clear()
    late = START + timedelta(seconds=655)
    judge(empty, late, late)
    totals.read(watched, START + timedelta(seconds=725))  # type: ignore[arg-type]
    assert [(since <= late < until <= since + timedelta(seconds=2)) for since, until in watched.read[:-1]] == [True]
    assert watched.read[-1][0] > START + timedelta(seconds=657)
    assert numbers(totals) == {"review": 4}


def test_what_came_while_nobody_looked_is_read_once(empty: Connection) -> None:
    totals, watched = VerdictTotals(), _Watched(empty)
    totals.read(watched, START)  # type: ignore[arg-type]
    moments = [START + timedelta(seconds=seconds) for seconds in (1, 100, 3000, 3500, 3595)]
    judge(empty, *moments)
    watched.read.clear()
    totals.read(watched, START + timedelta(hours=1))  # type: ignore[arg-type]
    for moment in moments:
        assert sum(since <= moment and (until == "infinity" or moment < until) for since, until in watched.read) == 1
    assert numbers(totals) == {"review": 5}


def test_whoever_looks_takes_one_core_of_a_farm_at_work(empty: Connection) -> None:
    VerdictTotals().read(empty, START)
    assert empty.exec_driver_sql("show max_parallel_workers_per_gather").scalar_one() == "0"


def test_what_was_there_before_is_counted_with_what_comes(empty: Connection) -> None:
    long_ago = [START - timedelta(days=days, hours=1) for days in (0, 1, 2, 40)]
    judge(empty, *long_ago, START - timedelta(seconds=2))
    totals = VerdictTotals()
    totals.read(empty, START)
    assert numbers(totals) == {"review": 5}
    judge(empty, START, outcome="reject")
    judge(empty, START, domain="pricing", batch=uuid.uuid4())
    totals.read(empty, START + timedelta(seconds=1))
    assert {kind: tally.number for kind, tally in totals.total.items()} == {
        VerdictKind("payment", "review", batch=False): 5,
        VerdictKind("payment", "reject", batch=False): 1,
        VerdictKind("pricing", "review", batch=True): 1,
    }
    assert sum(tally.number for tally in totals.within(60).values()) == 3
    assert 60 <= totals.lately_s(60) < 62


def test_the_last_day_is_counted_by_the_hour_whether_it_was_there_before_or_comes(empty: Connection) -> None:
    judge(empty, *(START - timedelta(hours=hours) for hours in (30, 24, 2, 2)), START - timedelta(minutes=5))
    totals = VerdictTotals()
    totals.read(empty, START)
    judge(empty, START, outcome="reject")
    # One that came late, into a slot that is read again.
    judge(empty, START - timedelta(seconds=30), domain="pricing", batch=uuid.uuid4())
    late = VerdictKind("pricing", "review", batch=True)
    review, reject = (VerdictKind("payment", outcome, batch=False) for outcome in ("review", "reject"))
    first = START.replace(second=0) - timedelta(hours=24)
    for seconds in (120, 700):
        totals.read(empty, START + timedelta(seconds=seconds))
        hours = totals.by_hour()
        assert [*hours] == [first + timedelta(hours=n) for n in range(25)]
        assert {n: found for n, found in enumerate(hours.values()) if found} == {
            0: {review: 1}, 22: {review: 2}, 23: {review: 1, late: 1}, 24: {reject: 1}
        }  # fmt: skip
    totals.read(empty, START + timedelta(days=1, hours=2))
    assert [found for found in totals.by_hour().values() if found] == []


def test_the_verdicts_of_a_clock_that_is_ahead_are_counted_and_have_no_pace(empty: Connection) -> None:
    judge(empty, START, START + timedelta(hours=1))
    totals = VerdictTotals()
    for _ in range(2):
        totals.read(empty, START)
        assert numbers(totals) == {"review": 2}
        assert sum(tally.number for tally in totals.within(60).values()) == 1
    totals.read(empty, START + timedelta(hours=1, seconds=5))
    assert numbers(totals) == {"review": 2}
    assert sum(tally.number for tally in totals.within(60).values()) == 1


def test_no_verdict_at_all_is_counted_as_none(empty: Connection) -> None:
    totals = VerdictTotals()
    totals.read(empty)
    totals.read(empty)
    assert (totals.total, totals.within(60), totals.judges(60)) == ({}, {}, {})


@pytest.mark.parametrize("micros", [0, 50, 51, 100, 25_000, 1_000_000, 1_000_001, 2**31 - 1])
def test_a_time_is_in_the_first_class_whose_end_it_does_not_exceed(empty: Connection, micros: int) -> None:
    waited = [0.0, 0.005, 0.005001, 0.1, 3600.0, 3600.000001, -5.0]
    for seconds in waited:
        judge(empty, START, waited_s=seconds, micros=micros)
    totals = VerdictTotals()
    totals.read(empty, START)
    [tally] = totals.total.values()
    place = sum(micros / 1e6 > end for end in EVALUATION_S)
    assert tally.evaluations == tuple(len(waited) * (i == place) for i in range(len(EVALUATION_S) + 1))
    expected = Counter(sum(seconds > end for end in ANSWER_S) for seconds in waited)
    assert tally.answers == tuple(expected[i] for i in range(len(ANSWER_S) + 1))
    assert tally.evaluation_s == pytest.approx(len(waited) * micros / 1e6)
    # What was judged before it was submitted is of a clock that is off, and took no time.
    assert tally.answer_s == pytest.approx(sum(max(seconds, 0) for seconds in waited))


def test_who_judged_by_which_ruleset_is_told_of_the_last_one(empty: Connection) -> None:
    old, new = START - timedelta(seconds=300), START - timedelta(seconds=5)
    judge(empty, old, old, worker="a@1", ruleset_digest="1" * 64)
    judge(empty, new, worker="a@1", ruleset_digest="2" * 64)
    judge(empty, old, worker="b@2", ruleset_digest="1" * 64)
    totals = VerdictTotals()
    totals.read(empty, START)
    assert totals.judges(590) == {("a@1", "payment"): ("2" * 64, 3), ("b@2", "payment"): ("1" * 64, 1)}
    assert totals.judges(60) == {("a@1", "payment"): ("2" * 64, 1)}
