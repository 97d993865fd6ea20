"""What is read flat is what the parser reads: every node, every place, every problem."""

import ast
import dataclasses
import random
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from engine.language import Rule, TooManyProblems, open_source, print_rules, read_rules
from engine.language.flat_rules import FlatRules
from engine.language.flat_words import Surprised
from engine.language.parser import RuleParser
from rulesets.loader import SHIPPED, available_domains, domain_files, load_domain
from tests.engine.effort import cases
from tests.engine.generated_rulesets import rules_from
from tests.engine.language.trees import CALLS, LIST_FACT, rule_like

TESTS = Path(__file__).parents[2]
#: With a schema that knows the lists, and without one.
WAYS: list[tuple[list[str] | None, tuple[str, ...]]] = [
    (None, ()),
    ([LIST_FACT, "Line", "Lines", "Order"], (*CALLS, "SendAlert", "Reject")),
]
_PIECE = re.compile(r'"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.]+|\s+|.', re.DOTALL)
#: What a mutation puts between, or in the place of, two pieces of a text.
_BITS = """
" ' ( ) [ ] { } ; , . : && || ! - + * / % = == != < <= > >= => <> -> -- // /* */ /**/ # ? 0 07 1.50 1e3 1.2.3 -3 é \0 ~
2026-01-31 2026-10-1 x A.b A.b.c A . Rule.x In.y not in IN contains true null nil rule when then and or like .Len() 'q'
exists( Count( Sum( Max( A.l[0] A["k"] A[A.b] .Count() Date("2026-01-01") Date("x") salience no-loop "\\n" "\\d" “q”
"""


def full(value: Any) -> Any:
    """A node with its places and the classes of its constants, as plain data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), [full(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return (type(value), [full(one) for one in value]) if isinstance(value, tuple) else (type(value), value)


def by_parser(text: str, way: int) -> tuple[Any, Any]:
    source, readable = open_source("a.grl", text)
    rules: list[Rule] = []
    with suppress(TooManyProblems):
        for rule in RuleParser(source, *WAYS[way]).rules() if readable else ():
            rules.append(rule)
    return full(tuple(rules)), source.diagnostics


def agree(text: str, way: int) -> None:
    source, readable = open_source("a.grl", text)
    rules = read_rules(source, *WAYS[way]) if readable else ()
    assert (full(rules), source.diagnostics) == by_parser(text, way), text


def mutated(text: str, chance: random.Random) -> str:
    """A text with a few of its pieces gone, twice there, elsewhere, or others."""
    pieces = _PIECE.findall(text)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(pieces))
        change = chance.randrange(6)
        if change == 0:
            pieces[at] = ""
        elif change == 1:
            pieces.insert(at, pieces[chance.randrange(len(pieces))])
        elif change == 2:
            pieces[at] = pieces[at].swapcase()
        elif change == 3:
            pieces[at] = chance.choice(_BITS.split())
        else:
            pieces.insert(
                at, chance.choice(("", " ", "\n")) + chance.choice(_BITS.split()) + chance.choice(("", " ", "\n"))
            )
    return "".join(pieces)


def corpus() -> Iterator[str]:
    """Every text of the tests that may be rules, and the rulesets that ship."""
    for file in sorted(TESTS.rglob("*.toml")):
        if file.parent.name == "cases":
            yield from (text for text in _texts(tomllib.loads(file.read_text("utf-8"))) if "when" in text.lower())
    for file in sorted((TESTS / "engine").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "when" in node.value:
                yield node.value
    for domain in available_domains():
        yield from (file.read_text("utf-8") for file in domain_files(SHIPPED, domain) if file.suffix == ".grl")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


CORPUS = [text for text in dict.fromkeys(corpus()) if len(text) < 20_000]


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_the_texts_of_the_tests_and_the_rules_that_ship_are_read_the_same(way: int) -> None:
    assert len(CORPUS) > 300
    for text in CORPUS:
        agree(text, way)


def test_texts_that_were_changed_at_random_are_read_the_same() -> None:
    chance = random.Random("changed")
    for number in range(cases(2_000)):
        agree(mutated(chance.choice(CORPUS), chance), number % len(WAYS))


def test_generated_programs_are_read_the_same_and_so_are_changed_ones() -> None:
    chance = random.Random("generated")
    for seed in range(cases(150)):
        text = print_rules(rules_from(seed))
        agree(text, seed % len(WAYS))
        agree(mutated(text, chance), seed % len(WAYS))


@settings(max_examples=cases(300))
@given(rule_like)
def test_what_looks_like_rules_is_read_the_same(text: str) -> None:
    for way in range(len(WAYS)):
        agree(text, way)


def test_nearly_all_rules_are_read_flat() -> None:
    read = surprised = 0
    for domain in available_domains():
        schema = load_domain(SHIPPED, domain).schema
        for file in domain_files(SHIPPED, domain):
            if file.suffix != ".grl":
                continue
            source = open_source(file.name, file.read_bytes())[0]
            flat, position = FlatRules(source, schema.list_facts, schema.calls), 0
            while not flat.is_end(position):
                try:
                    position, read = flat.rule(position)[1], read + 1
                except Surprised:
                    parser = RuleParser(source, schema.list_facts, schema.calls, position)
                    assert parser.rule() is not None
                    position, surprised = parser.position, surprised + 1
    assert read > 150
    assert surprised < read / 10
