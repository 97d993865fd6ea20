"""What differs between two versions is named by rule, row and field, and nothing else is."""

from collections.abc import Mapping

import pytest

from engine import Program, compile_ruleset, parse_schema
from rulesets.differences import changed_rules, differences

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", min = 0 }
country = { kind = "text" }
{more}
"""
ONE = 'rule One { when Order.total > 1 then Review("one"); }\n'
TWO = 'rule Two { when Order.total > 2 then Review("two"); }\n'
THREE = 'rule Three { when Order.total > 3 then Review("three"); }\n'
HEAD = "F,when Order.country,when Order.total,then Reject\n"
ROWS = [f',"C{n}",> {n},"no {n}"\n' for n in range(9)]


def program(files: Mapping[str, str], more: str = "") -> Program:
    """The compiled files."""
    return compile_ruleset(files, schema=parse_schema(SCHEMA.replace("{more}", more)))


def rules(*texts: str) -> dict[str, str]:
    """One file of rules."""
    return {"a.grl": "".join(texts)}


def rows(*texts: str) -> dict[str, str]:
    """One table."""
    return {"limits.csv": HEAD + "".join(texts)}


CASES: dict[str, tuple[dict[str, str], dict[str, str], set[tuple[str, str]]]] = {
    "nothing": (rules(ONE, TWO), rules(ONE, TWO), set()),
    "comments and blanks": (rules(ONE, TWO), rules("// why\n", ONE.replace(" ", "  "), "\n", TWO), set()),
    "another file": (rules(ONE, TWO), {"a.grl": ONE, "b.grl": TWO}, set()),
    "added": (rules(ONE), rules(ONE, TWO), {("added", "Two")}),
    "removed": (rules(ONE, TWO), rules(TWO), {("removed", "One")}),
    "changed": (rules(ONE, TWO), rules(ONE, TWO.replace("> 2", ">= 2")), {("changed", "Two")}),
    "description": (rules(ONE), rules(ONE.replace("One {", 'One "why" {')), {("changed", "One")}),
    "moved": (rules(ONE, TWO, THREE), rules(THREE, ONE, TWO), {("moved", "Three")}),
    "moved and changed": (rules(ONE, TWO, THREE), rules(THREE.replace("3", "4", 1), ONE, TWO), {("changed", "Three")}),
    "renamed": (rules(ONE), rules(ONE.replace("One", "Uno")), {("removed", "One"), ("added", "Uno")}),
    "a row above": (rows(*ROWS), rows(',"X",> 5,"x"\n', *ROWS), {("added", "limits#1")}),
    "a row in the middle": (rows(*ROWS), rows(*ROWS[:4], ',"X",> 5,"x"\n', *ROWS[4:]), {("added", "limits#5")}),
    "a row less": (rows(*ROWS), rows(*ROWS[:4], *ROWS[5:]), {("removed", "limits#5")}),
    "a cell": (rows(*ROWS), rows(*ROWS[:4], ROWS[4].replace("> 4", "> 44"), *ROWS[5:]), {("changed", "limits#5")}),
    "a row moved": (rows(*ROWS), rows(*ROWS[1:], ROWS[0]), {("moved", "limits#9")}),
    "two like rows": (rows(ROWS[0], ROWS[1]), rows(ROWS[0], ROWS[0], ROWS[1]), {("added", "limits#1")}),
    "another table": (
        rows(*ROWS[:1]),
        {"other.csv": HEAD + ROWS[0]},
        {("removed", "limits#1"), ("added", "other#1")},
    ),
}


@pytest.mark.parametrize(("before", "after", "found"), CASES.values(), ids=CASES.keys())
def test_what_was_done_is_named_and_nothing_else(
    before: dict[str, str], after: dict[str, str], found: set[tuple[str, str]]
) -> None:
    one, other = program(before), program(after)
    assert {(each.kind, each.name) for each in differences(one, other)} == found
    # And the other way round what was added is removed.
    back = {(each.kind, each.name) for each in differences(other, one)}
    assert {kind for kind, _ in back} == {{"added": "removed", "removed": "added"}.get(kind, kind) for kind, _ in found}


def test_fields_are_named_with_their_bounds() -> None:
    before, after = (
        program(rules(ONE), 'note = { kind = "text" }'),
        program(rules(ONE), 'vip = { kind = "boolean" }\nnote = { kind = "number" }'),
    )
    assert [(each.kind, each.name, each.before, each.after) for each in differences(before, after)] == [
        ("changed", "Order.note", "Order.note text", "Order.note number"),
        ("added", "Order.vip", None, "Order.vip boolean"),
    ]


def test_two_versions_that_differ_have_differences_and_those_that_judge_alike_have_none() -> None:
    for before, after, found in CASES.values():
        one, other = program(before), program(after)
        assert (one.digest == other.digest) == (not found)


def test_one_rule_or_one_table_is_picked() -> None:
    found = differences(program(rules(ONE) | rows(*ROWS)), program(rules(ONE, TWO) | rows(*ROWS[1:])))
    assert [each.name for each in changed_rules(found, "Two")] == ["Two"]
    assert [each.name for each in changed_rules(found, "limits")] == ["limits#1"]
    assert changed_rules(found, "One") == []
