"""Actions that are said to change nothing change nothing, and those that may change something are left alone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import compile_ruleset, parse_schema
from engine.lint import review

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = parse_schema("""
subject = "A"
key = "k"
[facts.A.fields]
k = { kind = "text" }
n = { kind = "number", min = 0, max = 10 }
m = { kind = "number" }
t = { kind = "text" }
b = { kind = "boolean" }
d = { kind = "date" }
p = { kind = "number", derived = true }
q = { kind = "number", derived = true, default = 1 }
s = { kind = "number", derived = true, max = 10 }
w = { kind = "text", derived = true }
o = { kind = "object", derived = true }
""")


def said(*rules: str, schema: bool = True) -> list[tuple[str, str]]:
    """Code and underlined text of every warning about an action."""
    text = "\n".join(f"rule r{number} {rule}" for number, rule in enumerate(rules, 1))
    found = review(compile_ruleset({"a.grl": text}, SCHEMA if schema else None), {"a.grl": text})
    return [
        (one.code, one.source_line[one.span.column - 1 : one.span.column - 1 + one.span.length].rstrip(";"))
        for one in found
        if one.span and one.code.startswith("action-")
    ]


@pytest.mark.parametrize(
    ("rules", "action"),
    [
        (["{ when A.m > 0 then A.n = A.n; }"], "A.n = A.n"),
        (["{ when A.m > 0 then A.n += 0; }"], "A.n += 0"),
        (["{ when A.m > 0 then A.n -= 0; }"], "A.n -= 0"),
        (["{ when A.m > 0 then A.n *= 1; }"], "A.n *= 1"),
        (["{ when A.m > 0 then A.n /= 1; }"], "A.n /= 1"),
        (["{ when A.n == null then A.n += 5; }"], "A.n += 5"),
        (["{ when A.n == null && A.m > 0 then A.n *= A.m; }"], "A.n *= A.m"),
        (["{ when A.n == null then A.n = null; }"], "A.n = null"),
        (["{ when A.n == 3 then A.n = 3; }"], "A.n = 3"),
        (['{ when A.t in ["x"] && A.m > 0 then A.t = "x"; }'], 'A.t = "x"'),
        (["{ when A.b then A.b = true; }"], "A.b = true"),
        (['{ when A.d == "2026-02-01" then A.d = "2026-02-01"; }'], 'A.d = "2026-02-01"'),
        # No rule gives it a text to add to.
        (['{ when A.m > 0 then A.w += "x"; }', "{ when A.m > 1 then A.w += A.t; }"], 'A.w += "x"'),
        # It counts as 0, and nothing becomes of 0.
        (["{ when A.m > 0 then A.p *= 0.9; }"], "A.p *= 0.9"),
        (["{ when A.m > 0 then A.p /= 2; }", "{ when A.m > 5 then A.p = 0; }"], "A.p /= 2"),
        (["{ when A.m > 0 then A.n = 3; A.n = A.m; }"], "A.n = 3"),
        (["{ when A.m > 0 then A.p += 3; Log(A.t); A.p = 1; }"], "A.p += 3"),
        # Whoever reads it is woken by the second one anyhow: it can't have been that before.
        (["{ when A.n == 2 then A.n = 3; A.n = 4; }", "{ when A.n > 0 then Log(1); }"], "A.n = 3"),
        # A rule that never fires is woken by nothing.
        (["{ when A.m > 0 then A.n = 3; A.n = A.m; }", "{ when A.n > 20 then Reject(); }"], "A.n = 3"),
        (['{ when A.m > 0 then Retract("r2"); }', "{ when A.n > 20 then Reject(); }"], 'Retract("r2")'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_action_that_can_never_change_anything(rules: list[str], action: str) -> None:
    assert said(*rules)[0] == ("action-idle", action if not action.startswith("Retract") else '"r2"')


@pytest.mark.parametrize(
    "rules",
    [
        ["{ when A.m > 0 then A.p += 20; }"],
        ["{ when A.m > 0 then A.p += 0; }"],
        ["{ when A.m > 0 then A.q *= 0.9; }"],
        ["{ when A.m > 0 then A.p *= 0.9; }", "{ when A.m > 5 then A.p += 3; }"],
        ['{ when A.m > 0 then A.w += "x"; }', '{ when A.m > 5 then A.w = "y"; }'],
        ["{ when A.n == null then A.n = 5; }"],
        ["{ when A.m > 0 then A.n += 5; }"],
        ["{ when A.n in [3, 4] then A.n = 3; }"],
        ["{ when A.m > 0 then A.n = 3; A.p = A.n; A.n = 4; }"],
        ["{ when A.m > 0 then A.n = 3; A.n += A.m; }"],
        ["{ when A.m > 0 then A.m = A.m + 0; }"],
        ["{ when A.n == 3 then A.n = 4; A.n = A.n - 1; }"],
        ['{ when A.m > 0 then Retract("r1"); }'],
        # Whoever reads it fires again, though it has what it had.
        ["{ when A.n == null then A.n = 3; A.n = null; }"],
        ["{ when A.m > 0 then A.n = 3; A.n = A.m; }", "{ when A.n > 2 then Log(1); }"],
        ["{ when A.m > 0 then A.o.x = 3; A.o.x = A.m; }", "{ when A.o != null then Log(1); }"],
    ],
    ids=lambda rules: rules[0],
)
def test_an_action_that_may_change_something_is_not_remarked(rules: list[str]) -> None:
    assert said(*rules) == []


def test_without_a_schema_only_what_holds_for_every_kind_is_claimed() -> None:
    assert said("{ when A.m > 0 then A.n += 0; A.t = A.t; }", schema=False) == [("action-idle", "A.t = A.t")]


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ("A.n = 11", "it is above its maximum 10"),
        ("A.n = -1", "it is below its minimum 0"),
        ("A.s = 450", "it is above its maximum 10"),
    ],
)
def test_a_constant_beyond_the_bounds_is_said_to_be_refused_and_is(action: str, why: str) -> None:
    text = f"rule r1 {{ when A.m > 0 then {action}; }}"
    assert said(text.removeprefix("rule r1 ")) == [("action-refused", action)]
    program = compile_ruleset({"a.grl": text}, SCHEMA)
    (warning,) = (one for one in review(program) if one.code == "action-refused")
    assert why in warning.message
    (reason,) = program.evaluate({"A": {"m": 1}}, as_of=MOMENT).reasons
    assert (reason.code, reason.text.endswith(why)) == ("assignment-refused", True)


def test_a_rule_that_asks_for_what_the_bounds_refuse_never_fires_and_is_said_not_to() -> None:
    rules = "rule Up { when A.m > 0 then A.s = A.m; } rule Gone { when A.s > 100 then Reject(); }"
    program = compile_ruleset({"a.grl": rules}, SCHEMA)
    assert [one.code for one in review(program) if one.code.startswith("rule-")] == ["rule-never"]
    for number in (5, 10, 11, 101, 450):
        evaluation = program.evaluate({"A": {"m": number}}, as_of=MOMENT)
        assert (evaluation.outcome, evaluation.fired) == (("accept", ["Up"]) if number <= 10 else ("error", []))


@pytest.mark.parametrize(
    ("write", "condition"),
    [
        ("A.o.x = A.m;", "A.o != null"),
        ("A.o.x = 1;", "!(A.o == null)"),
        ("A.s = 4; A.s += A.m;", "A.s == 5"),
        ("A.q *= 5;", "A.q == 5"),
        ("A.p -= A.m;", "A.p < 0"),
    ],
)
def test_a_rule_that_fires_on_what_another_one_wrote_is_not_said_never_to(write: str, condition: str) -> None:
    rules = f"rule Writes {{ when A.m > 0 then {write} }} rule Live salience -1 {{ when {condition} then Reject(); }}"
    program = compile_ruleset({"a.grl": rules}, SCHEMA)
    assert program.evaluate({"A": {"m": 1}}, as_of=MOMENT).fired == ["Writes", "Live"]
    assert [one.code for one in review(program) if one.code == "rule-never"] == []


ACTIONS = st.sampled_from(
    [
        "A.p += 0",
        "A.p += 1",
        "A.p *= 2",
        "A.p /= 1",
        "A.q *= 3",
        "A.q = 1",
        "A.n += 0",
        "A.n = 3",
        "A.n += A.m",
        "A.n *= 1",
        "A.n = null",
        "A.m = A.m",
        "A.m += A.p",
        'A.w += "x"',
        'A.w = "x"',
        'A.t = "x"',
        "A.s = A.p",
    ]
)
TESTS = st.sampled_from(["A.n == 3", "A.n == null", "A.p == null", "A.p == 0", 'A.t == "x"', "A.m > 1", "A.q == 1"])


@given(st.lists(st.tuples(TESTS, st.lists(ACTIONS, min_size=1, max_size=3)), min_size=1, max_size=4), st.data())
def test_without_an_idle_action_everything_comes_out_the_same(rules: list[Any], data: st.DataObject) -> None:
    def written(left_out: set[tuple[int, int]]) -> str:
        lines = []
        for n, (test, actions) in enumerate(rules):
            kept = [action if (n, i) not in left_out else "Log(1)" for i, action in enumerate(actions)]
            lines.append(f"rule r{n} no-loop {{\nwhen {test}\nthen\n" + "\n".join(f"{one};" for one in kept) + "\n}")
        return "\n".join(lines)

    text = written(set())
    program = compile_ruleset({"a.grl": text}, SCHEMA, max_firings=30)
    idle, lines = set(), text.splitlines()
    for warning in review(program):
        # What multiplies zero makes a zero of null.
        if warning.code == "action-idle" and warning.span and "counts as 0" not in warning.message:
            head = max(place for place in range(warning.span.line) if lines[place].startswith("rule r"))
            idle.add((int(lines[head].split()[1][1:]), warning.span.line - head - 4))
    other = compile_ruleset({"a.grl": written(idle)}, SCHEMA, max_firings=30)
    numbers = st.sampled_from([None, 0, 1, 2, 3])
    for _ in range(4):
        fields = {"n": data.draw(numbers), "m": data.draw(numbers), "t": data.draw(st.sampled_from([None, "x", "y"]))}
        with_them, without = (one.evaluate({"A": fields}, as_of=MOMENT) for one in (program, other))
        if with_them.outcome != "error":
            assert (with_them.fired, with_them.changes) == (without.fired, without.changes)
