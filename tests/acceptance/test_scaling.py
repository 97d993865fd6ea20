"""More work gets more processes, and a batch never stands in the way of a single job."""

import uuid
from contextlib import suppress
from pathlib import Path

from rulefarm.errors import QueueFull
from rulefarm.farm import Farm
from rulefarm.messaging import queue_depths
from rulefarm.settings import Settings
from tests.processes import until
from workers.monitoring import worker_states

BULK = "payment-pricing.bulk"


def processes(settings: Settings) -> int:
    return sum(worker.processes for worker in worker_states(settings) if worker.name.startswith(BULK))


def test_a_worker_adds_processes_with_the_queue(farm: Farm, running_farm: Settings) -> None:
    orders = [{"Order": {"total": n}} for n in range(2_000)]

    def grown() -> bool:
        # One process may have judged all of it before anybody looks; a queue that takes no more is as full as any.
        with suppress(QueueFull):
            farm.submit_many("payment", orders)
        return processes(running_farm) == 2

    until(grown, 90)
    farm.submit("payment", orders[0]).wait(timeout=120)


def test_a_batch_does_not_delay_a_single_job(farm: Farm, running_farm: Settings, tmp_path: Path) -> None:
    rows = "".join(f"p{n},{n},5\n" for n in range(10_000))
    (tmp_path / "products.csv").write_text(f"sku,price,cost\n{rows}")
    batch = farm.submit_batch("pricing", tmp_path / "products.csv")
    for _ in range(5):
        assert farm.evaluate("pricing", {"Product": {"sku": "a", "price": 1}}, key=uuid.uuid4().hex).outcome == "accept"
    # The point is not the seconds but the order: all five were judged while most of the batch still waited.
    assert queue_depths(farm.app, ["rules.pricing.bulk"])["rules.pricing.bulk"] > 0
    assert batch.progress()["state"] == "open"
    until(lambda: batch.progress()["state"] == "done", 120)


def test_queues_that_wait_are_told(farm: Farm) -> None:
    orders = [{"Order": {"total": n}} for n in range(200)]

    def waiting() -> bool:
        farm.submit_many("payment", orders)
        return queue_depths(farm.app, ["rules.payment.bulk"])["rules.payment.bulk"] > 0

    until(waiting, 60)
    until(lambda: queue_depths(farm.app, ["rules.payment.bulk"])["rules.payment.bulk"] == 0, 60)
