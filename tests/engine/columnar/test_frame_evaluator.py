"""Frames as batches send them: many rules that split by field, many rows, every mechanism of the columnar pass at once.

The record evaluator says what each row means. Small frames, and rulesets of every construct, are compared in
`test_agreement`; here are rulesets wide enough for groups and several words, and frames of several slices."""

import random
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from engine import Program, compile_ruleset
from engine.schema import Schema, parse_schema
from tests.engine.effort import cases

AS_OF = datetime(2026, 1, 15, tzinfo=UTC)
CATEGORIES = [f"category {number}" for number in range(30)]
BRANDS = ["Ärger", "b", "brand", "brand\0", "", "Ω", "b and c", "zz"]
NUMBERS = ["a", "b", "c", "d"]
BOUNDS = ["0", "-1.5", "2.25", "0.000001", "17", "1000000000000", "3.3333333"]

SCHEMA = parse_schema("""
    subject = "P"
    key = "category"
    [facts.P.fields]
    category = { kind = "text" }
    brand = { kind = "text", values = ["Ärger", "b", "brand", "brand\\u0000", "", "Ω", "b and c"] }
    a = { kind = "number", min = -100 }
    b = { kind = "number", max = 1000000000000 }
    c = { kind = "number" }
    d = { kind = "number", required = true }
    unread = { kind = "number", max = 5 }
    sold = { kind = "boolean" }
    since = { kind = "date" }
    flag = { kind = "text", derived = true }
    [facts.L]
    list = true
    [facts.L.fields]
    n = { kind = "number" }
""")


def condition(chance: random.Random) -> str:
    bound = chance.choice(BOUNDS)
    name, other = chance.sample(NUMBERS, 2)
    operator = chance.choice(["<", "<=", ">", ">=", "==", "!="])
    tests = [
        f"P.{name} {operator} {bound}",
        f"P.{name} {operator} P.{other} * {chance.choice(['0.5', '1', '-2', '1.1'])}",
        f"!(P.{name} {operator} P.{other} * 1.5)",
        f"P.{name} / P.{other} {operator} {chance.choice(['0.5', '1.25', '-2'])}",
        f"P.{name} + P.{other} {operator} {bound}",
        f"P.{name} == null",
        "P.brand in [" + ", ".join(f'"{one}"' for one in chance.sample(["Ärger", "b", "", "Ω"], 2)) + "]",
        f'P.brand {chance.choice(["==", "!="])} "brand"',
        'P.brand contains "a"',
        "P.sold",
        '!(P.brand == "b" || P.sold)',
        "P.since >= MakeTime(2025, 6, 1)",
        "DaysBetween(P.since, Now()) < 400",
        "!exists(L.n > 1)",
        'P.flag == "low"',
    ]
    if chance.randrange(6) == 0:
        return 'P.brand >= "b"'
    return chance.choice(tests)


def rule(number: int, chance: random.Random, *, wide: bool) -> str:
    tests = [condition(chance) for _ in range(chance.randrange(1, 4))]
    if chance.randrange(8):
        # So wide that a group has several words, or so narrow that several classes share a group.
        some = CATEGORIES[:2] if wide else CATEGORIES
        chosen = chance.sample(some, chance.choice([1, 1, 1, 2]))
        tests.insert(0, "P.category in [" + ", ".join(f'"{one}"' for one in chosen) + "]")
    outcome = chance.choice(["Accept", "Review", "Review", "Reject"])
    action = f'{outcome}("{number}");'
    header = ""
    match chance.randrange(12):
        case 0:
            action = f'P.flag = "{chance.choice(["low", "high"])}";'
        case 1:
            action += f' {outcome}("again");'
        case 2:
            action = 'Log("seen");'
        case 3 | 4:
            header = f' activation-group "{chance.randrange(4)}"'
        case 5:
            header = f" salience {chance.randrange(-2, 3)}"
        case 6:
            header = f' date-effective "202{chance.randrange(5, 7)}-01-10"'
    return f"rule R{number}{header} {{ when {' && '.join(tests)} then {action} }}"


