"""Whoever says a moment to judge at that is no instant is told so, by whatever way facts are judged."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest

from engine import EngineError, Program, explain
from engine.evaluation import judged_at
from tests.engine.deciding import program_of_many

FACTS = {"P": {"a": 9, "b": 5}}
#: Instants that UTC has no year for, and what is no instant.
BEFORE = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
AFTER = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14)))
WAYS: dict[str, Callable[[Program, Any], Any]] = {
    "a record": lambda program, as_of: program.evaluate(FACTS, as_of=as_of),
    "refused": lambda program, as_of: program.refuses(FACTS, as_of=as_of),
    "in force": lambda program, as_of: program.in_force(as_of),
    "a frame": lambda program, as_of: program.evaluate_frame(pl.DataFrame([FACTS["P"]]), fact="P", as_of=as_of),
    "whole facts": lambda program, as_of: program.evaluate_frame(pl.DataFrame([FACTS]), fact=None, as_of=as_of),
    "explained": lambda program, as_of: explain(program, FACTS, as_of=as_of),
}


@pytest.mark.parametrize("as_of", [BEFORE, AFTER, "2026-01-01", date(2026, 1, 1), None], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_instant_is_refused_by_name_whoever_judges(way: str, as_of: Any) -> None:
    with pytest.raises(EngineError, match="as_of") as caught:
        WAYS[way](program_of_many(), as_of)
    assert caught.value.code == "bad-as-of"


@pytest.mark.parametrize("hours", [-14, 0, 2])
def test_an_instant_of_any_zone_is_judged_in_utc(hours: int) -> None:
    said = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=hours)))
    assert judged_at(said) == said
    assert judged_at(said).tzinfo is UTC


def test_one_without_a_zone_means_utc() -> None:
    assert judged_at(datetime(2026, 3, 29)) == datetime(2026, 3, 29, tzinfo=UTC)
