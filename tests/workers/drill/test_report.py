"""A drill that has one flaw has not passed, and a program gets all of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.workers.drill.reports import BAD, GOOD


@pytest.mark.parametrize(
    "flaw", [{"finished_s": None}, {"findings": BAD.findings}, {"open": BAD.open}], ids=["late", "findings", "open"]
)
def test_one_flaw_is_enough(flaw: dict[str, Any]) -> None:
    assert not replace(GOOD, **flaw).passed


def test_a_program_gets_all_of_it() -> None:
    document = json.loads(json.dumps(BAD.to_json(), default=str))
    assert document["passed"] is False
    assert document["open"][0]["id"] == "id-1"
    assert document["findings"][2]["code"] == "doubled"
    assert document["impacts"][1]["closed_s"] is None