def frame(rows: int, chance: random.Random, *, typed: bool) -> pl.DataFrame:
    def number() -> float | None:
        return chance.choice(
            [None, 0.0, -0.0, 1e-6, 3.3333333, 0.059123456, 1e12, 17.0, round(chance.uniform(-3, 9), 2)]
        )

    columns: dict[str, Any] = {
        "category": [chance.choice([*CATEGORIES, CATEGORIES[0], "none", None]) for _ in range(rows)],
        "brand": [chance.choice([*BRANDS, None]) for _ in range(rows)],
        "sold": [chance.choice([True, False, None]) for _ in range(rows)],
        "since": [chance.choice([None, datetime(2025, chance.randrange(1, 13), 1, tzinfo=UTC)]) for _ in range(rows)],
        "unread": [chance.choice([None, 1.0, 6.0 if chance.randrange(50) == 0 else 2.0]) for _ in range(rows)],
        **{name: [number() for _ in range(rows)] for name in NUMBERS},
        "unknown": [[1]] * rows,
    }
    made = pl.DataFrame(columns, infer_schema_length=None)
    if not typed and chance.randrange(2):
        made = made.with_columns(pl.col("a").cast(pl.String), pl.col("sold").cast(pl.Int8))
    of_day = chance.choice(
        [pl.Date, pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("us", "Europe/Berlin"), pl.Datetime("ns")]
    )
    if chance.randrange(2):
        made = made.with_columns(pl.col("since").cast(of_day))
    if chance.randrange(3) == 0:
        made = made.with_columns(pl.col("brand", "category").cast(pl.Categorical))
    if chance.randrange(3) == 0:
        made = made.drop(chance.sample([name for name in made.columns if name != "d"], 2))
    return made


def disagreements(program: Program, judged: pl.DataFrame) -> list[str]:
    result = program.evaluate_frame(judged, fact="P", as_of=AS_OF)
    assert len(result) == len(result.outcome) == len(judged)
    found = []
    for row, fields in enumerate(judged.iter_rows(named=True)):
        wanted = program.evaluate({"P": fields}, as_of=AS_OF)
        got = (result.outcome[row], result.fired(row), result.reasons(row), result.changes(row))
        if got != (wanted.outcome, wanted.fired, wanted.reasons, wanted.changes):
            found.append(f"{fields}\ngot    {got}\nwanted {wanted}")
    return found


def program_of(seed: int, rules: int, schema: Schema | None, *, wide: bool) -> Program:
    chance = random.Random(seed)
    return compile_ruleset({"r.grl": "\n".join(rule(i, chance, wide=wide) for i in range(rules))}, schema)


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize(("rules", "wide"), [(20, False), (150, False), (150, True)])
@pytest.mark.parametrize("seed", range(cases(6)))
def test_every_row_means_what_the_record_evaluator_says(seed: int, rules: int, wide: bool, typed: bool) -> None:
    program = program_of(seed, rules, SCHEMA if typed else None, wide=wide)
    # One program, frames of several kinds: nothing that it keeps from one may show in the next.
    for number, rows in enumerate((40, 300, 1_100)):
        judged = frame(rows, random.Random(1_000 * seed + number), typed=typed)
        assert disagreements(program, judged)[:1] == []


@pytest.mark.parametrize("typed", [True, False])
def test_a_long_frame_is_judged_in_slices(typed: bool) -> None:
    program = program_of(7, 60, SCHEMA if typed else None, wide=False)
    assert disagreements(program, frame(9_000, random.Random(7), typed=typed))[:1] == []


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("rows", [30, 600])
def test_a_column_that_is_the_whole_fact_is_judged_by_its_fields(rows: int, typed: bool) -> None:
    program = program_of(3, 60, SCHEMA if typed else None, wide=False)
    judged = frame(rows, random.Random(3), typed=typed)
    whole = judged.select(pl.struct(pl.all()).alias("P"))
    missing = whole.with_columns(pl.when(pl.int_range(rows) != 2).then("P"))
    for packed in (whole, missing, whole.with_columns(pl.lit(None).alias("L"))):
        result = program.evaluate_frame(packed, fact=None, as_of=AS_OF)
        for row, facts in enumerate(packed.iter_rows(named=True)):
            wanted = program.evaluate(facts, as_of=AS_OF)
            assert result.outcome[row] == wanted.outcome
            got = (result.fired(row), result.reasons(row), result.changes(row))
            assert got == (wanted.fired, wanted.reasons, wanted.changes)


def test_a_frame_without_rows_or_columns_has_a_result() -> None:
    program = program_of(3, 60, SCHEMA, wide=False)
    for judged in (pl.DataFrame(), pl.DataFrame({"d": pl.Series("d", [], pl.Float64)})):
        for fact in ("P", None):
            result = program.evaluate_frame(judged, fact=fact, as_of=AS_OF)
            assert (len(result), result.outcome) == (0, [])
