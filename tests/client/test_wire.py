"""Facts travel as one canonical text; what JSON or Postgres can't hold is refused by name."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
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
    ({"Order": {"a": 10**15}}, {"Order": {"a": 1e15}}),
    ({"Order": {"a": 12345678901234600}}, {"Order": {"a": 1.2345678901234567e16}}),
    ({"Order": {"a": 0}}, {"Order": {"a": -0.0}}),
    ({"Line": [{"q": 1}]}, {"Line": ({"q": 1},)}),
    ({"Order": {"day": "2026-03-01"}}, {"Order": {"day": date(2026, 3, 1)}}),
    ({"Order": {"at": "10:30:00"}}, {"Order": {"at": time(10, 30)}}),
    ({"Order": {"took": "P1DT1H30M"}}, {"Order": {"took": timedelta(hours=25.5)}}),
    ({"Order": {"took": "-PT0.500000S"}}, {"Order": {"took": timedelta(seconds=-0.5)}}),
]
REFUSED: list[tuple[Any, str, str]] = [
    ([], "bad-facts", "JSON object"),
    ({}, "bad-facts", "JSON object"),
    ("Order", "bad-facts", "JSON object"),
    ({"Order": {"total": float("nan")}}, "bad-number", "Order.total: nan"),
    ({"Order": {"total": float("-inf")}}, "bad-number", "Order.total: -inf"),
    ({"Order": {"total": Decimal("NaN")}}, "bad-number", "Order.total: NaN"),
    ({"Order": {"total": Decimal("sNaN")}}, "bad-number", "Order.total: sNaN"),
    ({"Order": {"total": Decimal("-Infinity")}}, "bad-number", "Order.total: -Infinity"),
    ({"Order": {"total": Decimal("1e400")}}, "bad-number", "Order.total: 1E+400"),
    ({"Order": {"total": Decimal("1e-400")}}, "bad-number", "Order.total: 1E-400 is too small"),
    ({"Order": {"total": 10**400}}, "bad-number", "Order.total: an integer of 1329 bits"),
    ({"Order": {"total": -(10**10_000)}}, "bad-number", "Order.total: an integer of 33220 bits"),
    ({"Order": {"total": Decimal("0.1234567890123456")}}, "bad-number", "15 significant digits"),
    ({"Order": {"name": "a\x00b"}}, "bad-text", "Order.name: text with a NUL"),
    ({"Order": {"na\x00me": 1}}, "bad-text", "a name in Order: text with a NUL"),
    ({"Order": {"name": "\ud800"}}, "bad-text", "Order.name: text with half a surrogate"),
    ({"Order": {"\udfff": 1}}, "bad-text", "a name in Order: text with half a surrogate"),
    ({"Order": {1: 2}}, "bad-name", "the name 1"),
    ({"Order": {"n" * 201: 2}}, "bad-name", "more than 200 characters"),
    ({"Line": [{"q": 1}, {"q": {1, 2}}]}, "bad-facts", "Line[1].q: a set"),
    ({"Order": {"x": b"bytes"}}, "bad-facts", "Order.x: a bytes"),
    ({"Order": {"x": "y" * 100_001}}, "text-too-long", "Order.x: 100001 characters, over 100000"),
    ({"Line": [1] * 10_001}, "list-too-long", "Line: 10001 items, over 10000"),
    ({"Order": {f"f{n}": n for n in range(1001)}}, "too-many-fields", "Order: 1001 fields, over 1000"),
    ({f"f{n}": n for n in range(1001)}, "too-many-fields", "facts: 1001 fields, over 1000"),
    ({"Line": ["y" * 100_000] * 10}, "facts-too-large", "over 1000000"),
]
#: Just within every limit.
TAKEN: list[Any] = [
    {"Order": {"x": "y" * 100_000}},
    {"Line": [1] * 10_000},
    {"Order": {f"f{n}": n for n in range(1000)}},
    {"Order": {"n" * 200: 2}},
    {"Line": ["y" * 99_990] * 10},
    {"Order": {"x": 10**300, "y": 5e-324, "z": Decimal("1e-300")}},
    {"Order": {"'; drop table jobs; --": "$(reboot) `id` ; rm -rf /"}},
]
NO_FACTS = [
    ("{", "bad-json", "no JSON"),
    ("", "bad-json", "no JSON"),
    ('{"Order": ' + "9" * 5000 + "}", "bad-number", "digits"),
    ("[1]", "bad-facts", "JSON object"),
    ('{"Order": NaN}', "bad-number", "NaN"),
    ('{"Order": -Infinity}', "bad-number", "-Infinity"),
    ('{"Order": {"a": 1, "a": 2}}', "duplicate-name", "'a' stands twice"),
    ('{"Order": [{"b": 1}, {"a": {}, "b": 1, "a": 2}]}', "duplicate-name", "'a' stands twice"),
    ("[" * 100_000, "too-deep", "nested deeper than 32"),
    ('{"a":' * 100_000, "too-deep", "nested deeper than 32"),
]
NOT_CANONICAL = [
    ('{"Order": {"a":1}}', "not-canonical"),
    ('{"Order":{"b":1,"a":1}}', "not-canonical"),
    ('{"Order":{"a":7.0}}', "not-canonical"),
    ('{"Order":{"a":"\\u0041"}}', "not-canonical"),
    ('{"Order":{"a":1}}\n', "not-canonical"),
    ('{"Order":{"a":1e400}}', "bad-number"),
    ('{"Order":{"a":NaN}}', "bad-number"),
    ('{"Order":{"a":"\\u0000"}}', "bad-text"),
    ('{"Order":{"a":"\\ud800"}}', "bad-text"),
    ('{"Order":{"a":1,"a":1}}', "duplicate-name"),
    ('{"Order":' + "[" * 50_000 + "]" * 50_000 + "}", "too-deep"),
    ('{"Order":"' + "y" * 1_000_000 + '"}', "facts-too-large"),
    ("{}", "bad-facts"),
    ("", "bad-json"),
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


@pytest.mark.parametrize("facts", TAKEN)
def test_what_is_just_within_the_limits_is_taken(facts: Any) -> None:
    text = wire.canonical(facts)
    assert wire.canonical(wire.parse_canonical(text)) == text


def nested(levels: int) -> Any:
    facts: Any = 1
    for _ in range(levels):
        facts = [facts]
    return facts


@pytest.mark.parametrize("levels", [32, 33, 100_000])
def test_facts_nested_too_deep_are_refused(levels: int) -> None:
    with pytest.raises(JobRejected, match="Order: nested deeper than 32") as caught:
        wire.canonical({"Order": nested(levels)})
    assert caught.value.code == "too-deep"


def test_facts_may_be_as_deep_as_the_limit_says() -> None:
    assert wire.canonical({"Order": nested(31)}) == '{"Order":' + "[" * 31 + "1" + "]" * 31 + "}"


def test_facts_that_hold_themselves_or_one_thing_a_million_times_are_refused_soon() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(JobRejected, match="nested deeper"):
        wire.canonical({"Order": endless})
    bomb: Any = "ha"
    for _ in range(20):
        bomb = [bomb] * 1000
    with pytest.raises(JobRejected, match="more than 1000000 values"):
        wire.canonical({"Order": bomb})


@pytest.mark.parametrize(("text", "code"), NOT_CANONICAL)
def test_text_that_must_be_canonical_and_is_not_is_refused(text: str, code: str) -> None:
    with pytest.raises(JobRejected) as caught:
        wire.parse_canonical(text)
    assert caught.value.code == code


@pytest.mark.parametrize(("text", "code", "said"), NO_FACTS)
def test_text_that_is_no_facts_is_refused_with_its_source(text: str, code: str, said: str) -> None:
    with pytest.raises(JobRejected) as caught:
        wire.parse(text, source="order.json")
    assert caught.value.code == code
    assert said in str(caught.value)
    assert "order.json" in str(caught.value)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(JobRejected, match=r"Order\.total"):
        wire.canonical(wire.parse('{"Order": {"total": 1e400}}'))


_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)


@given(
    st.dictionaries(
        _NAMES,
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
            max_leaves=8,
        ),
        min_size=1,
    )
)
def test_canonical_text_of_canonical_text_is_itself(facts: dict[str, Any]) -> None:
    text = wire.canonical(facts)
    assert wire.canonical(wire.parse(text)) == text
    assert wire.canonical(json.loads(text)) == text
    assert wire.canonical(wire.parse_canonical(text)) == text
    # Names are in the order of their code points, in objects within others too.
    assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    "number", [1234567890123456, -9007199254740993, 12345678901234568, 4006381333931234567, 10**15 + 1, 10**40 + 1]
)
def test_an_integer_of_many_digits_keeps_them_all(number: int) -> None:
    text = wire.canonical({"Order": {"id": number}})
    assert text == f'{{"Order":{{"id":{number}}}}}'
    assert wire.canonical(wire.parse(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18).map(float))
def test_a_float_comes_back_from_jsonb_as_it_went_in(number: float) -> None:
    text = wire.canonical({"Order": {"total": number}})
    written_out = f"{Decimal(text[18:-2]):f}"
    assert wire.canonical(json.loads(f'{{"Order":{{"total":{written_out}}}}}')) == text


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


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_that_utc_has_no_year_for_is_refused(text: str) -> None:
    with pytest.raises(JobRejected, match="years 1 to 9999") as caught:
        wire.instant(datetime.fromisoformat(text))
    assert caught.value.code == "bad-as-of"


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b", "\ud800", 7, None])
def test_a_key_that_can_name_nothing_is_refused(key: Any) -> None:
    with pytest.raises(JobRejected):
        wire.checked_key(key)


@pytest.mark.parametrize(
    "facts",
    [
        {"P": {"z": 7.0, "a": Decimal("1.50"), "n": None, "t": True, "d": date(2026, 3, 1), "e": 1e16, "m": 10**15}},
        {"L": [{"ü": "Größe", "x" * 150: 1, "y" * 150: 2}, {}], "P": {"l": [[1, 2.5], ()]}},
    ],
)
def test_the_values_beside_the_text_are_what_is_read_from_it(facts: dict[str, Any]) -> None:
    text, values = wire.canonical_with_values(facts)
    read = json.loads(text)
    assert (repr(values), text) == (repr(read), wire.canonical(facts))


def test_a_name_that_is_text_of_a_class_of_its_own_is_taken_whichever_came_first() -> None:
    class Field(StrEnum):
        FIRST, SECOND = "b_first", "a_second"

    own, plain = {Field.FIRST: 1, Field.SECOND: 2}, {"b_first": 1, "a_second": 2}
    for one, other in ((own, plain), (plain, own)):
        assert wire.canonical({"P": one}) == wire.canonical({"P": other}) == '{"P":{"a_second":2,"b_first":1}}'


@pytest.mark.parametrize("name", ["n" * 201, "a\x00", "\ud800", 7])
def test_a_bad_name_among_many_good_ones_is_found(name: Any) -> None:
    many = {f"a_name_of_some_length_{n}": n for n in range(40)}
    assert wire.canonical({"P": many})
    with pytest.raises(JobRejected, match="name"):
        wire.canonical({"P": many | {name: 1}})
