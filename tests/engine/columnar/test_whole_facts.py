"""A frame of whole facts, lists among them, is judged by columns, and means what its rows mean one by one."""

import itertools
import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import compile_ruleset
from engine.checks import with_dates
from engine.columnar import FormOfRows, FrameEvaluator, RowEvaluator, exact_floats, lengths_of
from engine.columnar.frame_result import FrameResult
from engine.compiler import compile_rules
from engine.evaluation import Evaluation
from engine.program import Program
from engine.ruleset import Ruleset
from engine.schema import parse_schema
from tests.engine.effort import cases
from tests.engine.generated_facts import frame_from
from tests.engine.generated_rules import Maker
from tests.engine.generated_rulesets import about_lists, rules_from
from tests.engine.generated_schema import schema_from
from tests.engine.pools import AS_OF

ROWS = 14
JUDGED: Counter[str] = Counter()


def objects(frame: pl.DataFrame, name: str) -> pl.Series:
    return frame.to_struct(name)


def whole_facts(seed: int) -> pl.DataFrame:
    """A frame of `P`, lists of `L` (some of them empty or missing, now and then with a missing line) and `Q`."""
    chance = random.Random(seed)
    product = objects(frame_from(seed, ROWS, True), "P")
    lengths = [chance.choice([0, 0, 1, 1, 2, 3, 7]) for _ in range(ROWS)]
    lines = frame_from(seed + 1, max(1, sum(lengths)), True)
    kept = [name for name in ("n", "m", "t", "f", "x", "d", "at", "took") if name in lines.columns]
    line = objects(lines.select(kept or ["n"]) if kept else pl.DataFrame({"n": [1.0] * len(lines)}), "L")
    if chance.randrange(6) == 0:
        gaps = [chance.randrange(5) == 0 for _ in range(len(line))]
        line = pl.Series("L", [None if gap else one for gap, one in zip(gaps, line, strict=True)], line.dtype)
    starts = [sum(lengths[:row]) for row in range(ROWS)]
    lists = [
        None if length == 0 and chance.randrange(2) else line[start : start + length].to_list()
        for start, length in zip(starts, lengths, strict=True)
    ]
    columns = [product, pl.Series("L", lists, pl.List(line.dtype))]
    if chance.randrange(3):
        gone = [chance.randrange(6) == 0 for _ in range(ROWS)]
        columns.append(pl.Series("Q", [None if no else {"n": float(chance.randrange(5))} for no in gone]))
    return exact_floats(pl.DataFrame(columns))


def said(result: FrameResult, row: int) -> Any:
    return (
        result.outcome[row],
        result.fired(row),
        result.reasons(row),
        result.changes(row),
        result.logs(row),
        result.events(row),
    )


@settings(max_examples=cases(300), deadline=None)
@given(st.integers(0, 2**48))
# An operand that is an element by itself.
@example(103_656)
def test_rows_of_whole_facts_mean_what_each_means_by_itself(seed: int) -> None:
    schemas = (schema_from(seed + more) for more in itertools.count())
    schema = next(one for one in schemas if not one.strict and not one.sent_names)
    made = about_lists(Maker(random.Random(seed), flat=True), plain=True) if seed % 8 else rules_from(seed)
    rules = [with_dates(rule, schema) for rule in made]
    program = Program(Ruleset(tuple(rules), {}, "0" * 64, (), schema), 40)
    compiled = compile_rules(rules, schema, 40)

    def evaluate(facts: Mapping[str, Any], as_of: datetime) -> Evaluation:
        return program.evaluate(facts, as_of=as_of)

    frame = whole_facts(seed)
    by_columns = FrameEvaluator(compiled, evaluate).judge_whole(frame, frame.dtypes, AS_OF)
    form = FormOfRows(frame.dtypes, lengths_of(frame, frame.dtypes))
    results = {"by rows": RowEvaluator(compiled, evaluate).judge(frame, form, None, AS_OF)}
    JUDGED["frames"] += 1
    if by_columns is not None:
        JUDGED["by columns"] += 1
        results["by columns"] = by_columns
    for row, facts in enumerate(frame.iter_rows(named=True)):
        one = program.evaluate(facts, as_of=AS_OF)
        wanted = (one.outcome, one.fired, one.reasons, one.changes, one.logs, one.events)
        for way, result in results.items():
            # As texts, for Python takes True for 1.
            if repr(said(result, row)) != repr(wanted):
                got = f"{way} {said(result, row)}"
                pytest.fail("\n".join([*map(repr, rules), repr(facts), f"got    {got}", f"wanted {wanted}"]))
        JUDGED["rows"] += 1
        JUDGED["errors"] += one.outcome == "error"


def test_many_were_judged_by_columns() -> None:
    assert JUDGED["by columns"] >= JUDGED["frames"] / 4, JUDGED
    assert 0 < JUDGED["errors"] < JUDGED["rows"] / 2, JUDGED


NOTHING = pl.Struct([])


@pytest.mark.parametrize(
    "empty",
    [pl.Series("Q", [{}] * ROWS, NOTHING), pl.Series("K", [[{}]] * ROWS, pl.List(NOTHING))],
    ids=["an object", "a list"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_objects_without_any_field_are_judged_after_frames_that_have_none_of_them(empty: pl.Series, place: int) -> None:
    """What was found out about the columns of one frame is not taken for those of another one."""
    program = compile_ruleset(
        {"r.grl": 'rule R { when exists(L.n > P.n) && Q.n == null && Count(K.n > 1) == 0 then Review("less"); }'},
        parse_schema(
            'subject = "P"\nkey = "t"\n[facts.P.fields]\nt = { kind = "text" }\nn = { kind = "number" }\n'
            '[facts.Q.fields]\nn = { kind = "number" }\n[facts.L]\nlist = true\n[facts.L.fields]\n'
            'n = { kind = "number" }\n[facts.K]\nlist = true\n[facts.K.fields]\nn = { kind = "number" }\n'
        ),
    )
    known = [pl.Series("P", [{"n": 1.0}] * ROWS), pl.Series("L", [[{"n": 2.0}]] * ROWS)]
    for columns in (known, [*known[:place], empty, *known[place:]]):
        result = program.evaluate_frame(pl.DataFrame(columns), fact=None, as_of=AS_OF)
        assert result.outcome == ["review"] * ROWS
