"""Facts travel as one canonical text; what JSON or Postgres can't hold is refused by name."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulefarm import wire
from rulefarm.errors import JobRejected

EQUAL = [
    ({"Order": {"a": 1, "b": 2}}, {"Order": {"b": 2, "a": 1}}),
    ({"Order": {"a": 7}}, {"Order": {"a": 7.0}}),
    ({"Order": {"a": 0.1}}, {"Order": {"a": Decimal("0.10")}}),
    ({"Order": {"a": 10**16}}, {"Order": {"a": 1e16}}),
    ({"Order": {"a": 0}}, {"Order": {"a": -0.0}}),
    ({"Line": [{"q": 1}]}, {"Line": ({"q": 1},)}),
    ({"Order": {"day": "2026-03-01"}}, {"Order": {"day": date(2026, 3, 1)}}),
]
REFUSED: list[tuple[Any, str, str]] = [
    ([], "bad-facts", "JSON object"),
    ({}, "bad-facts", "JSON object"),
    ("Order", "bad-facts", "JSON object"),
    ({"Order": {"total": float("nan")}}, "bad-facts", "Order.total"),
    ({"Order": {"total": float("-inf")}}, "bad-facts", "Order.total"),
    ({"Order": {"total": Decimal("NaN")}}, "bad-facts", "Order.total"),
    ({"Order": {"total": Decimal("0.1234567890123456")}}, "bad-facts", "15 significant digits"),
    ({"Order": {"name": "a\x00b"}}, "bad-facts", "Order.name: text with a NUL"),
    ({"Order": {"na\x00me": 1}}, "bad-facts", "a name in Order: text with a NUL"),
    ({"Order": {"name": "\ud800"}}, "bad-facts", "half a surrogate"),
    ({"Order": {1: 2}}, "bad-facts", "the name 1"),
    ({"Line": [{"q": 1}, {"q": {1, 2}}]}, "bad-facts", "Line[1].q: a set"),
    ({"Order": {"x": b"bytes"}}, "bad-facts", "Order.x: a bytes"),
    ({"Order": {"x": "y" * 1_000_001}}, "facts-too-large", "1000000"),
]
NO_FACTS = [
    ("{", "bad-json", "no JSON"),
    ("", "bad-json", "no JSON"),
    ("[1]", "bad-facts", "JSON object"),
    ('{"Order": NaN}', "bad-json", "NaN"),
    ('{"Order": -Infinity}', "bad-json", "Infinity"),
    ('{"Order": {"a": 1, "a": 2}}', "bad-json", "'a' stands twice"),
    ("[" * 100_000, "bad-", "order.json"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_facts_have_the_same_text(one: Any, other: Any) -> None:
    assert wire.canonical(one) == wire.canonical(other)


@pytest.mark.parametrize(("facts", "code", "said"), REFUSED)
def test_what_cannot_travel_is_refused_by_name(facts: Any, code: str, said: str) -> None:
    with pytest.raises(JobRejected) as caught:
        wire.canonical(facts)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_facts_nested_too_deep_are_refused() -> None:
    facts: Any = 1
    for _ in range(100_000):
        facts = [facts]
    with pytest.raises(JobRejected, match="nested deeper than 32"):
        wire.canonical({"Order": facts})


@pytest.mark.parametrize(("text", "code", "said"), NO_FACTS)
def test_text_that_is_no_facts_is_refused_with_its_source(text: str, code: str, said: str) -> None:
    with pytest.raises(JobRejected) as caught:
        wire.parse(text, source="order.json")
    assert caught.value.code.startswith(code)
    assert said in str(caught.value)
    assert "order.json" in str(caught.value)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(JobRejected, match=r"Order\.total"):
        wire.canonical(wire.parse('{"Order": {"total": 1e400}}'))


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner, max_size=4),
            max_leaves=8,
        ),
        min_size=1,
    )
)
def test_canonical_text_of_canonical_text_is_itself(facts: dict[str, Any]) -> None:
    text = wire.canonical(facts)
    assert wire.canonical(wire.parse(text)) == text
    assert wire.canonical(json.loads(text)) == text


def test_the_same_job_has_the_same_id_and_any_difference_another() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    ids = {
        wire.job_id("payment", "4711", "d1", None),
        wire.job_id("payment", "4711", "d1", moment),
        wire.job_id("payment", "4711", "d2", None),
        wire.job_id("payment", "4712", "d1", None),
        wire.job_id("promotion", "4711", "d1", None),
    }
    assert len(ids) == 5
    assert wire.job_id("payment", "4711", "d1", moment) in ids


def test_an_instant_needs_a_time_zone_and_is_kept_in_utc() -> None:
    moment = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert wire.instant(moment) == moment
    assert wire.instant(moment).isoformat() == "2026-02-28T23:00:00+00:00"
    with pytest.raises(JobRejected, match="no time zone"):
        wire.instant(datetime(2026, 3, 1))


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b", "\ud800", 7, None])
def test_a_key_that_can_name_nothing_is_refused(key: Any) -> None:
    with pytest.raises(JobRejected):
        wire.checked_key(key)
