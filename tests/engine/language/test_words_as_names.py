"""Facts and fields called like words of the language are read, judged, written and formatted like all others."""

from datetime import UTC, datetime

import pytest

from engine import compile_ruleset, parse_schema
from engine.language import format_rules
from engine.language.action_parser import ACTIONS
from engine.language.header_parser import ATTRIBUTES
from engine.language.keywords import AGGREGATES, BLOCKS, FACTS_TOO, FOR_OPERATORS, FOREIGN_INFIX, NOT_YET

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
LOWER = {*FACTS_TOO, *AGGREGATES, *FOR_OPERATORS, *FOREIGN_INFIX, *NOT_YET, *BLOCKS, *map(str.lower, ACTIONS)}
LOWER |= {
    "date",
    "now",
    "from",
    "over",
    "window",
    "sliding",
    "stream",
    *(name for name in ATTRIBUTES if "-" not in name),
}
WORDS = sorted(LOWER | {word.capitalize() for word in LOWER})
SCHEMA = """
subject = "{word}"
key = "k"
[facts.{word}.fields]
k = {{ kind = "text" }}
x = {{ kind = "number" }}
y = {{ kind = "number", derived = true }}
l = {{ kind = "list" }}
{word} = {{ kind = "number" }}
[emit.Ping]
args = ["number"]
"""
RULE = """rule R {{
    when {word}.x > 1 && 3 > {word}["x"] && {word}.x in {word}.l && !({word}.y > 5) && {word}.l[{word}.{word}] == 2
        && ({word}.x) > -{word}.x && Max([{word}.x, {word}["{word}"]]) == 2
    then {word}.y = {word}.x; {word}["y"] += {word}.{word}; Log("a" + {word}.x); Reject({word}.x); {ping}
}}"""
TABLE = """F,when {word}.x,when {word}.{word},then {word}.y,then Reject
1,> 1,< {word}.x,= {word}.x + {word}.{word},= {word}.x + "!"
"""


@pytest.mark.parametrize("word", WORDS)
def test_a_word_names_a_fact_and_a_field(word: str) -> None:
    facts = {word: {"x": 2, "l": [2], word: 0}}
    for schema, ping in ((None, ""), (parse_schema(SCHEMA.format(word=word)), f"Ping({word}.x);")):
        text = RULE.format(word=word, ping=ping)
        for source in ({"a.grl": text}, {"t.csv": TABLE.format(word=word)}):
            evaluation = compile_ruleset(source, schema).evaluate(facts, as_of=AS_OF)
            assert (evaluation.outcome, evaluation.changes) == ("reject", {f"{word}.y": 2}), (schema, source)
    written = format_rules(text, calls=["Ping"])
    assert format_rules(written, calls=["Ping"]) == written


def test_every_word_names_a_list() -> None:
    condition = "exists({0}.x > 1) && forall({0}.x > 0) && Sum({0}.x) == 3 && {0}[0].x == 1"
    rules = [f"rule R{word} {{ when {condition.format(word)} then Reject(); }}" for word in WORDS]
    program = compile_ruleset({"a.grl": "\n".join(rules)})
    facts = {word: [{"x": 1}, {"x": 2}] for word in WORDS}
    assert program.evaluate(facts, as_of=AS_OF).fired == [f"R{word}" for word in WORDS]
