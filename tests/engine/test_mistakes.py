"""Mistakes that are made once are reported once: every case of mistakes.toml."""

import tomllib
from pathlib import Path

import pytest

from engine import RulesetRejected, compile_ruleset

CASES = tomllib.loads((Path(__file__).parent / "cases" / "mistakes.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_one_mistake_is_one_problem(case: dict[str, str]) -> None:
    with pytest.raises(RulesetRejected) as caught:
        compile_ruleset({"a.grl": case["text"]})
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (f"{found.code}@{found.span.line}:{found.span.column}", found.hint) == (case["problem"], case["hint"])


@pytest.mark.parametrize("sign", ["#", ";;", "--", "<!--"])
def test_comments_of_another_language_are_one_mistake_of_a_file(sign: str) -> None:
    lines = [f"{sign} line {number}: (a word; and more)" for number in range(300)]
    text = "\n".join([*lines, "rule R {", f"  {sign} within", "  when A.x > 1", "  then Accept(); }", *lines])
    with pytest.raises(RulesetRejected) as caught:
        compile_ruleset({"a.grl": text})
    assert [problem.code for problem in caught.value.diagnostics] == ["grl-comment"]
