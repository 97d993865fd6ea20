"""Hints with the nearest name: what is near, what is not, and how much work it may be."""

import pytest

from engine.suggestions import MAX_COMPARED, MAX_COMPARED_CHARACTERS, did_you_mean

ATTRIBUTES = ("salience", "no-loop", "date-expires", "agenda-group")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("saliense", "salience"), ("SALIENCE", "salience"), ("noloop", "no-loop"), ("expires", "date-expires")],
)
def test_a_slip_of_a_letter_of_case_or_of_a_part_is_recognised(name: str, nearest: str) -> None:
    assert did_you_mean(name, ATTRIBUTES) == f"did you mean '{nearest}'?"


@pytest.mark.parametrize("name", ["", "x", "priority", "sal", "s" * 40])
def test_nothing_is_suggested_for_what_is_like_no_name(name: str) -> None:
    assert did_you_mean(name, ATTRIBUTES) == ""


def test_the_hint_writes_a_name_as_it_is_written_in_the_schema() -> None:
    assert did_you_mean("unit_PRICE", ["unitPrice"]) == "did you mean 'unitPrice'?"


def test_what_is_compared_is_bounded() -> None:
    others = [f"field{number:06}" for number in range(MAX_COMPARED)]
    assert did_you_mean("price", [*("x" * 30 for _ in others), "prices"]) == "did you mean 'prices'?"
    assert did_you_mean("field_abc", [*others, "field_abd"]) != "did you mean 'field_abd'?"
    assert did_you_mean("p" * (MAX_COMPARED_CHARACTERS + 1), ["p" * (MAX_COMPARED_CHARACTERS + 2)]) == ""
