"""The parser: every case of parser.toml, and what no case can hold."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RulesetRejected
from engine.language import MAX_SOURCE_CHARACTERS, print_expression, print_rules
from engine.language.expression_parser import MAX_DEPTH, MAX_OPERANDS
from engine.language.lexer import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from engine.language.operand_parser import MAX_LIST_ITEMS, MAX_NESTING
from engine.language.parser import parse_rules
from engine.language.source import MAX_PROBLEMS

CASES = tomllib.loads((Path(__file__).parents[1] / "cases" / "parser.toml").read_text("utf-8"))["case"]


def rule_with(condition: str) -> str:
    return f"rule r {{ when {condition}\nthen Accept(); }}"


def problems_of(text: str | bytes, lead: int = 0) -> tuple[list[str], str]:
    """Every problem as code@line:column, and the hint of the first."""
    with pytest.raises(RulesetRejected) as caught:
        parse_rules(text)
    found = caught.value.diagnostics
    assert all(each.span is not None for each in found)
    places = [f"{each.code}@{each.span.line}:{each.span.column - lead}" for each in found if each.span]
    return places, found[0].hint


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    text = case["text"] if "text" in case else rule_with(case["when"])
    lead = 0 if "text" in case else len("rule r { when ")
    if "problems" in case:
        places, hint = problems_of(text, lead)
        assert places == case["problems"]
        assert hint == case.get("hint", hint)
    elif "condition" in case:
        (rule,) = parse_rules(text)
        assert print_expression(rule.condition) == case["condition"]
    else:
        assert print_rules(parse_rules(text)).strip() == case["prints"].strip()


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("(" * MAX_NESTING + "A.x" + ")" * MAX_NESTING, "grl-too-deep"),
        ("[" * 20_000, "grl-too-deep"),
        ("f(" * 20_000, "grl-too-deep"),
        ("A.x" + ".f()" * (MAX_DEPTH + 1), "grl-too-deep"),
        ("!" * (MAX_DEPTH + 1) + "A.x", "grl-too-deep"),
        ("!" * 20_000, "grl-too-deep"),
        ("1" + "+1" * (MAX_DEPTH + 1) + " > 0", "grl-too-deep"),
        ("A" + ".b" * (MAX_NESTING + 1), "grl-too-deep"),
        ("&&".join(["A.x"] * (MAX_OPERANDS + 1)), "grl-too-large"),
        (f"A.x in [{'1,' * MAX_LIST_ITEMS}1]", "grl-too-large"),
        (f'A.x == "{"x" * (MAX_TEXT_CHARACTERS + 1)}"', "grl-text"),
        (f'A.x == "{chr(92)}n{"x" * MAX_TEXT_CHARACTERS}"', "grl-text"),
        ("A.x == " + "9" * 20_000, "grl-number"),
        ("A.x == 0x" + "F" * 300, "grl-number"),
        ("x" * (MAX_NAME_CHARACTERS + 1), "grl-name"),
        ("A[99999999]", "grl-too-large"),
        ("A[" * 20_000, "grl-too-deep"),
        ("A.x" + "[A.i]" * 20_000, "grl-too-deep"),
        ("not " * 20_000, "grl-operator"),
    ],
    ids=range(19),
)
def test_what_is_too_large_is_refused(condition: str, code: str) -> None:
    places, _ = problems_of(rule_with(condition))
    assert places[0].startswith(code)


def test_what_is_just_not_too_large_is_taken() -> None:
    nested = "(" * (MAX_NESTING - 1) + "A.x" + ")" * (MAX_NESTING - 1)
    added = "1" + "+1" * (MAX_DEPTH - 1) + " > 0"
    assert len(parse_rules(rule_with(nested) + rule_with(added))) == 2


def test_a_file_has_a_limit_and_so_have_its_problems() -> None:
    assert problems_of(" " * (MAX_SOURCE_CHARACTERS + 1))[0] == ["source-too-large@1:1"]
    places, _ = problems_of("rule r { when A.x = 1 then Accept(); }\n" * 10_000)
    assert len(places) == MAX_PROBLEMS + 1
    assert places[-1].startswith("too-many-problems")


def test_bytes_have_to_be_utf8_and_may_have_a_byte_order_mark() -> None:
    assert problems_of(b'rule r {\n when A.x == "\xff" then Accept(); }')[0] == ["source-not-utf8@2:15"]
    assert parse_rules(b"\xef\xbb\xbf" + rule_with("A.x").encode())[0].name == "r"
    assert problems_of(rule_with('A.x == "\ud800"'))[0] == ["source-not-utf8@1:23"]


def test_windows_line_ends_do_not_move_a_column() -> None:
    assert problems_of("rule r {\r\n  when A.x = 1\r\n then Accept(); }")[0] == ["grl-assignment@2:12"]


def test_a_diagnostic_shows_its_line_with_a_caret() -> None:
    with pytest.raises(RulesetRejected) as caught:
        parse_rules("rule r {\n\twhen A.x >> 3\n then Accept(); }", source="shop/a.grl")
    assert str(caught.value) == (
        "shop/a.grl:2:11: '>>' is not an operator [grl-operator]\n"
        "  2 | \twhen A.x >> 3\n"
        "    | \t         ^^\n"
        "  hint: did you mean '>='?"
    )


def test_the_list_of_a_quantifier_is_known_from_the_schema_or_is_the_first_fact() -> None:
    text = rule_with("exists(Order.least < Line.qty)")
    assert parse_rules(text)[0].condition.fact == "Order"  # type: ignore[union-attr]
    assert parse_rules(text, list_facts=["Line"])[0].condition.fact == "Line"  # type: ignore[union-attr]
