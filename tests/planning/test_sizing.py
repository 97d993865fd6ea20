"""A plan keeps the times that were asked for, or says that it does not; and says when a farm is not worth it."""

from dataclasses import replace
from datetime import date

import pytest

from planning.advice import advice, old_prices, promises
from planning.calibration import Calibration
from planning.capacity import CapacityPlan, PlannedLoad
from planning.prices import read_prices
from planning.sizing import make_capacity_plan
from tests.planning.conftest import COSTS


@pytest.fixture(scope="module")
def little() -> CapacityPlan:
    """Of a small shop. Made when a test asks for it: to collect the tests must simulate nothing."""
    return make_capacity_plan(PlannedLoad(orders_per_day=50_000), COSTS, read_prices("aws"), most_jobs=2_000)


def test_a_small_shop_needs_no_farm(little: CapacityPlan) -> None:
    assert little.keeps_its_times
    assert (little.nodes, little.processes, little.server_cores) == (2, 1, 2)
    assert little.used_share < 0.01
    assert any("A farm is not worth it for speed" in sentence for sentence in advice(little))
    assert little.farm_bill.usd > little.server_bill.usd > 0


def test_storage_follows_from_rows(little: CapacityPlan) -> None:
    month = 2 * 50_000 * 30.4 * (COSTS.job_bytes + COSTS.verdict_bytes) + 10_000 * 30.4 * COSTS.row_bytes
    assert little.month_bytes == pytest.approx(month)
    assert little.kept_bytes == pytest.approx(month * 90 / 30.4)


def test_what_broker_and_commit_take_no_node_makes_faster(costs: Calibration) -> None:
    slow = replace(costs, waits_s=(0.5, 0.6))
    plan = make_capacity_plan(PlannedLoad(orders_per_day=1_000), slow, read_prices("azure"), most_jobs=500)
    assert not plan.keeps_its_times
    assert any("can't be kept here by any number of nodes" in sentence for sentence in advice(plan))
    assert any("no price was found for: postgres-storage, redis" in sentence for sentence in advice(plan))


def test_a_large_shop_gets_more_nodes_and_a_plan_is_json(costs: Calibration) -> None:
    plan = make_capacity_plan(PlannedLoad(orders_per_day=30e6, regions=2), costs, read_prices("gcp"), most_jobs=200)
    assert plan.nodes > 2
    assert not any("not worth it" in sentence for sentence in advice(plan))
    found = plan.to_json()
    assert found["farm_usd"] == pytest.approx(plan.farm_bill.usd)
    assert {line["what"] for line in found["farm_bill"]["lines"]} >= {"node", "egress"}


def test_the_promises_of_old_stand_beside_what_they_come_to(little: CapacityPlan) -> None:
    assert [was for _, was, _ in promises(little)] == ["3 x", "100 ms, not 2,000", "10% more"]


def test_old_prices_are_told(little: CapacityPlan) -> None:
    assert old_prices(little, date(2025, 12, 31)) == []
    assert len(old_prices(little, date(2028, 1, 1))) == len(little.prices)
