"""Formatting keeps the rules and every comment, and formatting again changes nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import format_rules
from engine.errors import RulesetRejected
from engine.language import print_rules
from engine.language.parser import parse_rules
from rulesets.formatting import formatted, grl_files
from rulesets.loader import SHIPPED, available_domains
from tests.engine.language import trees

UGLY = """
/* The shop's rules,
   as agreed. */

// First.
RULE  first"why" no-loop   salience 3 // urgent
{
  when // what
    // cheap
    A.b<1.50 /* or free */ && A.c==true // sold
    // and kept
    && A.d.Contains("x")
  then A.e=1 ; Reject( ) // no
  // done
}  // end of first


rule second { when (A.rule == 1 && A.then == 2) || !(A.b==1||A.c) then Complete(); }
// last
"""
PRETTY = """\
/* The shop's rules,
   as agreed. */

// First.
rule "first" "why" salience 3 no-loop {  // urgent
    when  // what
        // cheap
        A.b < 1.5  /* or free */
        && A.c == true  // sold
        // and kept
        && A.d contains "x"
    then
        A.e = 1;
        Reject();  // no
// done
}  // end of first

rule "second" {
    when A.rule == 1 && A.then == 2 || !(A.b == 1 || A.c)
    then Complete();
}

// last
"""


def test_an_ugly_file_becomes_a_pretty_one() -> None:
    assert format_rules(UGLY) == PRETTY
    assert format_rules(PRETTY) == PRETTY


def test_a_long_condition_is_broken_where_it_can_be() -> None:
    name = "x" * 36
    text = (
        f"rule r {{ when !exists(L.{name} == 1 && (L.{name} == 2 || L.{name} == 3)) && A.{name} == 4 then Reject(); }}"
    )
    assert format_rules(text).splitlines()[1:11] == [
        "    when",
        "        !exists(",
        f"            L.{name} == 1",
        f"            && (L.{name} == 2 || L.{name} == 3)",
        "        )",
        f"        && A.{name} == 4",
        "    then Reject();",
        "}",
    ]


def test_what_is_long_within_is_filled_line_by_line() -> None:
    brands = ", ".join(f'"brand {number} \\" no place, to break"' for number in range(6))
    said = " + ".join(['"words, all said"'] * 9)
    parts = " + ".join(f"Line.amount{number} * 1.19" for number in range(6))
    text = (
        f"rule r {{ when A.brand in [{brands}] && Sum({parts}) > 3"
        f" && exists(L.brand in [{brands}]) && Count(L.brand in [{brands}] && L.x > 5) >= 3"
        f" then Review({said}); A.x = {parts}; }}"
    )
    written = format_rules(text)
    assert max(map(len, written.splitlines())) <= 110
    assert parse_rules(written) == parse_rules(text)
    said_of_brands = [line.strip().partition(" in ")[2] or line.strip() for line in written.splitlines()[2:5]]
    assert "".join(f"{line} " for line in said_of_brands).strip() == f"[{brands}]"
    assert format_rules(written) == written


def test_a_long_head_gets_its_attributes_below() -> None:
    text = f'rule "{"n" * 90}" date-effective "2026-01-01" salience 5 {{ when A.b then Reject(); }}'
    assert format_rules(text).splitlines()[1] == '    salience 5 date-effective "2026-01-01" {'


def test_a_call_is_formatted_where_the_schema_declares_it_and_refused_elsewhere() -> None:
    text = 'rule r {when A.b then SendAlert( "x",A.b ) ; }'
    assert format_rules(text, calls=["SendAlert"]) == 'rule "r" {\n    when A.b\n    then SendAlert("x", A.b);\n}\n'
    with pytest.raises(RulesetRejected, match=r"declare the call in domain\.toml"):
        format_rules(text)


def test_a_file_with_problems_is_refused() -> None:
    with pytest.raises(RulesetRejected):
        format_rules("rule r { when A. then Reject(); }")
    assert format_rules("") == ""
    assert format_rules("// only a comment") == "// only a comment\n"


@pytest.mark.parametrize("file", [file for domain in available_domains() for file in grl_files(SHIPPED, domain)])
def test_the_rules_that_ship_are_formatted(file: Path) -> None:
    old, new = formatted(file)
    assert old == new


GAPS = st.sampled_from(["", " ", "\n", "\n\n", " // c1\n", "/* c2 */", "\n// c3\n\n", "/* c4\n c5 */", "\n/* c6 */\n"])


@settings(deadline=None)
@given(st.lists(trees.rules, min_size=1, max_size=2, unique_by=lambda rule: rule.name), st.data())
def test_no_comment_is_lost_wherever_it_stands(rules: list[trees.Rule], data: st.DataObject) -> None:
    text = print_rules(rules)
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[\w.]+(?:-[a-z]\w*)*|\s+|&&|\|\||[<>=!+*/-]=|.', text)
    places = data.draw(st.lists(st.integers(0, len(tokens)), max_size=6))
    for place in sorted(places, reverse=True):
        tokens.insert(place, data.draw(GAPS))
    mixed = "".join(tokens)
    names: dict[str, Any] = {"list_facts": [trees.LIST_FACT], "calls": trees.CALLS}
    try:
        meant = parse_rules(mixed, **names)
    except RulesetRejected:
        return
    written = format_rules(mixed, **names)
    assert parse_rules(written, **names) == meant
    assert format_rules(written, **names) == written


def test_facts_called_like_words_of_the_language_keep_their_comments() -> None:
    text = """// first
rule R { // head
  when Then.x > 1 // then
    && When.then && Then["y"] in In.l // in
  then // do
    Rule.x = Then.x; // rule
    Then.rule += 1; // last
} // end
rule S { when [1, 2] contains When.x then Rule["y"] = 1; }
"""
    written = format_rules(text)
    assert format_rules(written) == written
    assert (
        written.splitlines()[2:5] == ["    when", "        Then.x > 1  // then", "        && When.then  // in"]
        or "// then" in written
    )
