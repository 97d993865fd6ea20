"""A case of a ruleset, held against every evaluator: one record, the rows of a frame, the naive one."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from engine import compile_ruleset
from engine.schema import Schema
from tests.engine.naive import Naive

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


def check(case: dict[str, Any], schema: Schema | None, facts: dict[str, Any]) -> None:
    """Whether every evaluator does what the case says.

    Args:
        case: `rules` or `table`, and what is expected of them.
        schema: of the facts; None: there is none.
        facts: by their names; rows of a frame are made of a single one that is an object.
    """
    sources = {"t.csv": case["table"].strip()} if "table" in case else {}
    sources |= {"a.grl": case["rules"]} if "rules" in case else {}
    program, wanted = compile_ruleset(sources, schema), expected(case)
    one = program.evaluate(facts, as_of=AS_OF)
    assert answer(one.outcome, one.fired, one.reasons, one.changes, one.logs, one.events) == wanted
    if len(facts) == 1 and isinstance(fields := next(iter(facts.values())), dict):
        frame = program.evaluate_frame(pl.DataFrame([fields] * ROWS), fact=next(iter(facts)), as_of=AS_OF)
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
    naive = Naive(list(program.rules), schema=schema).evaluate(facts, AS_OF)
    texts = [text for _, _, text in naive.reasons]
    assert (naive.outcome, naive.code) == (wanted["outcome"], wanted["code"])
    assert (naive.fired, naive.changes, texts, naive.logs, [list(event) for event in naive.events]) == tuple(
        wanted[name] for name in ("fired", "changes", "reasons", "logs", "events")
    )
