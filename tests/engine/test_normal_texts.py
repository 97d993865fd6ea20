"""One letter is one letter, however it was typed: wherever text comes in, it is brought to Unicode normal form C."""

import time
import unicodedata
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Program, compile_ruleset, parse_schema
from engine.values import MAX_TEXT, normal_text
from tests.engine.effort import cases
from tests.engine.pools import AS_OF

#: `é` as one code point, and as a letter with a mark.
ONE, TWO = "caf\u00e9", "cafe\u0301"
MARK = "\u0301"
SCHEMA = f"""
subject = "A"
key = "t"
[facts.A.fields]
t = {{ kind = "text", values = ["{TWO}", "tea"] }}
u = {{ kind = "text", values = ["cafe\\u0301", "tea"] }}
o = {{ kind = "object" }}
l = {{ kind = "list" }}
out = {{ kind = "text", derived = true }}
"""


def ruled(condition: str) -> dict[str, str]:
    return {"r.grl": f"rule R {{ when {condition} then Review(A.t); }}"}


def reviewed(sources: dict[str, str], fact: dict[str, Any], schema: bool = True) -> bool:
    program = compile_ruleset(sources, parse_schema(SCHEMA) if schema else None)
    return program.evaluate({"A": fact}, as_of=AS_OF).outcome == "review"


@pytest.mark.parametrize("sent", [ONE, TWO])
@pytest.mark.parametrize("schema", [True, False])
@pytest.mark.parametrize(
    "condition",
    [
        f'A.t == "{ONE}"',
        f'A.t == "{TWO}"',
        'A.t == "cafe\\u0301"',
        f'A.t in ["tea", "{TWO}"]',
        f'A.t endsWith "e{MARK}"',
        f'A.t contains "fe{MARK}"',
        f'A.t matches "^caf[e{MARK}]$"',
        f'!(A.t < "{TWO}") && !(A.t > "{TWO}")',
        "Len(A.t) == 4",
        f'A.t == "cafe" + "{MARK}"',
        f'A.t == Concat("cafe", "{MARK}")',
        f'A.t == Join(["cafe", "{MARK}"], "")',
        f'A.t == Replace("cafe!", "!", "{MARK}")',
        f'A.t == "caf" + Right("{MARK}e", 1) + Left(Repeat("{MARK}x", 2), 1)',
        f'ToUpper(A.t) == "CAFE{MARK}"',
        'Len(ToUpper("\\u0390")) == 2',
        f'ToLower(ToUpper(A.t)) == "{TWO}"',
        f'Distinct(["{ONE}", A.t]) == ["{TWO}"]',
    ],
)
def test_a_text_is_the_same_in_every_spelling(condition: str, schema: bool, sent: str) -> None:
    assert reviewed(ruled(condition), {"t": sent}, schema)


@pytest.mark.parametrize("sent", [ONE, TWO])
@pytest.mark.parametrize(
    "cell", [ONE, TWO, f'"{TWO}"', f'"""{TWO}"""', f"tea,{TWO}", f'"[{TWO}..{TWO}]"', '"not(tea)"']
)
def test_a_cell_of_a_table_is_a_text_in_every_spelling(cell: str, sent: str) -> None:
    cell = cell if cell.startswith('"') else f'"{cell}"'
    table = f"F,when A.t,then A.out,then Review\none,{cell},{TWO},{TWO}\n"
    program = compile_ruleset({"t.csv": table}, parse_schema(SCHEMA))
    evaluation = program.evaluate({"A": {"t": sent}}, as_of=AS_OF)
    assert (evaluation.outcome, evaluation.changes, evaluation.reasons[0].text) == ("review", {"A.out": ONE}, ONE)


@pytest.mark.parametrize("field", ["t", "u"])
@pytest.mark.parametrize("sent", [ONE, TWO])
@pytest.mark.parametrize("is_read", [True, False])
def test_the_values_of_a_schema_are_texts_in_every_spelling(field: str, sent: str, is_read: bool) -> None:
    condition = f'A.{field} == "{ONE}"' if is_read else "true"
    assert reviewed({"r.grl": f'rule R {{ when {condition} then Review("r"); }}'}, {"t": "tea", field: sent})


