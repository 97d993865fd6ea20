"""Patterns that know ASCII only, beside other letters: warned of, and of nothing else."""

import pytest

from engine import compile_ruleset, parse_schema
from engine.lint import review


def remarks(condition: str) -> list[tuple[str, str]]:
    program = compile_ruleset({"a.grl": f"rule r {{ when {condition} then Review(); }}"})
    return [(one.code, one.message) for one in review(program)]


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        (
            r'Order.channel matches "^\\w+$" && Order.id == "Größe"',
            [r"\w know ASCII only, and there are other letters here: ö"],
        ),
        (r'Order.channel matches "\\bü\\d" ', [r"\b and \d know ASCII only, and there are other letters here: ü"]),
        (
            r'Order.channel matches "^\\w+$" && Order.id in ["a", "ж"]',
            [r"\w know ASCII only, and there are other letters here: ж"],
        ),
        (
            r'Order.channel matches "\\S" && Order.id.Replace("é", "e") == "e"',
            [r"\S know ASCII only, and there are other letters here: é"],
        ),
        (r'Order.channel matches "^\\w+$" && Order.id == "x – €"', []),
        (r'Order.channel matches "^[a-zü]+$"', []),
        (r'Order.channel matches "\\\\wü"', []),
        (r'Order.channel matches "^\\p{L}+ü$"', []),
    ],
)
def test_patterns_that_know_ascii_only(condition: str, shown: list[str]) -> None:
    assert [text for code, text in remarks(condition) if code == "pattern-ascii"] == shown


def test_a_pattern_beside_values_with_other_letters() -> None:
    toml = 'subject = "P"\nkey = "id"\n[facts.P.fields]\nid = { kind = "text", values = ["rot", "grün"] }\n'
    program = compile_ruleset({"a.grl": r'rule r { when P.id matches "^\\w+$" then Review(); }'}, parse_schema(toml))
    assert [one.code for one in review(program)] == ["pattern-ascii"]
