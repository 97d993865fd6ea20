"""Paths into facts: what one leads to, and a copy with another value there."""

from types import MappingProxyType
from typing import Any

import pytest

from engine.facts import Steps, get_path, with_path

SENT = {"lines": [{"sku": "A7"}, {"sku": "B2"}], "to": MappingProxyType({"zip": "1010"}), "tags": ("new", "red")}


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ((), SENT),
        (("lines", 1, "sku"), "B2"),
        (("to", "zip"), "1010"),
        (("tags", 0), "new"),
        (("tags", 2), None),
        (("lines", "sku"), None),
        (("to", 0), None),
        (("lines", 0, "sku", "x"), None),
        (("lines", 0, "sku", 0), None),
        (("missing", "sku"), None),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(steps: Steps, value: Any) -> None:
    assert get_path(SENT, steps) == value


@pytest.mark.parametrize("steps", [("lines", 1, "sku"), ("to", "zip"), ("tags", 0), ("tags", 1), ("new", "object")])
def test_a_copy_differs_where_the_path_leads_and_nowhere_else(steps: Steps) -> None:
    before = repr(SENT)
    after = with_path(SENT, steps, "other")
    assert get_path(after, steps) == "other"
    assert repr(SENT) == before
    assert {name: after[name] for name in SENT.keys() - {steps[0]}} == {
        name: SENT[name] for name in SENT.keys() - {steps[0]}
    }
    assert type(after["tags"]) is tuple
    assert type(after["lines"]) is list


@pytest.mark.parametrize("steps", [("tags", 2), ("to", 0), ("lines", "sku"), ("lines", 0, "sku", "x"), ("missing", 0)])
def test_a_path_that_leads_nowhere_is_refused(steps: Steps) -> None:
    with pytest.raises(LookupError):
        with_path(SENT, steps, "other")


def test_a_member_that_becomes_null_stays_in_facts_and_not_in_slots() -> None:
    assert with_path({"a": {"b": 1, "c": 2}}, ("a", "b"), None) == {"a": {"b": None, "c": 2}}
    assert with_path({"a": {"b": 1, "c": 2}}, ("a", "b"), None, keep_null=False) == {"a": {"c": 2}}


def test_a_member_whose_name_is_written_as_letters_and_marks_keeps_what_is_beside_the_path() -> None:
    sent = {"e\u0301": {"x": 1, "y": 2}, "z": 3}
    assert with_path(sent, ("\u00e9", "x"), 5) == {"z": 3, "\u00e9": {"x": 5, "y": 2}}
