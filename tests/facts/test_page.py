"""The domain that the page about shared facts describes is one, and its rules do what it says."""

import re
from datetime import UTC, datetime
from pathlib import Path

from engine import compile_ruleset, parse_schema

PAGE = (Path(__file__).parents[2] / "docs" / "facts.md").read_text(encoding="utf-8")
HEAD = 'subject = "Order"\nkey = "household_id"\n[facts.Order.fields]\nhousehold_id = { kind = "text" }\n'
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_tables_of_the_page_declare_what_it_says() -> None:
    lookup, stream, time = blocks("toml")
    schema = parse_schema(HEAD + lookup + stream)
    [found] = schema.lookups
    assert (found.fact, found.by, found.required) == ("Customer", ("Order", "household_id"), True)
    [window] = schema.streams
    assert (window.name, window.window_s, window.max_events, window.late_s) == ("payments", 600, 200, 3600)
    timed = stream.replace("country =", 'at = { kind = "date" }\ncountry =') + time
    assert parse_schema(HEAD + lookup + timed).streams[0].time == ("Payment", "at")
    assert parse_schema(HEAD + lookup + stream.replace('max_events = 200\nlate = "1h"\n', "")) == schema


def test_the_rules_of_the_page_read_the_window() -> None:
    [rules] = blocks("grl")
    program = compile_ruleset({"a.grl": rules}, parse_schema(HEAD + blocks("toml")[1]))
    near = [{"card": "c", "amount": 600, "country": "FR"}]

    def fired(payments: list[dict[str, object]]) -> list[str]:
        facts = {"Order": {}, "Payment": payments[-1], "payments": payments}
        return program.evaluate(facts, as_of=NOW).fired

    assert fired(near) == []
    assert fired(near * 6) == ["Velocity"]
    assert fired([*near, {"card": "c", "amount": 1, "country": "US"}]) == ["Roaming"]
