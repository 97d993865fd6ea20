"""Cases of what rules do when they fire, held against every evaluator: a record, the rows of a frame, the naive one."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import compile_ruleset, parse_schema
from tests.engine.naive import Naive

CASES = tomllib.loads((Path(__file__).parent / "cases" / "effects.toml").read_text("utf-8"))
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
#: More than what is judged row by row.
ROWS = 100


def expected(case: dict[str, Any]) -> dict[str, Any]:
    whole = {"outcome": "accept", "code": None, "fired": [], "changes": {}, "reasons": [], "logs": [], "events": []}
    whole |= {name: case[name] for name in whole if name in case}
    # TOML has no null.
    whole["events"] = [[name, [null(one) for one in values], rule] for name, values, rule in whole["events"]]
    whole["changes"] = {name: null(value) for name, value in whole["changes"].items()}
    return whole


def null(value: Any) -> Any:
    return None if value == "null" else value


def answer(outcome: str, fired: Any, reasons: Any, changes: Any, logs: Any, events: Any) -> dict[str, Any]:
    code = reasons[0].code if outcome == "error" else None
    texts = [] if code else [reason.text for reason in reasons]
    calls = [[event.name, event.arguments, event.rule] for event in events]
    found = {"outcome": outcome, "code": code, "fired": fired, "changes": changes}
    return found | {"reasons": texts, "logs": logs, "events": calls}


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["name"])
def test_every_evaluator_does_what_the_case_says(case: dict[str, Any]) -> None:
    schema = parse_schema(CASES["schema"] + case.get("schema", ""))
    sources = {"t.csv": case["table"].strip()} if "table" in case else {}
    sources |= {"a.grl": case["rules"]} if "rules" in case else {}
    program, facts, wanted = compile_ruleset(sources, schema), case["facts"], expected(case)
    one = program.evaluate({"A": facts}, as_of=AS_OF)
    assert answer(one.outcome, one.fired, one.reasons, one.changes, one.logs, one.events) == wanted
    frame = program.evaluate_frame(pl.DataFrame([facts] * ROWS), fact="A", as_of=AS_OF)
    for row in (0, ROWS - 1):
        got = (
            frame.outcome[row],
            frame.fired(row),
            frame.reasons(row),
            frame.changes(row),
            frame.logs(row),
            frame.events(row),
        )
        assert answer(*got) == wanted
    naive = Naive(list(program.rules), schema=schema).evaluate({"A": facts}, AS_OF)
    texts = [text for _, _, text in naive.reasons]
    assert (naive.outcome, naive.code) == (wanted["outcome"], wanted["code"])
    assert (naive.fired, naive.changes, texts, naive.logs, [list(event) for event in naive.events]) == tuple(
        wanted[name] for name in ("fired", "changes", "reasons", "logs", "events")
    )
