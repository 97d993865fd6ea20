"""Rules that read what rules write, judged for many rows at once, mean what they mean for each row by itself."""

import random
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Program, compile_ruleset, parse_schema
from engine.columnar import FrameEvaluator
from engine.compiler import compile_rules
from tests.engine.effort import cases
from tests.engine.pools import AS_OF

ROWS = 40
JUDGED: Counter[str] = Counter()

#: Those that come with a job, and those that only rules write.
GIVEN, DERIVED = ("a", "b", "c"), ("x", "y", "z")
SCHEMA = parse_schema(
    "\n".join(
        [
            'subject = "P"',
            'key = "id"',
            "[facts.P.fields]",
            *(f'{name} = {{ kind = "text" }}' for name in ("id", "g")),
            *(f'{name} = {{ kind = "number" }}' for name in GIVEN),
            'x = { kind = "number", derived = true }',
            'y = { kind = "number", derived = true, default = 5 }',
            'z = { kind = "number", derived = true }',
            't = { kind = "text", derived = true }',
            'yes = { kind = "boolean", derived = true }',
        ]
    )
)
NUMBERS = ("0", "1", "2", "3", "-2", "0.5", "0.0001", "0.00001", "2.55", "99.99", "100000000000", "1000000000000000")
SENT = (None, 0.0, 1.0, 2.0, 3.0, -1.5, 0.25, 0.00001, 99.99, 1e12, 2e14, 1e15, 1e-20, 1e29, 123456.789012)


def rules_from(chance: random.Random) -> str:
    """Rules most of which lead on: they write what those with a lower salience read."""
    order = [*DERIVED, *chance.sample(GIVEN, chance.randrange(2))]
    chance.shuffle(order)
    rules = []
    for number in range(chance.randrange(2, 14)):
        place = chance.randrange(len(order))
        readable = [name for name in (*GIVEN, *DERIVED) if name not in order] + order[:place]
        if chance.randrange(25) == 0:
            readable = [*GIVEN, *DERIVED]

        def value(depth: int = 0, readable: list[str] = readable) -> str:
            kind = chance.randrange(5)
            if kind < 2 and readable:
                return f"P.{chance.choice(readable)}"
            if kind < 4 or depth > 1:
                return chance.choice(NUMBERS)
            return f"({value(depth + 1)} {chance.choice('+-*')} {value(depth + 1)})"

        def test(readable: list[str] = readable) -> str:
            kind, field = chance.randrange(9), chance.choice(readable or ["a"])
            if kind == 0:
                return f'P.g {chance.choice(["==", "!="])} "{chance.choice("uv")}"'
            if kind == 1:
                return f"P.{field} {chance.choice(['==', '!='])} null"
            if kind == 2:
                return f"P.{field} {chance.choice(['<', '<=', '>', '>='])} P.{chance.choice(readable or ['b'])}"
            if kind == 3:
                return f"(P.{field} > {chance.choice(NUMBERS[:8])} && P.{field} <= {chance.choice(NUMBERS)})"
            if kind == 4:
                return f"P.{field} {chance.choice(['==', '!='])} {chance.choice(NUMBERS)}"
            return f"P.{field} {chance.choice(['<', '<=', '>', '>='])} {chance.choice(NUMBERS)}"

        tests = " && ".join(test() for _ in range(chance.randrange(1, 4)))
        actions = []
        for _ in range(chance.randrange(1, 4)):
            kind = chance.randrange(10)
            if kind == 0:
                actions.append(f'P.t = "{chance.choice("pq")}"')
            elif kind == 1:
                actions.append(f"P.yes = {chance.choice(['true', 'false'])}")
            elif kind < 4:
                actions.append(f'{chance.choice(["Accept", "Review", "Reject"])}("{chance.choice("kl")}")')
            else:
                actions.append(f"P.{order[place]} {chance.choice(['=', '=', '=', '+=', '-=', '*='])} {value()}")
        head = f'rule "{number}" salience {-place} {"no-loop" if chance.randrange(2) else ""}'
        rules.append(f"{head} {{ when {tests} then {'; '.join(actions)}; }}")
    chance.shuffle(rules)
    return "\n".join(rules)


def frame_from(chance: random.Random) -> pl.DataFrame:
    sent = SENT[: chance.choice([6, 9, len(SENT)])]
    columns: dict[str, list[object]] = {name: [chance.choice(sent) for _ in range(ROWS)] for name in GIVEN}
    columns["g"] = [chance.choice(["u", "v", None]) for _ in range(ROWS)]
    if chance.randrange(4) == 0:
        columns["x"] = [1.0 if chance.randrange(20) == 0 else None for _ in range(ROWS)]
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys((*GIVEN, "x") if "x" in columns else GIVEN, pl.Float64))


