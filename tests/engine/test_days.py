"""A date without a time is that whole day in the domain's zone: cases by zone, and every place where one may stand."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import Schema, compile_ruleset, parse_schema
from engine.checks import with_dates
from engine.language import open_source, read_rules
from tests.engine.naive import Naive

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "cases" / "days.toml").read_text("utf-8"))["case"]
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def schema_in(zone: str) -> Schema:
    return parse_schema(f"""
        subject = "A"
        key = "k"
        timezone = "{zone}"
        [facts.A.fields]
        k = {{ kind = "text" }}
        d = {{ kind = "date" }}
        e = {{ kind = "date" }}
        out = {{ kind = "date", derived = true }}
        """)


def ruled(condition: str) -> str:
    return f'rule R {{ when {condition} then Review("r"); }}'


def python_date(written: str) -> date:
    return date.fromisoformat(written) if len(written) == 10 else datetime.fromisoformat(written)


def frames(sent: str) -> list[pl.DataFrame]:
    """A frame with a column of dates, or of moments, and one of texts."""
    return [pl.DataFrame({"d": [python_date(sent)]}), pl.DataFrame({"d": [sent]})]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['zone']}: {case['name']}")
def test_days_clocks_and_calendars_by_zone(case: dict[str, Any]) -> None:
    schema = schema_in(case["zone"])
    as_of = datetime.fromisoformat(case["as_of"]) if "as_of" in case else AS_OF
    for holds, conditions in ((True, case["holds"]), (False, case["fails"])):
        for condition in conditions:
            program = compile_ruleset({"r.grl": ruled(condition)}, schema)
            rules = [with_dates(rule, schema) for rule in read_rules(open_source("r.grl", ruled(condition))[0])]
            outcome = "review" if holds else "accept"
            for sent in case["d"]:
                for d in (sent, python_date(sent)):
                    facts = {"A": {"d": d} | ({"e": case["e"]} if "e" in case else {})}
                    assert program.evaluate(facts, as_of=as_of).outcome == outcome, (condition, d)
                fact = {"d": python_date(sent)} | ({"e": python_date(case["e"])} if "e" in case else {})
                assert Naive(rules, schema=schema).evaluate({"A": fact}, as_of).outcome == outcome, (condition, sent)
                for frame in frames(sent):
                    if "e" in case:
                        frame = frame.with_columns(e=pl.lit(case["e"]).str.to_date())
                    assert program.evaluate_frame(frame, fact="A", as_of=as_of).outcome == [outcome], (condition, frame)


NOVEMBER = "2026-10-31T23:00:00Z", "2026-11-30T22:59:59.999999Z"
AROUND = "2026-10-31T22:59:59.999999Z", "2026-11-30T23:00:00Z"


@pytest.mark.parametrize(
    ("policy", "cell"),
    [
        ("F", "[2026-11-01..2026-11-30]"),
        ("C", "(2026-10-31..2026-12-01)"),
        ("U", '[date("2026-11-01")..@"2026-11-30"]'),
        ("A", "[2026-11-01T00:00:00..2026-11-30]"),
        ("F", "not(< 2026-11-01, > 2026-11-30)"),
        ("F", "[2026-11-01..2026-11-15],2026-11-16,[2026-11-17..2026-11-30]"),
    ],
)
def test_a_cell_takes_the_whole_of_its_last_day(policy: str, cell: str) -> None:
    quoted = cell.replace('"', '""')
    program = compile_ruleset(
        {"t.csv": f'{policy},when A.d,then Review\nnov,"{quoted}",november\n'}, schema_in("Europe/Berlin")
    )
    for moments, outcome in ((NOVEMBER, "review"), (AROUND, "accept")):
        for moment in moments:
            assert program.evaluate({"A": {"d": moment}}, as_of=AS_OF).outcome == outcome, moment
            frame = pl.DataFrame({"d": [datetime.fromisoformat(moment)]})
            assert program.evaluate_frame(frame, fact="A", as_of=AS_OF).outcome == [outcome], moment


@pytest.mark.parametrize(
    ("attributes", "first", "last"),
    [
        (
            'date-effective "2026-11-01" date-expires "2026-11-30"',
            "2026-10-31T23:00:00Z",
            "2026-11-30T22:59:59.999999Z",
        ),
        (
            'date-effective "2026-11-30" date-expires "2026-11-30"',
            "2026-11-29T23:00:00Z",
            "2026-11-30T22:59:59.999999Z",
        ),
        ('date-expires "2026-11-30T12:00:00"', "2026-01-01T00:00:00Z", "2026-11-30T10:59:59.999999Z"),
        ('date-effective "2026-03-29T02:30:00"', "2026-03-29T01:30:00Z", "2026-12-01T00:00:00Z"),
        (
            'date-effective "2026-03-29" date-expires "2026-03-29"',
            "2026-03-28T23:00:00Z",
            "2026-03-29T21:59:59.999999Z",
        ),
    ],
)
def test_a_rule_is_in_force_through_the_day_it_expires(attributes: str, first: str, last: str) -> None:
    text = f'rule R {attributes} {{ when true then Review("r"); }}'
    program = compile_ruleset({"r.grl": text}, schema_in("Europe/Berlin"))
    tick = datetime.resolution
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    assert [program.evaluate({"A": {}}, as_of=moment).outcome for moment in (start, end)] == ["review", "review"]
    if "effective" in attributes:
        assert program.evaluate({"A": {}}, as_of=start - tick).outcome == "accept"
    if "expires" in attributes:
        assert program.evaluate({"A": {}}, as_of=end + tick).outcome == "accept"


def test_a_day_goes_out_as_it_came_in() -> None:
    text = 'rule R { when A.d == "2026-11-30" then A.out = A.d; Log(A.d); Review("until " + A.d); }'
    program = compile_ruleset({"r.grl": text}, schema_in("America/Sao_Paulo"))
    evaluation = program.evaluate({"A": {"d": "2026-11-30"}}, as_of=AS_OF)
    assert evaluation.changes == {"A.out": date(2026, 11, 30)}
    assert (evaluation.logs, evaluation.reasons[0].text) == (["2026-11-30"], "until 2026-11-30")


def test_the_window_of_an_offer_as_a_shop_writes_it() -> None:
    schema = parse_schema(
        'subject = "Product"\nkey = "sku"\n[facts.Product.fields]\nsku = { kind = "text" }\n'
        'special_from = { kind = "date" }\nspecial_to = { kind = "date" }\n'
    )
    table = "F,when Product.special_to,then Review\nnov,[2026-11-01..2026-11-30],november\n"
    program = compile_ruleset({"a.csv": table}, schema)
    for sent, outcome in [
        ("2026-11-30T15:00:00", "review"),
        ("2026-11-30", "review"),
        ("2026-11-30T23:59:59.999999+00:00", "review"),
        ("2026-12-01", "accept"),
        ("2026-10-31T23:59:59", "accept"),
        ("2026-11-01T00:00:00", "review"),
    ]:
        assert program.evaluate({"Product": {"sku": "A1", "special_to": sent}}, as_of=AS_OF).outcome == outcome, sent
