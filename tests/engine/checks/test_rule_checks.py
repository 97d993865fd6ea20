"""The checks: every case of checks.toml, and what takes more than one file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.diagnostics import Diagnostic
from engine.errors import RulesetRejected
from engine.language import Compare, Literal, Rule
from engine.ruleset import read_sources
from engine.schema import parse_schema

FOLDER = Path(__file__).parents[1] / "cases"
CASES = tomllib.loads((FOLDER / "checks.toml").read_text("utf-8"))["case"]
SHOP = parse_schema((FOLDER / "shop.toml").read_text("utf-8"))


def found_in(sources: dict[str, str], schema: bool = True) -> tuple[Diagnostic, ...]:
    try:
        return read_sources(sources, SHOP if schema else None).warnings
    except RulesetRejected as rejected:
        return rejected.diagnostics


def shown(found: Diagnostic) -> str:
    assert found.span is not None
    begin = found.span.column - 1
    underlined = found.source_line[begin : begin + found.span.length]
    return f"{found.code}{'?' * (found.severity == 'warning')}@{underlined}"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    condition, actions = case.get("when", "true"), case.get("then", "Accept();")
    found = found_in({"a.grl": f"rule r {{ when {condition}\nthen {actions} }}"}, case.get("schema", True))
    assert [shown(each) for each in found] == case["problems"]
    for each, hint in zip(found, case.get("hints", []), strict=False):
        assert each.hint == hint


def test_names_are_unique_in_a_ruleset_and_the_first_one_is_named() -> None:
    rule = "rule a { when Order.vip then Accept(); }"
    (found,) = found_in({"b.grl": f"\n{rule}", "a.grl": rule})
    assert (found.code, str(found).splitlines()[0]) == (
        "rule-duplicate",
        "b.grl:2:6: there is a rule 'a' already, at a.grl:1 [rule-duplicate]",
    )


def test_the_problems_of_all_files_come_at_once() -> None:
    sources = {
        "a.grl": "rule a { when Order.x then Accept(); }",
        "b.grl": "rule b { when then Accept(); }",
        "c.csv": "when Order.y,then Review\n1,x",
        "d.txt": "",
        "e.grl": b"\xff",
    }
    assert [found.code for found in found_in(sources)] == [  # type: ignore[arg-type]
        "unknown-field",
        "grl-syntax",
        "unknown-field",
        "source-kind",
        "source-not-utf8",
    ]


def test_a_rule_with_a_problem_can_still_be_retracted() -> None:
    (found,) = found_in({"a.grl": 'rule a { when ( then Accept(); } rule b { when Order.vip then Retract("a"); }'})
    assert found.code == "grl-syntax"


def test_texts_become_dates_where_the_schema_says_date() -> None:
    text = 'rule a { when Order.placed < "2026-01-31" && "2026-01-31" == Order.channel then Accept(); }'
    (rule,) = read_sources({"a.grl": text}, SHOP).rules
    kinds = [
        type(side.value).__name__
        for test in rule.condition.operands  # type: ignore[union-attr]
        for side in (test.left, test.right)
        if isinstance(test, Compare) and isinstance(side, Literal)
    ]
    assert kinds == ["datetime", "str"]


def rules_of(sources: dict[str, str]) -> tuple[tuple[Rule, ...], str]:
    ruleset = read_sources(sources, SHOP)
    return ruleset.rules, ruleset.digest


def test_the_digest_is_of_the_meaning_not_of_the_form() -> None:
    plain = {
        "a.grl": 'rule a { when Order.channel contains "x" then Accept(); }',
        "b.csv": "when Order.total,then Review\n1,x",
    }
    other = {
        "b.csv": 'when Order.total , then Review\r\n"1",x\r\n\r\n',
        "a.grl": '// why\nRULE "a" {\n when (Order.channel.Contains("x"))\n then ACCEPT() }',
    }
    assert rules_of(plain) == rules_of(other)
    changed = {**plain, "a.grl": plain["a.grl"].replace('"x"', '"y"')}
    renamed = {"a.grl": plain["a.grl"], "c.csv": plain["b.csv"]}
    digests = {rules_of(sources)[1] for sources in (plain, changed, renamed)}
    assert len(digests) == 3
    assert read_sources(plain).digest not in digests


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("Order.channel.toUpperCase()", "write ToUpper(text)"),
        ('regex_match(Order.channel, "a")', 'write text matches "pattern"'),
        ("TOUPPER(Order.channel)", "did you mean 'ToUpper'?"),
        ("is_zero(Order.total)", "did you mean 'IsZero'?"),
        ("Order.getTotal()", "a field is read by its name: Fact.total"),
        ("Between(Order.total, 1, 2)", "write a <= x && x <= b"),
        ("Sin(Order.total)", "it has no value to 15 digits here; compute it before the job is submitted"),
        ("Order.tags.Append(1)", "write the whole list to the field, for rules do not change lists"),
        ("IsNaN(Order.total)", "write IsNull(x / y), for no number is infinite, and what has no value is null"),
        ("Rand()", "no verdict depends on chance"),
        ("Lenn(Order.channel)", "did you mean 'Len'?"),
        (
            "Order.channel.Zzzzz()",
            "functions are those of docs/language.md; a field is read by its name: Order.total > 5",
        ),
    ],
)
def test_functions_of_other_languages_have_a_hint(call: str, hint: str) -> None:
    (found, *_) = found_in({"a.grl": f"rule r {{ when {call} == 1 then Accept(); }}"})
    assert (found.code, found.hint.partition(", and send")[0]) == ("unknown-function", hint)
