"""Whichever library writes and reads it, canonical text is the same to the byte, and so is what Postgres gives back."""

import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from rulefarm import json_text, wire
from rulefarm.errors import JobRejected
from rulefarm.normalize import to_json_values

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
#: Where two writers of numbers may part: at powers of ten, and of two.
EDGES = [
    *(sign * 10.0**power for power in range(-8, 20) for sign in (1, -1)),
    *(sign * (2**power + more) for power in (49, 50, 53, 63, 64, 65) for sign in (1, -1) for more in (-1, 0, 1)),
    *(10**power + more for power in (14, 15, 16, 17, 300) for more in (-1, 0, 1, 100)),
    *(9.99e-05, 0.00012345, 1.5e-7, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 123456789012345.6, -0.0),
]
NUMBERS = st.sampled_from(EDGES) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
FACTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
#: Texts that look like numbers which are written otherwise.
LIKE_NUMBERS = {"a": ["1e5", "1e-5]", "[1e5,", "2.0", ":1234567890123456", "0.00001", "x-9007199254740993"], "n": 1.5}
EVERY_EDGE = {"P": {"at": EDGES, "aa": {f"n{number}": edge for number, edge in enumerate(EDGES)}}}


@given(FACTS)
@example(LIKE_NUMBERS)
@example(EVERY_EDGE)
@example({"all": [chr(code) for code in range(1, 0x800)] + ["\u2028", "\uffff", "😀", "e\u0301"]})
def test_canonical_text_is_what_the_encoder_of_python_writes(facts: dict[str, Any]) -> None:
    by_python = json.dumps(to_json_values(facts), ensure_ascii=False, separators=(",", ":"))
    assert wire.canonical(facts) == by_python


@profile(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(FACTS)
@example(LIKE_NUMBERS)
@example(EVERY_EDGE)
def test_facts_come_back_from_their_row_as_the_text_and_the_values_that_went_in(
    database: Engine, facts: dict[str, Any]
) -> None:
    sent, values = wire.canonical_with_values(facts)
    with database.connect() as connection:
        kept = connection.execute(text("select cast(:facts as jsonb)::text"), {"facts": sent}).scalar_one()
    found, read = wire.canonical_of_row(kept)
    # Two names may mean one field, and then the first counts: the order is part of it.
    assert (found, repr(read)) == (sent, repr(values))


@pytest.mark.parametrize(
    ("row", "canonical"),
    [
        ('{"b": 1, "aa": 7.0}', '{"aa":7,"b":1}'),
        ('{"aa": 1000000000000000, "b": -1000000000000000}', '{"aa":1000000000000000.0,"b":-1000000000000000.0}'),
        ('{"a": 12345678901234567890123}', '{"a":12345678901234567890123}'),
        ('{"a": 10000000000000000}', '{"a":1e+16}'),
        ('{"a": [10000000000000000]}', '{"a":[1e+16]}'),
        ('{"a": 0.000010}', '{"a":1e-05}'),
    ],
)
def test_a_row_that_somebody_else_wrote_has_the_text_of_its_values(row: str, canonical: str) -> None:
    assert wire.canonical_of_row(row) == (canonical, json.loads(canonical))


@pytest.mark.parametrize(("row", "code"), [("[]", "bad-facts"), ("{}", "bad-facts"), ('{"a": 1%s}', "bad-number")])
def test_a_row_that_holds_no_facts_is_refused_by_name(row: str, code: str) -> None:
    with pytest.raises(JobRejected) as caught:
        wire.canonical_of_row(row.replace("%s", "0" * 400))
    assert caught.value.code == code


def test_a_text_of_a_class_of_its_own_is_written_as_it_reads() -> None:
    class Payment(StrEnum):
        CARD = ("card", 7)

        def __new__(cls, name: str, number: int) -> "Payment":
            made = str.__new__(cls, name)
            made._value_ = number  # type: ignore[assignment]
            return made

    assert wire.canonical({"Order": {"by": Payment.CARD}}) == '{"Order":{"by":"card"}}'


def test_without_the_library_the_text_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = EVERY_EDGE | LIKE_NUMBERS
    written = wire.canonical(facts)
    monkeypatch.setattr(json_text, "_ORJSON", None)
    assert wire.canonical(facts) == written
    assert wire.canonical_of_row(json.dumps({"b": 1, "a": 0.5})) == ('{"a":0.5,"b":1}', {"a": 0.5, "b": 1})


def test_a_number_by_itself_is_written_as_within_facts() -> None:
    by_python = [json.dumps(to_json_values({"n": number})["n"]) for number in EDGES]
    assert [wire.canonical_value(number) for number in EDGES] == by_python
    assert [wire.canonical({"n": number}) for number in EDGES] == [f'{{"n":{written}}}' for written in by_python]
