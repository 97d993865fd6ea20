"""What stands for a set of values is a member of it, and what stands between two values lies there."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.values import ANYTHING, NOTHING, ValueSet, compared, moment_between, number_between, text_between, witnesses

numbers = st.integers(-(10**6), 10**6).flatmap(lambda digits: st.integers(-6, 3).map(lambda e: float(f"{digits}e{e}")))
texts = st.text("ab z~\U0010ffff", max_size=4)
moments = st.datetimes(timezones=st.just(UTC))
comparisons = st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.one_of(numbers, texts, moments))


def built(steps: list[tuple[bool, tuple[str, Any]]]) -> ValueSet:
    """A set that comparisons make, each met with what came before or added to it."""
    values = ANYTHING
    for meets, (op, constant) in steps:
        holds = compared(op, constant) or NOTHING
        values = values & holds if meets else values | holds
    return values


@given(st.lists(st.tuples(st.booleans(), comparisons), max_size=4))
def test_every_witness_is_a_member_of_its_set(steps: list[tuple[bool, tuple[str, Any]]]) -> None:
    values = built(steps)
    chosen = witnesses(values)
    assert all(value in values for value in chosen)
    assert (None in chosen) is values.null


@pytest.mark.parametrize(
    ("op", "constant", "first"),
    [
        (">", 5.0, 6.0),
        (">=", 5.0, 5.0),
        ("<=", 0.25, 0.25),
        ("==", "DAIRY", "DAIRY"),
        ("!=", "DAIRY", "DAIRY …"),
        (">=", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_what_reads_best_comes_first(op: str, constant: Any, first: Any) -> None:
    kind = type(constant)
    assert next(value for value in witnesses(compared(op, constant) or NOTHING) if isinstance(value, kind)) == first


@pytest.mark.parametrize("edge", [datetime.min, datetime.max])
def test_the_ends_of_the_calendar_have_witnesses(edge: datetime) -> None:
    edge = edge.replace(tzinfo=UTC)
    assert edge in witnesses(compared("==", edge) or NOTHING)
    others = [value for value in witnesses(compared("!=", edge) or NOTHING) if isinstance(value, datetime)]
    assert any(abs(value - edge) == timedelta(days=1) for value in others)


@given(st.decimals(-1000, 1000, places=6), st.decimals(-1000, 1000, places=6))
def test_a_number_between_two_is_the_roundest(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    if low == high:
        return
    between = number_between(low, high)
    assert low < between < high
    places = -int(between.as_tuple().exponent)
    coarser = [round((low + high) / 2, fewer) for fewer in range(places)]
    assert not [number for number in coarser if low < number < high]


def test_where_one_side_is_open_a_number_is_one_away() -> None:
    assert number_between(Decimal(7), None) == 8
    assert number_between(None, Decimal(7)) == 6
    assert number_between(None, None) == 0


@given(texts, texts)
def test_a_text_between_two_lies_there(one: str, other: str) -> None:
    low, high = sorted((one, other))
    # Right behind a text comes the same with NUL, and nothing that can be shown lies between.
    if low + "\x01" < high:
        assert low < text_between(low, high) < high
    assert text_between(low, None) > low
    assert text_between(None, high) <= high


@given(moments, moments)
def test_a_moment_between_two_lies_there(one: datetime, other: datetime) -> None:
    low, high = sorted((one, other))
    if high - low > timedelta(microseconds=1):
        assert low < moment_between(low, high) < high
    assert moment_between(low, None) >= low
    assert moment_between(None, high) <= high