def compare(program: Program, frame: pl.DataFrame) -> bool:
    """Whether the rows took turns together; fails where one of them means something else by itself."""
    compiled = compile_rules(program.rules, SCHEMA, 1_000)
    evaluator = FrameEvaluator(compiled, lambda facts, as_of: program.evaluate(facts, as_of=as_of))
    result = evaluator.judge(frame, "P", AS_OF)
    kinds: dict[object, str] = {}
    for row, fields in enumerate(frame.iter_rows(named=True)):
        one = program.evaluate({"P": fields}, as_of=AS_OF)
        wanted = repr((one.outcome, one.fired, one.reasons, one.changes, one.logs, one.events))
        said = result.reasons(row), result.changes(row), result.logs(row), result.events(row)
        # As texts, for Python takes 1 for 1.0.
        got = repr((result.outcome[row], result.fired(row), *said))
        if got != wanted:
            text = program._ruleset.sources["r.grl"]
            pytest.fail(f"{text}\n{fields}\ngot    {got}\nwanted {wanted}")
        without = repr((result.outcome[row], result.fired(row), result.reasons(row)))
        assert kinds.setdefault(result.kinds[row], without) == without
        assert repr(result.json_changes[row]) == repr(one.to_json()["changes"])
        JUDGED["changed"] += bool(one.changes)
        JUDGED["errors"] += one.outcome == "error"
        JUDGED["rows"] += 1
    return bool(result._written)


@settings(max_examples=cases(80), deadline=None)
@given(st.integers(0, 2**48))
def test_rows_that_take_turns_together_mean_what_each_means_by_itself(seed: int) -> None:
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.columnar.chain_columns._ROWS_A_TURN", 1)
        if seed % 2:
            # Any number of rules may be such that rows are left to records, and any number of rows.
            patch.setattr("engine.columnar.chain_columns._LEFT", 1)
            patch.setattr("engine.chains.families._STRAYS", 1)
        program = compile_ruleset({"r.grl": rules_from(chance)}, SCHEMA)
        JUDGED["together"] += compare(program, frame_from(chance))
        JUDGED["frames"] += 1


def test_many_took_turns_and_set_something() -> None:
    assert JUDGED["together"] >= JUDGED["frames"] / 3, JUDGED
    assert JUDGED["changed"] >= JUDGED["rows"] / 4, JUDGED
    assert JUDGED["errors"] < JUDGED["rows"] / 3, JUDGED


def test_only_rows_in_which_a_rule_may_fire_that_takes_no_turns_are_judged_by_themselves() -> None:
    rules = (
        'rule A salience 9 { when P.a > 1 then P.x = P.a * 2; } rule B salience 8 { when P.x > 5 then Review("b"); }'
        'rule C { when P.b > 1 then P.y = P.b; } rule D { when P.y > 2 then Reject("d"); }'
        # What it logs has no place in a column.
        'rule E { when P.g == "u" && P.x > 5 then Log("e"); }'
        # Its write leads back to A.
        'rule F { when P.g == "v" && P.x > 7 then P.a = 3; }'
        'rule G { when P.c > 1 then P.z = P.c - 1; } rule H { when P.z > 1 then Accept("h"); }'
    )
    program = compile_ruleset({"r.grl": rules}, SCHEMA)
    alone = {3: "u", 17: "v", 30: "u"}
    count = 400
    rows = [{"g": alone.get(row), "a": row % 5 + 0.0, "b": row % 4 + 0.0, "c": row % 3 + 0.0} for row in range(count)]
    compiled = compile_rules(program.rules, SCHEMA, 1_000)
    evaluator = FrameEvaluator(compiled, lambda facts, as_of: pytest.fail("facts were made"))
    result = evaluator.judge(pl.DataFrame(rows), "P", AS_OF)
    assert set(result._evaluations) == set(alone)
    for row, fields in enumerate(rows):
        one = program.evaluate({"P": fields}, as_of=AS_OF)
        wanted = (one.outcome, one.fired, one.reasons, one.changes, one.logs)
        assert (result.outcome[row], result.fired(row), result.reasons(row), result.changes(row)) == wanted[:4]
        assert result.logs(row) == one.logs
