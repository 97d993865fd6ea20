"""What the analysis of a table says of dates is so for moments and for days, in every zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RulesetRejected, Schema, compile_ruleset, parse_schema
from tests.engine.effort import cases

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
#: Moments, and the day in which most of them are.
WRITTEN = [
    "2026-03-28",
    "2026-03-29",
    "2026-03-30",
    "2026-03-29T00:00:00",
    "2026-03-29T09:00:00",
    "2026-03-29T10:00:00Z",
]
VALUES: list[Any] = [date(2026, 3, 27) + timedelta(days=n) for n in range(5)]
VALUES += [datetime(2026, 3, 28, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(100)]

operators = st.sampled_from(["", "< ", "<= ", "> ", ">= ", "!= "])
ranges = st.tuples(st.sampled_from("[("), st.sampled_from(WRITTEN), st.sampled_from(WRITTEN), st.sampled_from("])"))
cells = st.one_of(
    st.just("-"),
    st.tuples(operators, st.sampled_from(WRITTEN)).map("".join),
    ranges.map(lambda one: f"{one[0]}{one[1]}..{one[2]}{one[3]}"),
)


def schema_in(zone: str) -> Schema:
    return parse_schema(
        f'subject = "A"\nkey = "k"\ntimezone = "{zone}"\n[facts.A.fields]\nk = {{ kind = "text" }}\n'
        'd = { kind = "date", required = true }\nout = { kind = "text", derived = true }\n'
    )


def table(policy: str, rows: list[str]) -> dict[str, str]:
    return {"t.csv": f"{policy},when A.d,then A.out\n" + "".join(f"r{n},{cell},x\n" for n, cell in enumerate(rows))}


@settings(max_examples=cases(150), deadline=None)
@given(st.lists(cells, min_size=1, max_size=4), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_rows_that_are_said_to_meet_or_to_leave_nothing_out_do(rows: list[str], zone: str) -> None:
    schema = schema_in(zone)
    try:
        every = compile_ruleset(table("R", rows), schema)
    except RulesetRejected:
        # The ends of a range are the wrong way round.
        return
    fired = {repr(value): every.evaluate({"A": {"d": value}}, as_of=AS_OF).fired for value in VALUES}
    for policy in "UF":
        try:
            program = compile_ruleset(table(policy, rows), schema)
        except RulesetRejected:
            # Rows meet; for which date is said, and that is tried elsewhere.
            continue
        codes = {warning.code for warning in program.warnings}
        shadowed = [f"r{one.span.line - 2}" for one in program.warnings if one.code == "table-shadowed" and one.span]
        for value in VALUES:
            holding = [name.rpartition("#")[2] for name in fired[repr(value)]]
            assert policy != "U" or len(holding) <= 1, (rows, value)
            assert holding or "table-gap" in codes, (rows, value)
            assert not holding or holding[0] not in shadowed, (rows, value)


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        # 10:00 is after 9:00, but a day is not: the second row fires for the day.
        (["> 2026-11-30T09:00:00", "2026-11-30T10:00:00"], []),
        (["> 2026-11-30", "2026-11-30T10:00:00"], []),
        ([">= 2026-11-30", "2026-11-30T10:00:00"], ["table-shadowed"]),
        (["<= 2026-11-30", "2026-11-30"], ["table-shadowed"]),
        (["< 2026-11-30", "> 2026-11-30"], []),
    ],
)
def test_a_row_is_shadowed_only_if_it_is_for_days_too(rows: list[str], codes: list[str]) -> None:
    program = compile_ruleset(table("F", rows), schema_in("UTC"))
    assert [one.code for one in program.warnings if one.code == "table-shadowed"] == codes
