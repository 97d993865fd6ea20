"""The demo's domains: together they hold the rules that ship, and the price check means what it is said to mean."""

from datetime import UTC, datetime
from itertools import chain

import pytest

from engine import Program
from rulesets.loader import available_domains, load_domain
from tests.shipped import shipped
from workers.demo.demo_domains import PRICING, SHOP, write_rulesets
from workers.demo.routing_demo import ABC


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    root = tmp_path_factory.mktemp("rulesets")
    parts = write_rulesets(root, others=1, parts=3)
    assert {PRICING, SHOP, *parts} == set(available_domains(root))
    return {domain: load_domain(root, domain).program for domain in available_domains(root)}


def test_pricing_is_the_one_that_ships(programs: dict[str, Program]) -> None:
    assert programs[PRICING].digest == shipped()[PRICING].digest


def test_the_shop_has_every_rule_of_every_domain(programs: dict[str, Program]) -> None:
    of_those_that_ship = sum(len(shipped()[domain].program.rules) for domain in (PRICING, "promotion", "payment"))
    assert len(programs[SHOP].rules) == of_those_that_ship + 1_000


def test_the_parts_hold_each_rule_of_pricing_once_and_are_about_equal(programs: dict[str, Program]) -> None:
    parts = [[rule.name for rule in programs[f"pricing-{number}"].rules] for number in (1, 2, 3)]
    assert sorted(chain.from_iterable(parts)) == sorted(rule.name for rule in programs[PRICING].rules)
    assert max(map(len, parts)) < 1.2 * min(map(len, parts))


def test_nothing_is_wrong_with_the_product_but_in_the_eyes_of_a_rule_for_orders(programs: dict[str, Program]) -> None:
    asked = {
        domain: programs[domain].evaluate({"Product": ABC}, as_of=datetime(2026, 3, 1, tzinfo=UTC))
        for domain in programs
    }
    assert asked.pop(SHOP).fired == ["payment LinesMissing"]
    assert [evaluation.outcome for evaluation in asked.values()] == ["accept"] * 4
