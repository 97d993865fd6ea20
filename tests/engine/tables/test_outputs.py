"""What a table gives, lists and defaults and ranges of fields: three evaluators and a few lines of Python agree."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import compile_ruleset, parse_schema
from engine.ruleset import read_sources
from tests.engine.naive import Naive

SCHEMA = parse_schema(
    """
subject = "A"
key = "k"
[facts.A.fields]
k = { kind = "text" }
n = { kind = "number" }
low = { kind = "number" }
high = { kind = "number" }
labels = { kind = "list", derived = true }
band = { kind = "text", derived = true, values = ["x", "y", "z"] }
"""
)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """One row: whether it holds, for `n`, `low` and `high`, and what it gives."""

    cell: str
    band: str

    def holds(self, facts: dict[str, Any]) -> bool:
        n, low, high = facts["n"], facts["low"], facts["high"]
        if self.cell == "[A.low..A.high)":
            return None not in (n, low, high) and low <= n < high
        if self.cell == "(2..A.high]":
            return None not in (n, high) and 2 < n <= high
        if self.cell == "not([A.low..4])":
            return None in (n, low) or not low <= n <= 4
        if self.cell == "A.low":
            return bool(n == low)
        return self.cell == "-" or (n is not None and n >= int(self.cell.removeprefix(">= ")))


CELLS = ["[A.low..A.high)", "(2..A.high]", "not([A.low..4])", "A.low", "-", ">= 1", ">= 3"]
LINES = st.lists(st.builds(Line, st.sampled_from(CELLS), st.sampled_from("xyz")), min_size=1, max_size=5)
NUMBERS = st.none() | st.integers(0, 5)
FACTS = st.fixed_dictionaries({"n": NUMBERS, "low": NUMBERS, "high": NUMBERS})


def table(policy: str, lines: list[Line], default: str) -> str:
    header = f"{policy},when A.n,then A.labels{default and f' default {default}'},then A.band{default and ' default z'}"
    return "\n".join([header, *(f'r{n},"{line.cell}",{line.band},{line.band}' for n, line in enumerate(lines))])


def wanted(policy: str, lines: list[Line], default: str, facts: dict[str, Any]) -> dict[str, Any]:
    held = [line.band for line in lines if line.holds(facts)]
    if policy in ("P", "O"):
        held.sort()
    if not held:
        return {"A.labels": [default], "A.band": "z"} if default else {}
    return {"A.labels": held[:1] if policy in ("F", "P") else held, "A.band": held[0 if policy in ("F", "P") else -1]}


@given(st.sampled_from("FPCRO"), LINES, st.sampled_from(["", "none"]), st.lists(FACTS, min_size=1, max_size=6))
def test_every_evaluator_gives_what_the_rows_that_hold_say(
    policy: str, lines: list[Line], default: str, jobs: list[dict[str, Any]]
) -> None:
    sources = {"t.csv": table(policy, lines, default)}
    program = compile_ruleset(sources, schema=SCHEMA)
    naive = Naive(list(read_sources(sources, SCHEMA).rules), 1_000, SCHEMA)
    frame = pl.DataFrame(jobs, schema=dict.fromkeys(("n", "low", "high"), pl.Int64))
    result = program.evaluate_frame(frame, fact="A", as_of=MOMENT)
    for row, facts in enumerate(jobs):
        expected = wanted(policy, lines, default, facts)
        evaluation = program.evaluate({"A": facts}, as_of=MOMENT)
        assert dict(evaluation.changes) == expected
        assert dict(result.changes(row)) == expected
        assert result.fired(row) == evaluation.fired
        answer = naive.evaluate({"A": {name: value for name, value in facts.items() if value is not None}}, MOMENT)
        assert (answer.fired, answer.changes) == (evaluation.fired, expected)


@pytest.mark.parametrize("policy", ["C", "R", "O", "C+", "F", "A"])
def test_a_row_that_changes_what_it_reads_still_calls_the_default_off(policy: str) -> None:
    values = "values = [9, 1, 5, 10]"
    fields = f'k = {{ kind = "text" }}\nn = {{ kind = "number", {values} }}'
    schema = parse_schema(f'subject = "A"\nkey = "k"\n[facts.A.fields]\n{fields}\n')
    text = f"{policy},when A.n,then A.n default 5\nrow,9,1"
    program = compile_ruleset({"t.csv": text}, schema=schema)
    assert program.evaluate({"A": {"n": 9}}, as_of=MOMENT).fired == ["t#row"]
    assert program.evaluate({"A": {"n": None}}, as_of=MOMENT).changes == {"A.n": Decimal(5)}


def test_what_a_list_held_before_stays() -> None:
    text = "C,when A.n,then A.labels\na,> 1,x\nb,> 2,y"
    rule = 'rule First salience 5 { when A.n > 0 then A.labels = ["first"]; }'
    program = compile_ruleset({"t.csv": text, "a.grl": rule}, schema=SCHEMA)
    assert program.evaluate({"A": {"n": 3}}, as_of=MOMENT).changes == {"A.labels": ["first", "x", "y"]}
