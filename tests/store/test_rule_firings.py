"""Each firing is counted once, whenever its verdict comes on record, and is forgotten after thirty days."""

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert

from rulefarm.database import connect, verdicts
from rulefarm.settings import Settings
from store.rule_firings import DAYS, RuleFiringCounts
from tests.conftest import fresh_database
from tests.rows import verdict
from workers.embedded.services import Services

#: A minute after midnight: what was judged a moment ago was judged yesterday.
START = datetime(2026, 3, 2, 0, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def connection(services: Services) -> Iterator[Connection]:
    """To a database of this file's own."""
    with fresh_database(services) as url:
        engine: Engine = connect(Settings(database_url=url))
        with engine.connect() as connection:
            yield connection
        engine.dispose()


@pytest.fixture
def empty(connection: Connection) -> Connection:
    """Without a verdict."""
    connection.execute(delete(verdicts))
    return connection


def judge(connection: Connection, moment: datetime, *fired: str, domain: str = "shop") -> None:
    """Put a verdict on record that was reached at a moment."""
    row = verdict(uuid.uuid4(), moment, evaluated_at=moment, fired=fired, domain=domain)
    values = {name: getattr(row, name) for name in verdicts.columns.keys()}  # noqa: SIM118
    connection.execute(insert(verdicts).values(values | {"fired": list(fired)}))


def fired(counts: RuleFiringCounts, domain: str = "shop") -> dict[str, int]:
    return {name: one.fired for name, one in counts.of(domain).rules.items()}


def test_each_rule_is_counted_by_the_day_that_it_fired_on(empty: Connection) -> None:
    judge(empty, START, "A", "B", "A")
    judge(empty, START - timedelta(minutes=2), "A")
    judge(empty, START - timedelta(days=29), "C")
    judge(empty, START - timedelta(days=31), "Old")
    judge(empty, START, "A", domain="other")
    judge(empty, START)
    counts = RuleFiringCounts()
    counts.read(empty, START)
    found = counts.of("shop")
    assert (found.days[0].isoformat(), found.days[-1].isoformat()) == ("2026-02-01", "2026-03-02")
    assert found.verdicts == (1, *[0] * (DAYS - 3), 1, 2)
    assert {name: one.by_day[-2:] for name, one in found.rules.items()} == {"A": (1, 2), "B": (0, 1), "C": (0, 0)}
    assert found.rules["A"].last == START
    assert found.rules["C"].by_day[0] == 1
    assert (fired(counts, "other"), fired(counts, "unheard of")) == ({"A": 1}, {})


def test_what_is_too_long_ago_is_forgotten_and_what_comes_late_is_not_missed(empty: Connection) -> None:
    judge(empty, START, "A")
    counts = RuleFiringCounts()
    counts.read(empty, START)
    judge(empty, START - timedelta(seconds=50), "Late")
    counts.read(empty, START + timedelta(seconds=30))
    counts.read(empty, START + timedelta(seconds=700))
    assert fired(counts) == {"A": 1, "Late": 1}
    later = START + timedelta(days=DAYS)
    judge(empty, later, "New")
    counts.read(empty, later)
    assert fired(counts) == {"New": 1}


def test_a_reading_that_breaks_off_counts_nothing_twice(empty: Connection) -> None:
    for days in range(4):
        judge(empty, START - timedelta(days=days), "A")

    class Breaking:
        left = 0

        def execute(self, *statement: object) -> object:
            self.left -= 1
            if not self.left:
                raise ConnectionError
            return empty.execute(*statement)  # type: ignore[call-overload]

    for fails_at in range(1, 6):
        counts, broken = RuleFiringCounts(), Breaking()
        broken.left = fails_at
        with pytest.raises(ConnectionError):
            counts.read(broken, START)  # type: ignore[arg-type]
        counts.read(empty, START)
        assert fired(counts) == {"A": 4}


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([0, 1, 9, 61, 300, 86_400]),
            st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["", "A", "AB", "AA"])), max_size=3),
        ),
        max_size=6,
    )
)
@limits(max_examples=15, deadline=None)
def test_however_verdicts_come_in_the_counts_are_those_of_a_new_reading(
    connection: Connection, steps: list[tuple[int, list[tuple[int, str]]]]
) -> None:
    connection.execute(delete(verdicts))
    counts, now, expected = RuleFiringCounts(), START, Counter[str]()
    counts.read(connection, now)
    for seconds, judged in steps:
        now += timedelta(seconds=seconds)
        for late_s, rules in judged:
            judge(connection, now - timedelta(seconds=late_s), *rules)
            expected.update(rules)
        counts.read(connection, now)
    # All that came up to 500 s late was read again, at the latest, when its time was settled.
    counts.read(connection, now + timedelta(seconds=700))
    again = RuleFiringCounts()
    again.read(connection, now + timedelta(seconds=700))
    assert fired(counts) == fired(again) == dict(expected)
    assert counts.of("shop").verdicts == again.of("shop").verdicts
