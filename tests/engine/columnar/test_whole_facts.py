"""A frame of whole facts, lists among them, is judged by columns, and means what its rows mean one by one."""

import itertools
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import compile_ruleset
from engine.checks import with_dates
from engine.columnar import FormOfRows, FrameEvaluator, FrameForm, RowEvaluator, exact_floats, lengths_of
from engine.columnar.frame_result import FrameResult
from engine.compiler import compile_rules
from engine.evaluation import Evaluation
from engine.language import Rule
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
    if chance.randrange(4) == 0:
        # Fields that are missing, in another order, or that the schema does not know.
        kept = chance.sample(lines.columns, chance.randrange(1, len(lines.columns) + 1))
    line = objects(lines.select(kept or ["n"]) if kept else pl.DataFrame({"n": [1.0] * len(lines)}), "L")
    if chance.randrange(6) == 0:
        line = with_gaps(line, 5, chance)
    starts = [sum(lengths[:row]) for row in range(ROWS)]
    lists = [
        None if length == 0 and chance.randrange(2) else line[start : start + length].to_list()
        for start, length in zip(starts, lengths, strict=True)
    ]
    columns = [product, pl.Series("L", lists, pl.List(line.dtype))]
    if chance.randrange(3):
        other = pl.Series("Q", [{"n": float(chance.randrange(5))} for _ in range(ROWS)])
        columns.append(with_gaps(other, 6, chance))
    return exact_floats(pl.DataFrame(oddly(columns, chance)))


def with_gaps(column: pl.Series, every: int, chance: random.Random) -> pl.Series:
    """A column in which about one of so many is missing."""
    gone = [chance.randrange(every) == 0 for _ in range(len(column))]
    kept = [None if no else one for no, one in zip(gone, column, strict=True)]
    return pl.Series(column.name, kept, column.dtype)


def oddly(columns: list[pl.Series], chance: random.Random) -> list[pl.Series]:
    """The columns of a frame; now and then not as a sender should have them."""
    product, line, *others = columns
    match chance.randrange(24):
        case 0:
            return [product, *others]
        case 1:
            return [product, pl.Series("L", [None] * ROWS), *others]
        case 2:
            return [product, pl.Series("L", [[], None] * (ROWS // 2), pl.List(pl.Null)), *others]
        case 3:
            # A fact that is a list elsewhere.
            return [product, pl.Series("L", [{"n": 1.0}] * ROWS), *others]
        case 4:
            return [product, line, pl.Series("Q", [[{"n": 1.0}]] * ROWS)]
        case 5:
            return [with_gaps(product, 6, chance), line, *others]
        case 6:
            return [*columns, pl.Series("Z", [{"n": 1.0}] * ROWS), pl.Series("z", ["a"] * ROWS)]
        case 7:
            return [product, line, pl.Series("Q", [{"z": 1.0}] * ROWS)]
        case 8 | 9 | 10:
            return chance.sample(columns, len(columns))
    return columns


def rules_of(seed: int) -> list[Rule]:
    """Rules that read fields of the facts and of each line alone; or any, or some of either."""
    maker = Maker(random.Random(seed), flat=True)
    match seed % 8:
        case 0:
            return rules_from(seed)
        case 1:
            return about_lists(Maker(random.Random(seed)))
        case 2:
            # One rule is enough to ask for what stands in no column: a line by itself, one by its place, a whole fact.
            odd = rules_from(seed) if maker.one_in(2) else about_lists(Maker(random.Random(seed)))
            plain = about_lists(maker, plain=True)
            return [*plain, replace(maker.pick(odd), name="odd")]
    return about_lists(maker, plain=True)


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
    rules = [with_dates(rule, schema) for rule in rules_of(seed)]
    program = Program(Ruleset(tuple(rules), {}, (), schema), 40)
    compiled = compile_rules(rules, schema, 40)

    def evaluate(facts: Mapping[str, Any], as_of: datetime) -> Evaluation:
        return program.evaluate(facts, as_of=as_of)

    frame = whole_facts(seed)
    by_columns = FrameEvaluator(compiled, evaluate).judge_whole(frame, frame.dtypes, AS_OF)
    columns = FrameForm(frame.columns, frame.dtypes)
    form = FormOfRows(columns, lengths_of(frame, columns))
    results = {
        "by rows": RowEvaluator(compiled, evaluate).judge(frame, form, None, AS_OF),
        "as chosen": program.evaluate_frame(frame, fact=None, as_of=AS_OF),
    }
    JUDGED["frames"] += 1
    if by_columns is not None:
        JUDGED["by columns"] += 1
        results["by columns"] = by_columns
        with pytest.MonkeyPatch.context() as patch:
            # So few rows would take no turns together, nor be left to records.
            patch.setattr("engine.columnar.chain_columns._ROWS_A_TURN", 1)
            patch.setattr("engine.columnar.chain_columns._LEFT", 1)
            patch.setattr("engine.chains.families._STRAYS", 1)
            together = FrameEvaluator(compiled, evaluate).judge_whole(frame, frame.dtypes, AS_OF)
        assert together is not None
        JUDGED["together"] += bool(together._written)
        results["together"] = together
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
    # Of a few frames, chance may have it that hardly any is.
    assert JUDGED["by columns"] >= JUDGED["frames"] / 6 - 5, JUDGED
    assert 0 < JUDGED["errors"] < JUDGED["rows"] / 2 + 10 * ROWS, JUDGED


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


@pytest.mark.parametrize(
    "condition", ["Count(L.n > 1) > 0", "L[0].n > 1", "exists(L.n > 1 && L.t == null)", "P.out == null"]
)
@pytest.mark.parametrize("bounds", ["", ", max = 5"])
def test_rows_of_whose_objects_nothing_is_read_have_no_facts_made_of_them(condition: str, bounds: str) -> None:
    schema = parse_schema(
        f'subject = "P"\nkey = "n"\n[facts.P.fields]\nn = {{ kind = "number"{bounds} }}\n'
        f'out = {{ kind = "number", derived = true }}\n[facts.L]\nlist = true\n[facts.L.fields]\n'
        f'n = {{ kind = "number"{bounds} }}\nt = {{ kind = "text" }}\n'
    )
    compiled = compile_ruleset({"r.grl": f'rule R {{ when {condition} then Review("r"); }}'}, schema).compiled
    rows = RowEvaluator(compiled, lambda facts, as_of: pytest.fail("facts were made"))
    frame = pl.DataFrame({"P": [{"n": 1.0}] * ROWS, "L": [[{"n": 2.0, "t": None}]] * ROWS})
    columns = FrameForm(frame.columns, frame.dtypes)
    result = rows.judge(frame, FormOfRows(columns, lengths_of(frame, columns)), None, AS_OF)
    assert result.outcome == ["review"] * ROWS
