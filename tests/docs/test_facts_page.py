"""The domain that the page about shared facts describes is one, and its rules do what it says."""

import re
from datetime import UTC, datetime
from pathlib import Path

from engine import compile_ruleset, parse_schema
from tasks.durable_rules import FEW_CHOICES, MAX_MATCHES

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


def test_the_patterns_of_the_page_hold_when_they_are_said_to() -> None:
    [rules] = blocks("pattern")
    program = compile_ruleset({"a.grl": rules}, parse_schema(HEAD + blocks("toml")[1]))

    def fired(*payments: tuple[str, int]) -> list[str]:
        events = [{"card": "c", "country": country, "amount": amount} for country, amount in payments]
        return program.evaluate({"Order": {}, "Payment": events[-1], "payments": events}, as_of=NOW).fired

    assert fired(("FR", 100), ("FR", 301)) == []
    assert fired(("FR", 100), ("DE", 300)) == []
    assert fired(("FR", 100), ("DE", 301)) == ["Jump"]
    assert fired(("FR", 600), ("DE", 600)) == ["Alone"]
    assert fired(("FR", 600), ("FR", 600)) == []
    assert (FEW_CHOICES, 20**2, f"{MAX_MATCHES:,}") == (400, 400, "1,000")
    assert "fewer than 400 choices" in PAGE
    assert "more than 1,000 matches" in PAGE
