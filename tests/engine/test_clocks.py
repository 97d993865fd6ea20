"""Times of day and durations: cases for every evaluator, what is refused, and each place where they may stand."""

import tomllib
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import RulesetRejected, SchemaRejected, compile_ruleset, explain, parse_schema
from engine.lint.review import review
from engine.values import parse_duration, parse_time
from tests.engine.naive import Naive

FILE = tomllib.loads((Path(__file__).parent / "cases" / "clocks.toml").read_text("utf-8"))
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = parse_schema("""
    subject = "A"
    key = "t"
    [facts.A.fields]
    t = { kind = "text" }
    n = { kind = "number" }
    d = { kind = "date" }
    at = { kind = "time" }
    took = { kind = "duration" }
    total = { kind = "duration", derived = true, default = "PT1H", max = "P2D" }
    slot = { kind = "time", derived = true, min = "08:00", max = "18:00" }
    shift = { kind = "time", derived = true, values = ["06:00", "14:00", "22:00"] }
    [facts.L]
    list = true
    fields = { took = { kind = "duration" }, at = { kind = "time" } }
    """)


def ruled(condition: str) -> dict[str, str | bytes]:
    return {"r.grl": f'rule R {{ when {condition} then Review("r"); }}'}


def jobs(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The facts of a case: as texts, and as Python has them."""
    texts = [{"at": at, "took": took} for at in case.get("at") or [None] for took in case.get("took") or [None]]
    own = [
        {"at": at and parse_time(at), "took": took and parse_duration(took)}
        for at, took in ((job["at"], job["took"]) for job in texts)
    ]
    return texts + own


@pytest.mark.parametrize("case", FILE["case"], ids=lambda case: str(case["name"]))
def test_every_evaluator_means_the_same(case: dict[str, Any]) -> None:
    sent = jobs(case)
    frames = [pl.DataFrame(sent[: len(sent) // 2]), pl.DataFrame(sent[len(sent) // 2 :])]
    for outcome, conditions in (("review", case["holds"]), ("accept", case["fails"])):
        for condition in conditions:
            program = compile_ruleset(ruled(condition), SCHEMA)
            naive = Naive(list(program.rules), schema=SCHEMA)
            for job in sent:
                assert program.evaluate({"A": job}, as_of=AS_OF).outcome == outcome, (condition, job)
                assert naive.evaluate({"A": job}, AS_OF).outcome == outcome, (condition, job)
            for frame in frames:
                found = program.evaluate_frame(frame, fact="A", as_of=AS_OF).outcome
                assert set(found) == {outcome}, (condition, frame)


@pytest.mark.parametrize("case", FILE["refused"], ids=lambda case: str(case["says"]))
@pytest.mark.parametrize("condition", ["A.at != null && A.took != null", "A.n > 1"])
def test_a_text_that_is_none_is_refused_whether_a_rule_reads_it_or_not(case: dict[str, Any], condition: str) -> None:
    program = compile_ruleset(ruled(condition), SCHEMA)
    for name in ("at", "took"):
        for text in case.get(name, ()):
            one = program.evaluate({"A": {name: text}}, as_of=AS_OF)
            assert (one.outcome, case["says"] in one.reasons[0].text) == ("error", True), text
            rows = program.evaluate_frame(pl.DataFrame({name: [text, None]}), fact="A", as_of=AS_OF)
            assert rows.outcome == ["error", "accept"], text


@pytest.mark.parametrize("value", [7, True, ["10:30"], time(10, tzinfo=UTC), timedelta(days=100_000_001), AS_OF])
def test_another_kind_is_refused(value: Any) -> None:
    program = compile_ruleset(ruled('A.at > "10:30" || A.took > "PT1H"'), SCHEMA)
    for name in ("at", "took"):
        assert program.evaluate({"A": {name: value}}, as_of=AS_OF).outcome == "error"


@pytest.mark.parametrize(
    ("code", "condition"), [(group["code"], condition) for group in FILE["unlike"] for condition in group["when"]]
)
def test_a_condition_across_kinds_does_not_load(code: str, condition: str) -> None:
    with pytest.raises(RulesetRejected) as caught:
        compile_ruleset(ruled(condition), SCHEMA)
    assert code in {one.code for one in caught.value.diagnostics}


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_columns_of_any_unit(unit: Any) -> None:
    lengths = [timedelta(hours=1), timedelta(days=-1), None]
    frame = pl.DataFrame({"took": pl.Series(lengths, dtype=pl.Duration(unit)), "at": [time(9), time.max, None]})
    program = compile_ruleset(ruled('A.took >= "PT1H" || A.at > "23:00"'), SCHEMA)
    assert program.evaluate_frame(frame, fact="A", as_of=AS_OF).outcome == ["review", "review", "accept"]


def test_they_go_out_as_they_are_written_in_iso() -> None:
    rules = """rule R { when A.took > "PT1H" then A.total += A.took * 2; A.slot = A.at; Log("at " + A.at);
        Review("it took " + A.took); }"""
    program = compile_ruleset({"r.grl": rules}, SCHEMA)
    for took in ("PT90M", timedelta(minutes=90)):
        one = program.evaluate({"A": {"took": took, "at": "10:30"}}, as_of=AS_OF)
        assert (one.reasons[0].text, one.logs) == ("it took PT1H30M", ["at 10:30:00"])
        assert one.changes == {"A.total": timedelta(hours=4), "A.slot": time(10, 30)}
        assert one.to_json()["changes"] == {"A.total": "PT4H", "A.slot": "10:30:00"}
    seen = explain(program, {"A": {"took": "PT90M", "at": "10:30"}}, as_of=AS_OF, every=True).to_json()
    assert "PT1H30M" in str(seen)
    assert "timedelta" not in str(seen)


@pytest.mark.parametrize(
    ("action", "refused"),
    [
        ('A.total += "P1DT23H"', False),
        ('A.total += "P1DT23H0.000001S"', True),
        ('A.total = "P2DT0.000001S"', True),
        ('A.slot = "07:59:59.999999"', True),
        ('A.slot = "18:00"', False),
        ('A.shift = "14:00:00"', False),
        ("A.shift = A.at", True),
    ],
)
def test_bounds_and_values_hold_on_assignment(action: str, refused: bool) -> None:
    program = compile_ruleset({"r.grl": f"rule R {{ when A.at != null then {action}; }}"}, SCHEMA)
    job = {"A": {"at": "10:30"}}
    one = program.evaluate(job, as_of=AS_OF)
    assert (one.outcome == "error") is refused
    assert Naive(list(program.rules), schema=SCHEMA).evaluate(job, AS_OF).outcome == one.outcome
    assert program.evaluate_frame(pl.DataFrame([job["A"]]), fact="A", as_of=AS_OF).outcome == [one.outcome]


def test_bounds_and_values_hold_for_what_is_sent() -> None:
    schema = parse_schema("""
        subject = "A"
        key = "t"
        [facts.A.fields]
        t = { kind = "text" }
        at = { kind = "time", min = 06:00:00, values = ["05:00", "06:00", "14:00"] }
        took = { kind = "duration", required = true, min = "PT0S", max = "P1D" }
        """)
    program = compile_ruleset(ruled('A.took > "PT1H"'), schema)
    rows = [
        ("06:00", "P1D"),
        ("05:00", "PT1H"),
        ("07:00", "PT1H"),
        ("14:00", "-PT1S"),
        ("14:00", "P1DT1S"),
        (None, None),
    ]
    wanted = ["review", "error", "error", "error", "error", "error"]
    sent = [{"at": at, "took": took} for at, took in rows]
    assert [program.evaluate({"A": job}, as_of=AS_OF).outcome for job in sent] == wanted
    naive = Naive(list(program.rules), schema=schema)
    assert [naive.evaluate({"A": job}, AS_OF).outcome for job in sent] == wanted
    typed = pl.DataFrame([{"at": at and parse_time(at), "took": took and parse_duration(took)} for at, took in rows])
    for frame in (pl.DataFrame(sent), typed):
        assert program.evaluate_frame(frame, fact="A", as_of=AS_OF).outcome == wanted


@pytest.mark.parametrize(
    "field",
    [
        'x = { kind = "time", min = 8 }',
        'x = { kind = "time", max = "PT1H" }',
        'x = { kind = "time", min = "18:00", max = "08:00" }',
        'x = { kind = "duration", min = "P1M" }',
        'x = { kind = "duration", values = ["PT1H", 3600] }',
        'x = { kind = "duration", default = "PT1H" }',
        'x = { kind = "time", derived = true, default = "08:00" }',
        'x = { kind = "duration", derived = true, default = "PT3H", max = "PT2H" }',
        'x = { kind = "duration", derived = true, default = 60 }',
    ],
)
def test_a_schema_with_wrong_constants_is_refused(field: str) -> None:
    with pytest.raises(SchemaRejected):
        parse_schema(f'subject = "A"\nkey = "t"\n[facts.A.fields]\nt = {{ kind = "text" }}\n{field}')


def test_one_meaning_is_one_digest() -> None:
    def digest(at: str, bound: str) -> str:
        fields = f't = {{ kind = "text" }}\nx = {{ kind = "time", min = {bound} }}'
        text = f'subject = "A"\nkey = "t"\n[facts.A.fields]\n{fields}'
        return compile_ruleset(ruled(f"A.x > {at}"), parse_schema(text)).digest

    assert len({digest(at, '"08:00"') for at in ('"10:30"', '"10:30:00"', 'Time("10:30")')}) == 1
    assert digest('"10:30"', "08:00:00") == digest('"10:30"', '"08:00"') != digest('"10:30"', '"08:01"')


def test_without_a_schema_a_text_is_no_time() -> None:
    program = compile_ruleset(ruled('A.at == Time("10:30") || A.took > Duration("PT1H")'))
    for facts, outcome in (
        ({"at": "10:30"}, "accept"),
        ({"took": "PT2H"}, "accept"),
        ({"at": time(10, 30)}, "review"),
        ({"took": timedelta(hours=2)}, "review"),
        ({"at": timedelta(hours=2)}, "accept"),
        ({"took": Decimal(7200)}, "accept"),
    ):
        assert program.evaluate({"A": facts}, as_of=AS_OF).outcome == outcome
        assert program.evaluate_frame(pl.DataFrame([facts]), fact="A", as_of=AS_OF).outcome == [outcome]


HOURS = """U,when A.at,when A.took,then Review
night,< 08:00,-,night
day,"[time(""08:00:00"")..time(""18:00:00""))","<= duration(""P1D"")",day
long,[08:00..18:00),> P1D,long
"""


@pytest.mark.parametrize(
    ("at", "took", "fires"),
    [
        ("07:59:59.999999", None, "night"),
        ("08:00", "P1D", "day"),
        ("17:59:59.999999", "PT24H0.000001S", "long"),
        ("18:00", "PT1H", ""),
        (None, "PT1H", ""),
    ],
)
def test_cells(at: Any, took: Any, fires: str) -> None:
    program = compile_ruleset({"hours.csv": HOURS}, SCHEMA)
    job = {"at": at, "took": took}
    wanted = [f"hours#{fires}"] if fires else []
    assert list(program.evaluate({"A": job}, as_of=AS_OF).fired) == wanted
    assert Naive(list(program.rules), schema=SCHEMA).evaluate({"A": job}, AS_OF).fired == wanted
    assert list(program.evaluate_frame(pl.DataFrame([job]), fact="A", as_of=AS_OF).fired(0)) == wanted


@pytest.mark.parametrize(
    ("column", "cell", "at", "took", "holds"),
    [
        ("A.at", 'time("10:30:00")', "10:30", None, True),
        ("A.at", '@"10:30:00", 11:00', "10:30", None, True),
        ("A.at", 'not(time("10:30"), [12:00..13:00])', "12:30", None, False),
        ("A.at", ">= 10:30", "10:30", None, True),
        ("A.at", "(10:30..11:00]", "10:30", None, False),
        ("A.took", 'duration("P1D")', None, "PT24H", True),
        ("A.took", '@"PT1H", @"-PT1H"', None, "-PT60M", True),
        ("A.took", '[duration("PT1H")..duration("P1D"))', None, "P1D", False),
        ("A.took * 2", "> PT3H", None, "PT100M", True),
    ],
)
def test_forms_of_cells(column: str, cell: str, at: Any, took: Any, holds: bool) -> None:
    quoted = cell.replace('"', '""')
    program = compile_ruleset({"t.csv": f'when {column},then Review\n"{quoted}",r\n'}, SCHEMA)
    one = program.evaluate({"A": {"at": at, "took": took}}, as_of=AS_OF)
    assert (one.outcome == "review") is holds


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("A.at", "9:30"),
        ("A.at", "10"),
        ("A.at", 'duration("PT1H")'),
        ("A.at", "[18:00..08:00]"),
        ("A.took", "P1M"),
        ("A.took", 'duration("P1Y2M")'),
        ("A.took", 'time("10:30")'),
        ("A.took", "[PT1H..10:30]"),
        ("A.t", 'time("10:30:00")'),
        ("A.n", '< duration("PT1H")'),
        ("A.d", 'time("10:30:00")'),
        ("A.at", 'date("2026-01-01")'),
    ],
)
def test_a_cell_of_another_kind_is_refused(column: str, cell: str) -> None:
    quoted = cell.replace('"', '""')
    with pytest.raises(RulesetRejected) as caught:
        compile_ruleset({"t.csv": f'when {column},then Review\n"{quoted}",r\n'}, SCHEMA)
    assert {one.code for one in caught.value.diagnostics} == {"table-cell"}


@pytest.mark.parametrize(
    ("cells", "code", "shown"),
    [
        ([("< 10:30", "-"), (">= 10:30", "-")], "table-gap", "A.at = null"),
        ([("<= 10:30", "-"), ("> 11:00, null", "-")], "table-gap", 'A.at = Time("11:00:00")'),
        ([("[08:00..12:00]", "-"), ("[12:00..18:00]", "-")], "table-overlap", 'A.at = Time("12:00:00")'),
        ([("-", "< PT1H"), ("-", "[PT59M..P1D]")], "table-overlap", 'A.took = Duration("PT59M")'),
        ([("-", "<= -P100000000D"), ("-", "> -P100000000D, null")], "", ""),
        ([("< 00:00:00.000001", "-"), (">= 00:00:00.000001, null", "-")], "", ""),
    ],
)
def test_gaps_and_overlaps_are_shown_as_a_rule_writes_them(cells: list[tuple[str, str]], code: str, shown: str) -> None:
    rows = "".join(f'r{i},"{at}","{took}",10:00\n' for i, (at, took) in enumerate(cells))
    try:
        found = compile_ruleset({"t.csv": f"U,when A.at,when A.took,then A.slot\n{rows}"}, SCHEMA).warnings
    except RulesetRejected as rejected:
        found = rejected.diagnostics
    codes = {one.code for one in found} & {"table-gap", "table-overlap"}
    assert code in codes if code else not codes
    assert any(shown in one.message for one in found) or not code


def test_the_review_of_rules_knows_what_no_time_can_be() -> None:
    rules = """
        rule Never { when A.at < "08:00" && A.at > "18:00" then Review("n"); }
        rule Before { when A.at < "00:00" then Review("b"); }
        rule One salience 1 { when A.at < "08:00" then A.slot = "09:00"; }
        rule Other { when A.at < "09:00" then A.slot = "10:00"; }
        rule Short { when A.total > "P3D" then Review("s"); }
        """
    found = {(one.code, one.span.line) for one in review(compile_ruleset({"r.grl": rules}, SCHEMA)) if one.span}
    assert {line for code, line in found if code == "rule-never"} == {2, 3, 6}
