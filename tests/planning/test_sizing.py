"""A plan keeps the times that were asked for, or says that it does not; and says when a farm is not worth it."""

from dataclasses import replace
from datetime import date

import pytest

from planning.advice import advice, old_prices, promises
from planning.calibration import Calibration
from planning.capacity import PlannedLoad
from planning.prices import read_prices
from planning.sizing import make_capacity_plan
from tests.planning.conftest import COSTS

LITTLE = make_capacity_plan(PlannedLoad(orders_per_day=50_000), COSTS, read_prices("aws"), most_jobs=2_000)


def test_a_small_shop_needs_no_farm() -> None:
    assert LITTLE.keeps_its_times
    assert (LITTLE.nodes, LITTLE.processes, LITTLE.server_cores) == (2, 1, 2)
    assert LITTLE.used_share < 0.01
    assert any("A farm is not worth it for speed" in sentence for sentence in advice(LITTLE))
    assert LITTLE.farm_bill.usd > LITTLE.server_bill.usd > 0


def test_storage_follows_from_rows() -> None:
    month = 2 * 50_000 * 30.4 * (COSTS.job_bytes + COSTS.verdict_bytes) + 10_000 * 30.4 * COSTS.row_bytes
    assert LITTLE.month_bytes == pytest.approx(month)
    assert LITTLE.kept_bytes == pytest.approx(month * 90 / 30.4)


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


def test_the_promises_of_old_stand_beside_what_they_come_to() -> None:
    assert [was for _, was, _ in promises(LITTLE)] == ["3 x", "100 ms, not 2,000", "10% more"]


def test_old_prices_are_told() -> None:
    assert old_prices(LITTLE, date(2025, 12, 31)) == []
    assert len(old_prices(LITTLE, date(2028, 1, 1))) == len(LITTLE.prices)
