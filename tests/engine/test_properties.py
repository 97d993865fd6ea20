"""What holds for every tree and every text: printing is undone by parsing, and nothing but a rejection is raised."""

import tomllib
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RulesetRejected, SchemaRejected
from engine.language import Rule, print_expression, print_rules
from engine.language.parser import parse_expression, parse_rules
from engine.ruleset import read_sources
from engine.schema import Schema, parse_schema
from tests.engine.effort import cases
from tests.engine.language.trees import CALLS, LIST_FACT, expressions, rule_like, rules, table_like

FOLDER = Path(__file__).parent / "cases"
SHOP_TEXT = (FOLDER / "shop.toml").read_text("utf-8")
SHOP = parse_schema(SHOP_TEXT)
schemas = st.sampled_from([SHOP, None])


@given(expressions)
def test_parsing_undoes_printing_of_an_expression(tree: object) -> None:
    assert parse_expression(print_expression(tree), list_facts=[LIST_FACT]) == tree  # type: ignore[arg-type]


@given(st.lists(rules, max_size=3))
def test_parsing_undoes_printing_of_rules(written: list[Rule]) -> None:
    assert parse_rules(print_rules(written), list_facts=[LIST_FACT], calls=CALLS) == tuple(written)


def reads_or_rejects(name: str, content: str | bytes, schema: Schema | None) -> tuple[Rule, ...]:
    try:
        ruleset = read_sources({name: content}, schema)
    except RulesetRejected as rejected:
        problems, read = rejected.diagnostics, False
    else:
        problems, read = ruleset.warnings, True
    assert all(str(found) for found in problems)
    assert read == all(found.severity == "warning" for found in problems)
    return ruleset.rules if read else ()


@given(st.text() | st.binary(), st.sampled_from(["a.grl", "a.csv"]), schemas)
def test_any_text_gives_rules_or_a_rejection(content: str | bytes, name: str, schema: Schema | None) -> None:
    reads_or_rejects(name, content, schema)


@settings(max_examples=cases(500))
@given(rule_like, schemas)
def test_what_looks_like_rules_gives_rules_or_a_rejection(text: str, schema: Schema | None) -> None:
    read = reads_or_rejects("a.grl", text, schema)
    if schema is not None:
        assert read_sources({"a.grl": print_rules(read)}, schema).rules == read


@settings(max_examples=cases(500))
@given(table_like, schemas)
def test_what_looks_like_a_table_gives_rules_or_a_rejection(text: str, schema: Schema | None) -> None:
    reads_or_rejects("a.csv", text, schema)


@given(st.data())
def test_a_file_cut_or_changed_anywhere_gives_rules_or_a_rejection(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["parser.toml", "checks.toml", "tables.toml"]))
    case = data.draw(st.sampled_from(tomllib.loads((FOLDER / name).read_text("utf-8"))["case"]))
    text = case.get("csv") or case.get("text") or f"rule r {{ when {case.get('when')}\nthen {case.get('then')} }}"
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 3)) :]
    reads_or_rejects("a.csv" if "csv" in case else "a.grl", changed, SHOP)


@given(st.data())
def test_any_schema_is_read_or_rejected(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SHOP_TEXT)))
    put = data.draw(st.text(max_size=3) | st.sampled_from(["=", "[", '"', "1", "true", "\n", "{", "nan", "[[a]]"]))
    changed = SHOP_TEXT[:at] + put + SHOP_TEXT[at + data.draw(st.integers(0, 9)) :]
    for content in (changed, put, data.draw(st.binary(max_size=20))):
        with suppress(SchemaRejected):
            assert parse_schema(content).facts


@given(st.permutations(["a.grl", "b.csv", "c.grl"]))
def test_the_order_of_the_files_does_not_matter(names: list[str]) -> None:
    contents = {
        "a.grl": "rule a { when Order.vip then Accept(); }",
        "b.csv": "when Order.total,then Review\n1,x",
        "c.grl": "rule c { when Order.vip then Accept(); }",
    }
    ruleset = read_sources({name: contents[name] for name in names}, SHOP)
    assert [rule.name for rule in ruleset.rules] == ["a", "b#1", "c"]
    assert ruleset.digest == read_sources(contents, SHOP).digest
