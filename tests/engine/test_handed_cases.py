"""Rulesets that once meant something else than their authors wrote: one a line of handed.jsonl, by every evaluator.

`expected` has what is right: the rules that fire, the outcome, the code of an error, a field after the evaluation
(`Product.price`), or that the load is refused. Where refusing is right as well as meaning it, both are taken."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import RulesetRejected, compile_ruleset, parse_schema
from tests.engine.naive import Naive

CASES = [
    json.loads(line) for line in (Path(__file__).parent / "cases" / "handed.jsonl").read_text("utf-8").splitlines()
]
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["source"])
def test_the_case_gives_its_right_value(case: dict[str, Any]) -> None:
    wanted, schema = case["expected"], parse_schema(case["schema"]) if case["schema"] else None
    may_refuse = "refused" in wanted or "refused or fired" in wanted
    try:
        program = compile_ruleset(case["ruleset"], schema=schema)
    except RulesetRejected:
        assert may_refuse
        return
    assert "refused" not in wanted
    [(fact, fields)] = case["facts"].items()
    one = program.evaluate(case["facts"], as_of=AS_OF)
    frame = program.evaluate_frame(pl.DataFrame([fields] * 100), fact=fact, as_of=AS_OF)
    assert (frame.outcome[99], frame.fired(99), frame.changes(99)) == (one.outcome, one.fired, one.changes)
    naive = Naive(list(program.rules), schema=schema).evaluate(dated(case["facts"]), AS_OF)
    assert (naive.outcome, naive.fired, naive.changes) == (one.outcome, one.fired, one.changes)
    found = {"outcome": one.outcome, "fired": one.fired, "refused or fired": one.fired}
    found["code"] = next((reason.code for reason in one.reasons), None)
    found |= {f"{name}.{field}": value for name, held in one.facts.items() for field, value in held.items()}
    assert {name: found.get(name) for name in wanted} == wanted


def dated(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with moments for their texts, which the naive evaluator does not read."""
    return {
        fact: {name: datetime.fromisoformat(one) if is_moment(one) else one for name, one in fields.items()}
        for fact, fields in facts.items()
    }


def is_moment(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z")
