"""Comparisons that days make differ from before are named, and no others: each is tried with the midnight of before."""

from datetime import UTC, datetime, timedelta

import pytest

from engine import compile_ruleset, parse_schema
from engine.lint import review

DAY = "2026-11-30"
MIDNIGHT = datetime(2026, 11, 30, tzinfo=UTC)
SCHEMA = parse_schema("""
subject = "A"
key = "k"
[facts.A.fields]
k = { kind = "text" }
d = { kind = "date" }
e = { kind = "date" }
l = { kind = "list" }
""")


def sources(condition: str = "true", attributes: str = "") -> dict[str, str]:
    return {"a.grl": f'rule r {attributes} {{ when {condition} then Review("r"); }}'}


def warned(given: dict[str, str], schema: bool = True) -> list[tuple[str, str]]:
    """What is underlined, and what is said of it."""
    found = review(compile_ruleset(given, SCHEMA if schema else None), given)
    return [
        (one.source_line[one.span.column - 1 : one.span.column - 1 + one.span.length], one.message)
        for one in found
        if one.span and one.code == "day-whole"
    ]


def outcomes(given: dict[str, str]) -> list[str]:
    """At moments around the start and the end of the day."""
    program = compile_ruleset(given, SCHEMA)
    tick = timedelta(microseconds=1)
    moments = [MIDNIGHT + timedelta(days=days) + n * tick for days in (0, 1) for n in (-1, 0, 1)]
    return [program.evaluate({"A": {"d": one, "e": one, "l": [one]}}, as_of=one).outcome for one in moments]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ('A.d == "{}"', "holds all that day"),
        ('A.d != "{}"', "fails all that day"),
        ('A.d <= "{}"', "holds until that day ends (2026-11-30); it held until it starts"),
        ('A.d > "{}"', "holds once that day is over (2026-11-30); it held once it has started"),
        ('"{}" >= A.d', "holds until that day ends"),
        ('"{}" < A.d', "holds once that day is over"),
        ('!(A.d > "{}") && A.d != null', "holds once that day is over"),
        ('A.d in ["2025-01-01T00:00:00", "{}"]', "holds all that day"),
        ('A.l contains Date("{}")', "holds all that day"),
        ('Now() > Date("{}")', "holds once that day is over"),
        ('AddDays(A.d, 0) <= "{}"', "holds until that day ends"),
    ],
)
def test_a_comparison_that_differs_is_named(condition: str, words: str) -> None:
    now, before = sources(condition.format(DAY)), sources(condition.format(f"{DAY}T00:00:00"))
    assert outcomes(now) != outcomes(before)
    [(underlined, message)] = warned(now)
    assert DAY in underlined
    assert words in message
    assert warned(before) == []


@pytest.mark.parametrize(
    "condition",
    ['A.d < "{}"', 'A.d >= "{}"', '"{}" <= A.d', '"{}" > A.d', 'Now() >= Date("{}")', 'A.k == "{}"', "A.d == A.e"],
)
def test_a_comparison_that_does_not_differ_is_left_alone(condition: str) -> None:
    now, before = sources(condition.format(DAY)), sources(condition.format(f"{DAY}T00:00:00"))
    assert outcomes(now) == outcomes(before)
    assert warned(now) == []


def test_a_rule_that_expires_on_a_day_is_named() -> None:
    now, before = (sources(attributes=f'date-expires "{end}"') for end in (DAY, f"{DAY}T00:00:00"))
    assert outcomes(now) != outcomes(before)
    assert warned(before) == warned(sources(attributes=f'date-effective "{DAY}"')) == []
    [(_, message)] = warned(now)
    assert message == "rule 'r' is in force until 2026-11-30 ends; it was until that day starts"


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("[2026-11-01..2026-11-30]", 1),
        ("[2026-11-01..2026-11-30)", 0),
        ("(2026-11-01..2026-11-30]", 2),
        ("2026-11-30", 1),
        ('"2026-11-30,2026-12-01"', 2),
        ("<= 2026-11-30", 1),
        (">= 2026-11-30", 0),
        ("[2026-11-01..2026-11-30T00:00:00]", 0),
    ],
)
def test_a_cell_is_named_for_each_day_that_differs(cell: str, count: int) -> None:
    table = {"a.csv": f"F,when A.d,then Review\none,{cell},r\n"}
    found = warned(table)
    assert len(found) == count
    assert all(underlined.strip('"') in cell for underlined, _ in found)


def test_without_a_schema_a_date_is_one_that_says_so() -> None:
    assert len(warned(sources('A.d == Date("2026-11-30")'), schema=False)) == 1
    assert warned(sources('A.d == "2026-11-30"'), schema=False) == []
