"""Which facts are looked up for a document, and what it is judged with."""

from collections.abc import Collection
from typing import Any

import pytest

from engine.schema import parse_schema
from rulesets.loader import load_domain
from tasks.shared_facts import CompleteFacts, look_up
from tests.commands import SHARING

SCHEMA = parse_schema((SHARING / "credit" / "domain.toml").read_bytes())

CUSTOMER = {"limit": 100, "blocked": False}

KEPT = {("Customer", "h1"): '{"limit": 100, "blocked": false}', ("Store", "7"): '{"region": "N"}'}

HOME = {"Order": {"household_id": "h1", "total": 5}}


def see(*documents: dict[str, Any], kept: dict[tuple[str, str], str] = KEPT) -> tuple[list[CompleteFacts], list[Any]]:
    asked = []

    def read(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
        asked.append(list(wanted))
        return {pair: kept.get(pair) for pair in wanted}

    return look_up(SCHEMA, documents, read), asked


def test_all_documents_are_looked_up_at_once_and_each_fact_once() -> None:
    documents = [{"Order": {"household_id": "h1", "store": store, "total": 1}} for store in (7, 7.0, 8, None)]
    seen, asked = see(*documents)
    assert asked == [[("Customer", "h1"), ("Store", "7"), ("Store", "8")]]
    assert [one.document["Store"] for one in seen] == [{"region": "N"}, {"region": "N"}, None, None]
    assert all(one.document["Customer"] == CUSTOMER and one.refusal is None for one in seen)
    assert seen[0].shared == {"Customer": CUSTOMER, "Store": {"region": "N"}}


def test_a_fact_that_came_with_the_job_is_the_one_it_is_judged_with() -> None:
    own = {"Order": {"household_id": "h1", "total": 5}, "Customer": {"limit": 1}}
    [seen], asked = see(own)
    assert asked == [[]]
    assert seen.document == {**own, "Store": None}
    assert seen.shared == {"Store": None}
    [seen], _ = see({**HOME, "Customer": None})
    assert seen.document["Customer"] == CUSTOMER


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"Order": {"household_id": "h9", "total": 1}}, "there is none of Order.household_id 'h9'"),
        ({"Order": {"total": 1}}, "Order.household_id holds no key"),
        ({"Order": {"household_id": True}}, "holds no key"),
        ({"Order": {"household_id": ""}}, "holds no key"),
        ({"Order": {"household_id": "k" * 201}}, "holds no key"),
        ({"Order": {"household_id": float("nan")}}, "holds no key"),
        ({"Order": [1]}, "holds no key"),
        ({"Order": None}, "holds no key"),
        ({"Other": 1}, "holds no key"),
    ],
)
def test_a_required_fact_that_is_nowhere_refuses_its_job_alone(document: dict[str, Any], words: str) -> None:
    seen, _ = see(document, HOME)
    assert seen[1].refusal is None
    assert seen[0].refusal is not None
    assert seen[0].refusal[0] == "fact-missing"
    assert words in seen[0].refusal[1]


def test_what_is_no_fact_refuses_its_job_alone() -> None:
    seen, _ = see(HOME, {"Order": {"household_id": "h2", "total": 5}}, kept={**KEPT, ("Customer", "h2"): "{"})
    assert seen[0].refusal is None
    assert seen[1].refusal is not None
    assert seen[1].refusal[0] == "fact-unreadable"


def test_a_lookup_is_part_of_the_version_of_a_ruleset() -> None:
    text = (SHARING / "credit" / "domain.toml").read_text("utf-8")
    assert (
        parse_schema(text).canonical()
        != parse_schema(text.replace("required = true\n\n[lookup", "\n[lookup")).canonical()
    )
    assert load_domain(SHARING, "credit").schema == SCHEMA


def test_a_fact_is_looked_up_however_its_key_was_typed() -> None:
    kept = {("Customer", "caf\u00e9"): '{"limit": 7, "blocked": false}'}
    for household in ("caf\u00e9", "cafe\u0301"):
        (found,), _ = see({"Order": {"household_id": household, "total": 5}}, kept=kept)
        assert found.shared["Customer"] == {"limit": 7, "blocked": False}
