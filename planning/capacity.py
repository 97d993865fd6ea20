"""What is asked of a farm, and the farm that is enough.  [capacity] -> sizing, advice, cli

Plain values; found by `sizing`. Knows no simulation."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from planning.calibration import Calibration
from planning.prices import Bill, Price


@dataclass(frozen=True, slots=True)
class PlannedLoad:
    """What is asked of the farm."""

    products: int = 10_000
    orders_per_day: float = 50_000
    #: Of each domain.
    rules: int = 1_000
    #: Seconds in which the nightly, and a backlog, is to be done; that 99 of 100 orders may take.
    deadline_s: float = 1_800.0
    p99_s: float = 0.1
    regions: int = 1
    #: Days that jobs and verdicts are kept.
    kept_days: int = 90


class Spread(NamedTuple):
    """The least and the most of several runs."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """The farm that is enough, of each region, and what was expected of it."""

    demand: PlannedLoad
    calibration: Calibration
    #: Orders a second: on average, in the busiest hour, in a burst.
    rates: tuple[float, float, float]
    #: Orders a second that one node can judge, its Postgres beside it.
    node_rate: float
    nodes: int
    #: Of each worker: one a domain on each node; and of the one for batches.
    processes: int
    batch_processes: int
    database_cores: int
    p50_s: Spread
    p99_s: Spread
    slowest_s: Spread
    nightly_s: Spread
    #: After ten minutes without a worker.
    drain_s: Spread
    #: Of one job with nothing beside it.
    alone_s: tuple[float, float]
    month_bytes: float
    kept_bytes: float
    connections: int
    most_connections: int
    broker_bytes: float
    node_bytes: float
    farm_bill: Bill
    server_bill: Bill
    server_cores: int
    server_p99_s: Spread
    #: What three nodes drain, as a multiple of one; judging by all rules of three domains, as one of a third.
    three_nodes: float
    third_of_rules: float
    prices: tuple[Price, ...]

    @property
    def keeps_its_times(self) -> bool:
        """Whether it is expected to be as fast as was asked."""
        times = (self.nightly_s.most, self.drain_s.most)
        return self.p99_s.most <= self.demand.p99_s and max(times) <= self.demand.deadline_s

    @property
    def used_share(self) -> float:
        """Of one node, what the average of a day uses."""
        return self.rates[0] / self.node_rate

    def to_json(self) -> dict[str, Any]:
        """All of it, and what follows."""
        whole = asdict(self)
        whole["prices"] = [line | {"dated": line["dated"].isoformat()} for line in whole["prices"]]
        follows = {"keeps_its_times": self.keeps_its_times, "used_share": self.used_share}
        return whole | follows | {"farm_usd": self.farm_bill.usd, "server_usd": self.server_bill.usd}