@pytest.mark.parametrize("name", [ONE, TWO])
@pytest.mark.parametrize("schema", [True, False])
@pytest.mark.parametrize("spelling", [ONE, TWO])
def test_a_member_is_named_in_every_spelling(spelling: str, schema: bool, name: str) -> None:
    for more in ("", " && A.o != null"):
        sources = ruled(f'A.o["{spelling}"] == 1{more}')
        assert reviewed(sources, {"t": "tea", "o": {name: 1}}, schema)
        assert not reviewed(sources, {"t": "tea", "o": {"cafe": 1}}, schema)


def test_of_two_members_with_one_name_that_in_normal_form_counts() -> None:
    for members in ({TWO: 1, ONE: 2}, {ONE: 2, TWO: 1}, {TWO: 2, "cafe\u0301"[:4] + MARK: 2}, {ONE: None, TWO: 2}):
        assert reviewed(ruled(f'A.o["{ONE}"] == 2'), {"t": "tea", "o": members})
        assert reviewed(ruled(f'A.o["{ONE}"] == 2'), {"t": "tea", "o": members}, schema=False)


def test_a_rule_writes_the_member_that_is_there() -> None:
    program = compile_ruleset({"r.grl": f'rule R {{ when true then A.o["{ONE}"] = 2; }}'})
    assert program.evaluate({"A": {"o": {TWO: 1}}}, as_of=AS_OF).facts == {"A": {"o": {ONE: 2}}}


def programs(condition: str) -> list[tuple[Program, str]]:
    return [(compile_ruleset(ruled(condition), parse_schema(SCHEMA)), "A"), (compile_ruleset(ruled(condition)), "A")]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_a_column_holds_texts_in_every_spelling(dtype: Any) -> None:
    frame = pl.DataFrame({"t": pl.Series([ONE, TWO, "tea", None], dtype=dtype)})
    for program, fact in programs(f'A.t == "{TWO}"'):
        assert program.evaluate_frame(frame, fact=fact, as_of=AS_OF).outcome == ["review", "review", "accept", "accept"]


def test_a_column_is_named_in_every_spelling() -> None:
    program = compile_ruleset({"r.grl": f'rule R {{ when A["{ONE}"] == 1 then Review("r"); }}'})
    for frame in (pl.DataFrame({ONE: [1, 2]}), pl.DataFrame({TWO: [1, 2]}), pl.DataFrame({TWO: [2, 2], ONE: [1, 3]})):
        assert program.evaluate_frame(frame, fact="A", as_of=AS_OF).outcome == ["review", "accept"]


def test_names_of_rules_are_texts_too() -> None:
    text = f'rule "{ONE}" salience 1 {{ when true then Retract("{TWO}x"); }}'
    text += f'rule "{TWO}x" {{ when true then Review("r"); }}'
    assert compile_ruleset({"r.grl": text}).evaluate({}, as_of=AS_OF).fired == [ONE]


marked = st.text(
    alphabet=st.sampled_from("aeK\u212bé\u00c5\u0301\u0327\u0344\u0f73\u0f71\uac00\u1100\u1161\u11a8\u0958<\u0338")
)


@settings(max_examples=cases(300), deadline=None)
@given(marked, st.integers(1, 60))
def test_it_is_the_normal_form_of_long_texts_too(text: str, times: int) -> None:
    assert normal_text(text * times) == unicodedata.normalize("NFC", text * times)
    assert normal_text(normal_text(text * times)) == normal_text(text * times)


@pytest.mark.parametrize("letters", ["\u0301\u0327", "\u0f73", "\u0344\u0327", "e\u0301"])
def test_marks_without_end_cost_no_more_than_their_length(letters: str) -> None:
    # Python's own normalisation takes 18 seconds for the first of these, for it sorts by insertion.
    start = time.process_time()
    text = normal_text("a" + letters * (MAX_TEXT // len(letters)))
    assert time.process_time() - start < 6
    assert unicodedata.is_normalized("NFC", text)
