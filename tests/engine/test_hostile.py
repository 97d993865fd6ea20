"""Texts that are made to cost much: each is answered with a few diagnostics, for work and memory in line with its size.

Work is counted in calls of functions, of Python's own too, not in seconds: the same on every machine. The look at pairs
of rows is left out: it has a bound of its own (`engine.tables.analysis.MAX_PAIRS`)."""

import cProfile
import tracemalloc
from collections.abc import Callable

import pytest

from engine.errors import RulesetRejected
from engine.language.source import MAX_PROBLEMS
from engine.ruleset import read_sources
from engine.schema import parse_schema
from tests.engine.effort import cases

#: Characters; a quick run takes a quarter, at which work that grows with the square is not told apart everywhere.
SMALL, LARGE = (4_000, 16_000) if cases(2) > 1 else (1_000, 4_000)


def rule(condition: str) -> str:
    return f"rule r {{ when {condition}\nthen Accept(); }}"


def many(text: str) -> Callable[[int], str]:
    """As many different rules as make up a size."""
    return lambda size: "".join(text.replace("#", str(number)) for number in range(size // len(text)))


def rows(header: str, row: str) -> Callable[[int], str]:
    return lambda size: header + "\n" + "".join(row.replace("#", str(n)) + "\n" for n in range(size // len(row)))


RULES: dict[str, Callable[[int], str]] = {
    "parentheses": lambda size: rule("(" * size + "A.x" + ")" * size),
    "open parentheses": lambda size: rule("(" * size),
    "open brackets": lambda size: rule("[" * size),
    "open braces": lambda size: "{" * size,
    "closing braces": lambda size: "}" * size,
    "words of the language": lambda size: "rule " * (size // 5),
    "a long text": lambda size: rule(f'A.x == "{"x" * size}"'),
    "a text without end": lambda size: rule(f'A.x == "{"x" * size}'),
    "quotes": lambda size: '"' * size,
    "texts without end": lambda size: '"\n' * (size // 2),
    "backslashes": lambda size: rule('A.x == "' + "\\" * size),
    "escapes": lambda size: rule('A.x == "' + "\\u0041" * (size // 6) + '"'),
    "a long number": lambda size: rule(f"A.x == {'9' * size}"),
    "a long fraction": lambda size: rule(f"A.x == 0.{'9' * size}"),
    "a huge exponent": lambda size: rule(f"A.x == 1e{'9' * size}"),
    "a long hexadecimal": lambda size: rule(f"A.x == 0x{'f' * size}"),
    "a huge salience": lambda size: f"rule r salience {'9' * size} {{ when A.x then Accept(); }}",
    "a tiny salience": lambda size: f"rule r salience -{'9' * size} {{ when A.x then Accept(); }}",
    "attributes": lambda size: f"rule r {'salience 1 ' * (size // 11)} {{ when A.x then Accept(); }}",
    "a long name": lambda size: f"rule {'a' * size} {{ when A.x then Accept(); }}",
    "a long date": lambda size: rule(f'A.x > Date("{"2" * size}")'),
    "comments without end": lambda size: "/*" * (size // 2),
    "stars": lambda size: "/*" + "*" * size,
    "a long path": lambda size: rule("A" + ".b" * (size // 2)),
    "indexes": lambda size: rule("A" + "[0]" * (size // 3)),
    "conditions": lambda size: rule('A.t == "\\t" && ' + "A.x && " * (size // 7) + "A.x"),
    "conditions of many rules": many("rule r#{when A.x && A.y && A.x then Accept();}"),
    "alternatives": lambda size: rule(" && ".join(["(A.x == 1 || A.y == 2)"] * (size // 27))),
    "sums": lambda size: rule("1" + "+1" * (size // 2) + " > 0"),
    "signs": lambda size: rule("-" * size + "1 > 0"),
    "negations": lambda size: rule("!" * size + "A.x"),
    "comparisons": lambda size: rule("1" + "<1" * (size // 2)),
    "a long list": lambda size: rule(f"A.x in [{'1,' * (size // 2)}1]"),
    "calls": lambda size: rule("f(" * (size // 2)),
    "methods": lambda size: rule("A.x" + ".f()" * (size // 4)),
    "quantifiers": lambda size: rule("exists(" * (size // 7)),
    "actions": lambda size: f"rule r {{ when A.x then Accept('\\t'); {'Accept();' * (size // 9)} }}",
    "actions of many rules": many("rule r#{when A.x then Accept();Review();Log('x');}"),
    "assignments": lambda size: f"rule r {{ when A.x then {'A.x = ' * (size // 6)} 1; }}",
    "rules": many("rule r#{when A.x then Accept();}"),
    "rules of one name": many("rule r{when A.x then Accept();}"),
    "rules that are none": many("rule{}"),
    "rules that nobody has": many('rule r#{when A.x then Retract("q#");}'),
    "unknown fields": many("rule r#{when A.x# then Accept();}"),
    "unknown functions": many("rule r#{when Coalesc#(A.x) then Accept();}"),
    "wrong kinds": many("rule r#{when A.x == A.t then Accept();}"),
    "a long pattern": lambda size: rule(f'A.t matches "{"a?" * (size // 2)}"'),
    "nested repeats": lambda size: rule(f'A.t matches "{"(" * (size // 5)}a{"*)" * (size // 5)}"'),
    "large patterns": many('rule r#{when A.t matches "((a{99}){99}#)" then Accept();}'),
    "other characters": lambda size: "#" * size,
    "nulls": lambda size: "\0" * size,
    "curly quotes": lambda size: "“" * size,
    "lines": lambda size: "\n" * size,
}
TABLES: dict[str, Callable[[int], str]] = {
    "a long cell": lambda size: f"when A.x,then Review\n{'1' * size},x",
    "quotes": lambda size: '"' * size,
    "a cell without end": lambda size: 'when A.x,then Review\n"' + "a" * size,
    "cells without end": rows("when A.x,then Review", '"a'),
    "commas": lambda size: "," * size,
    "rows of commas": rows("when A.x,then Review", "," * 50),
    "columns": lambda size: "when A.x," * (size // 9) + "then Review\n1",
    "a long cell of tests": lambda size: f'when A.x,then Review\n"{"1, " * (min(size, 9_000) // 3)}1",x',
    "decimal commas": lambda size: f'when A.x,then Review\n"{"1," * (min(size, 9_000) // 2)}1",x',
    "curly quotes": lambda size: f"when A.t,then Review\n{'“' * min(size, 9_000)},x",
    "words of a condition": lambda size: f"when A.t,then Review\n{'x or ' * (min(size, 9_000) // 5)},x",
    "fields": lambda size: f"when A.t,then Review\n{'A.x ' * (min(size, 9_000) // 4)},x",
    "single quotes": lambda size: f"when A.t,then Review\n{chr(39) * min(size, 9_000)},x",
    "rows with a default": rows("C,when A.x,then A.y default 1", "r#,> 0,2"),
    "open ranges": lambda size: f'when A.x,then Review\n"{"[" * min(size, 9_000)}",x',
    "negations": lambda size: f"when A.x,then Review\n{'not(' * (min(size, 9_000) // 4)},x",
    "an expression": lambda size: f'when A.x,then A.y\n1,"= {"1+" * (min(size, 9_000) // 2)}1"',
    "parentheses": lambda size: f'when A.x,then A.y\n1,"= {"(" * min(size, 9_000)}"',
    "rows that hold never": rows("C,when A.x,then Review", "r#,> 1#,x"),
    "rows that are wrong": rows("when A.x,then Review", "<,x"),
    "rows without a test": rows("C,when A.x,then Review", "r,,x"),
}
HOSTILE = [(f"{name} of rules", "a.grl", made) for name, made in RULES.items()]
HOSTILE += [(f"{name} in a table", "a.csv", made) for name, made in TABLES.items()]
SCHEMA = parse_schema("""
    subject = "A"
    key = "t"
    [facts.A.fields]
    t = { kind = "text" }
    x = { kind = "number", max = 5 }
    y = { kind = "number" }
""")


def answer(name: str, text: str) -> int:
    """How many problems a text has."""
    try:
        return len(read_sources({name: text}, SCHEMA).warnings)
    except RulesetRejected as rejected:
        return len(rejected.diagnostics)


def calls(name: str, text: str) -> int:
    # Counted in C: a function of Python's for each call takes several times as long as what is counted.
    profile = cProfile.Profile()
    profile.enable()
    try:
        answer(name, text)
    finally:
        profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def memory(name: str, text: str) -> int:
    tracemalloc.start()
    try:
        answer(name, text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "made"), [one[1:] for one in HOSTILE], ids=[one[0] for one in HOSTILE])
def test_a_hostile_text_costs_no_more_than_its_size(name: str, made: Callable[[int], str]) -> None:
    small, large = made(SMALL), made(LARGE)
    # What is done once, such as filling a cache, is not counted.
    problems = answer(name, large)
    assert problems <= 2 * (MAX_PROBLEMS + 1)
    growth = len(large) / len(small)
    assert calls(name, large) < 1.6 * growth * calls(name, small) + 20_000
    assert memory(name, large) < 1.6 * growth * memory(name, small) + 1_000_000


@pytest.mark.parametrize("name", ["conditions", "actions", "a long list", "sums", "methods", "parentheses"])
def test_what_is_read_flat_in_vain_costs_little(name: str) -> None:
    # The escape is seen at once, so that the parser alone reads the rule; without it, only after a try.
    text = RULES[name](LARGE)
    at_once = text.replace("when ", 'when "\\t" == "" && ', 1)
    tried = at_once.replace("\\t", "")
    assert calls("a.grl", tried) < 1.5 * calls("a.grl", at_once) + 20_000


def test_no_number_of_warnings_keeps_a_rule_from_being_read() -> None:
    table = "C,when A.x,then Review\n" + "".join(f"r{number},> {number + 5},x\n" for number in range(150))
    text = "".join(f"rule r{number} {{ when A.t == 3 then Accept(); }}\n" for number in range(150))
    ruleset = read_sources({"a.csv": table, "b.grl": text}, SCHEMA)
    assert len(ruleset.rules) == 300
    assert [found.code for found in ruleset.warnings].count("too-many-problems") == 2
    with pytest.raises(RulesetRejected) as rejected:
        read_sources({"b.grl": text + "rule z { when A.q then Accept(); }"}, SCHEMA)
    assert rejected.value.diagnostics[-1].code == "unknown-field"
