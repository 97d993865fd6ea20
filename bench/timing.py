"""Time contenders side by side.  baselines, engines, ours -> [timing] -> report

Every round times each contender once, and every round begins with another one, so that whatever else the machine does
hits all alike. A ratio is taken within a round, and the median of the rounds is what is told. The garbage collector
runs before each timed call and never in it."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Contender:
    """Something to time."""

    name: str
    run: Callable[[], object]
    #: How many records, or rows, one run judges.
    items: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured several times."""

    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The least."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The most."""
        return max(self.values)

    def over(self, other: "Sample") -> "Sample":
        """How many times the other one it was, round by round."""
        return Sample(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


def race(
    contenders: Sequence[Contender], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Sample]:
    """Time contenders against each other.

    Args:
        contenders: names are unique.
        rounds: how often each one is timed; once more before that, untimed.
        clock: what the time is taken by, in seconds; default the one on the wall.

    Returns:
        Seconds per item by name.
    """
    for contender in contenders:
        contender.run()
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            seconds[contender.name].append(timed(contender.run, clock) / contender.items)
    return {name: Sample(tuple(values)) for name, values in seconds.items()}


def timed(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that one call takes, without the garbage collector.

    Args:
        run: the call.
        clock: as for `race`.
    """
    gc.collect()
    gc.disable()
    try:
        start = clock()
        run()
        return clock() - start
    finally:
        gc.enable()


def fitting(run: Callable[[Sequence[Any]], object], items: Sequence[Any], budget_s: float) -> int:
    """How many items can be judged in some seconds: at least four, at most all of them.

    Args:
        run: judges some items.
        items: to choose from.
        budget_s: seconds.
    """
    few = items[:4]
    run(few)
    each = timed(lambda: run(few)) / len(few)
    return max(len(few), min(len(items), int(budget_s / each)))


class Disagreement(Exception):
    """A contender finds other rules than the engine does: its time would mean nothing."""


def check(name: str, found: Sequence[object], expected: Sequence[object]) -> None:
    """Compare what a contender found with what the engine found.

    Args:
        name: of the contender.
        found: for each product.
        expected: the same from the engine; may be longer.

    Raises:
        Disagreement: they differ.
    """
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            raise Disagreement(f"{name} finds {one} for product {place}, the engine finds {other}")


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of a figure."""

    bound: float
    words: str
    #: Whether the bound is the least that will do. False: the most.
    is_least: bool = True

    def is_met(self, value: float) -> bool:
        """Whether a figure is as wanted."""
        return value >= self.bound if self.is_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One line of the table."""

    section: str
    name: str
    #: Of what was measured, in `unit`.
    sample: Sample
    unit: str
    #: How many times as much as what it is compared with, round by round: of the engine's rows, how many times as long
    #: as the engine it took. None: there is nothing to compare.
    ratio: Sample | None = None
    #: In words; empty: there is none.
    target: str = ""
    #: None: there is no target.
    met: bool | None = None

    def to_json(self) -> Mapping[str, object]:
        """The row as plain data."""
        ratio = None if self.ratio is None else _spread(self.ratio)
        return {
            "section": self.section,
            "name": self.name,
            "unit": self.unit,
            **_spread(self.sample),
            "ratio": ratio,
            "target": self.target,
            "met": self.met,
        }


def _spread(sample: Sample) -> dict[str, float | int]:
    return {"median": sample.middle, "min": sample.low, "max": sample.high, "repeats": len(sample.values)}
