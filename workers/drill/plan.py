"""What a drill does, and when.  options -> [plan] -> schedule of faults, producers, settings

Pure: a seed gives the same plan always. Starts nothing."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rulefarm.settings import Settings
from workers.drill.poison import KINDS

#: Jobs from which a drill is long: every fault comes twice, and limits are nearer to those of a real farm.
LONG = 5_000
#: Seconds between two faults.
_PAUSE_S = {False: 1.5, True: 6.0}
#: Seconds that pass before the first fault, so that there is a throughput to measure.
_LEAD_S = {False: 1.0, True: 8.0}
#: Seconds over which the jobs are spread, at least.
_MIN_LENGTH_S = 3.0
#: Rows of a batch: as a share of the jobs, and at least.
_BATCH_SHARE, _MIN_ROWS = 0.25, 60


class FaultTiming(Protocol):
    """What a plan takes of a fault."""

    @property
    def takes_s(self) -> float:
        """Seconds that it lasts."""

    @property
    def pause_factor(self) -> float:
        """Length of the pause after it, as a multiple of `_PAUSE_S`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a drill is asked for."""

    jobs: int = 20_000
    #: Names of faults, each once.
    faults: tuple[str, ...] = ()
    seed: int = 7
    batches: int = 3
    #: Seconds from the first job on, after which what is still open counts as lost.
    deadline_s: float = 1200.0


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault of a schedule."""

    #: Seconds after the one before it was over; the first after the first job.
    after_s: float
    fault: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A drill, before it begins."""

    options: Options
    schedule: tuple[PlannedFault, ...]
    #: Seconds over which the jobs are spread.
    length_s: float
    #: Name, jobs, and jobs at once of each producer; `outbox` is the one that submits with its orders.
    producers: tuple[tuple[str, int, int], ...]
    #: Of each batch the rows, and which of them are poison: row to key.
    batches: tuple[tuple[int, dict[int, str]], ...]


def make_plan(options: Options, faults: Mapping[str, FaultTiming]) -> Plan:
    """Make the plan of a drill.

    Args:
        options: what is asked for.
        faults: name to how long the fault lasts, and how long the pause after it is.

    Returns:
        The plan: the same for the same arguments.
    """
    rng = random.Random(options.seed)
    long = options.jobs >= LONG
    schedule, pause, length = [], _LEAD_S[long], 0.0
    for name in _order(rng, options.faults, rounds=2 if long else 1):
        schedule.append(PlannedFault(round(pause, 2), name))
        length += pause + faults[name].takes_s
        pause = _PAUSE_S[long] * faults[name].pause_factor * rng.uniform(0.8, 1.2)
    length = max(length + pause, _MIN_LENGTH_S)
    # Singly, because an order service does; many at once, because a nightly job does; from two, so that one may die.
    # Those that come with an order come on top, for every third of them is withdrawn.
    many, orders = options.jobs // 2, max(6, options.jobs // 20)
    singles = options.jobs - many
    producers = (
        ("one", singles // 2, 1),
        ("two", singles - singles // 2, 1),
        ("many", many, 100 if long else 20),
        ("outbox", orders, 1),
    )
    rows = max(_MIN_ROWS, int(options.jobs * _BATCH_SHARE))
    batches = tuple(
        (rows, _poison(rng, n, rows, long) if "poison" in options.faults else {}) for n in range(options.batches)
    )
    return Plan(options, tuple(schedule), round(length, 2), producers, batches)


def farm_settings(plan: Plan, home: Path) -> Settings:
    """The settings of the drill's farm: as a real one, with shorter limits, so that they are met within the drill.

    Args:
        plan: whose options say how long it is.
        home: of the farm.
    """
    long = plan.options.jobs >= LONG
    return Settings(
        home=home,
        # The soft limit comes five seconds before.
        job_time_limit_s=8,
        chunk_time_limit_s=12 if long else 8,
        max_attempts=4 if long else 3,
        chunk_rows=250 if long else 20,
        visibility_timeout_s=30,
        reconcile_interval_s=1.0,
        reconcile_grace_s=10.0 if long else 4.0,
        queue_limit=5_000,
    )


def _order(rng: random.Random, faults: Sequence[str], *, rounds: int) -> list[str]:
    ordered: list[str] = []
    for round_ in range(rounds):
        # A job that hangs takes longest to fail all its attempts, so poison comes first.
        once = [name for name in faults if name != "poison"]
        rng.shuffle(once)
        ordered += [name for name in faults if name == "poison" and round_ == 0] + once
    return ordered


def _poison(rng: random.Random, batch: int, rows: int, long: bool) -> dict[int, str]:
    # The first batch gets the kind that takes longest to fail.
    kinds = KINDS if long else (KINDS[-1 - batch % len(KINDS)],)
    return {
        row: f"poison-{kind}-b{batch}" for row, kind in zip(rng.sample(range(rows), len(kinds)), kinds, strict=True)
    }
