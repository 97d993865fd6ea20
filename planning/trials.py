"""The simulation held against a farm that runs.  trial_farm, simulation -> [trials] -> predicted beside measured

Three runs on this machine: a few orders a second, nearly as many as it can take, and a backlog after an outage. Each is
predicted from the calibration, from the moments at which its orders really came, and from how much of the machine the
farm got right before and right after, for others may use it. What the run itself took is no part of its prediction."""

import math
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import geometric_mean, median

from planning.arrivals import arrivals
from planning.calibrating import WHOLE, OnStep, Pains, calibrate, messages_used, waited_beside
from planning.calibration import Calibration
from planning.place import Times, on_one_machine
from planning.simulation import simulate
from planning.trial_farm import DOMAIN, WIDTH, TrialFarm, orders, share
from rulesets.loader import SHIPPED, load_domain

#: Threads that submit: one alone waits for each commit.
_PRODUCERS = 4
#: Of the rate from which on messages queue up, what a light run asks for at most, and what one near saturation does.
_LIGHT, _NEAR = 0.2, 0.7
_TINY_S = 1e-6
#: Seconds that an answer may take; of a simulated outage, in which all is submitted; steps of looking for the cores.
_PATIENCE_S, _AWAY_S, _HALVINGS = 120.0, 1_000.0, 7


@dataclass(frozen=True, slots=True)
class TrialSize:
    """How long the runs are."""

    #: Orders a second of the light run, and seconds of it and of the one near saturation.
    light_rate: float = 15.0
    length_s: float = 15.0
    #: Jobs that wait after the outage; of a look at how much of the machine there is, those that wait and those that
    #: are asked for one after the other.
    backlog: int = 3_000
    look: int = 1_000
    asked: int = 40


USUAL = TrialSize()


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run came to."""

    #: Verdicts a second, from the first job that could be judged to the last verdict.
    rate: float
    p50_s: float
    p99_s: float
    #: From the moment at which a worker could work to the last verdict of what waited; 0: nothing did.
    drain_s: float


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure of one run."""

    run: str
    figure: str
    predicted: float
    measured: float
    #: How many times too large or too small a prediction may be: the stated error, and more if the machine changed.
    most: float

    @property
    def off(self) -> float:
        """How many times too large or too small it is; 1: exact."""
        low, high = sorted((self.predicted, self.measured))
        return high / low if low > 0 else float("inf")

    @property
    def holds(self) -> bool:
        """Whether it is within its bound."""
        return self.off <= self.most


#: The stated error, as a factor: docs/costs.md says why.
BOUNDS = {"rate": 1.15, "p50": 2.0, "p99": 2.5, "drain": 1.5}


def run_trials(
    farm: TrialFarm, on_step: OnStep = lambda step: None, size: TrialSize = USUAL, pains: Pains = WHOLE
) -> tuple[Calibration, list[ComparedFigure]]:
    """Calibrate, run the three, and compare.

    Args:
        farm: that was just started.
        on_step: told what is being done; default: nothing.
        size: of the runs; default: what takes two minutes.
        pains: how much the calibration measures; default: what takes a minute.

    Returns:
        What was measured of the machine, and each figure.

    Raises:
        TrialFailed: jobs are not judged.
    """
    costs = calibrate(farm, on_step, pains)
    trials = _Trials(farm, costs, size, pains)
    found: list[ComparedFigure] = []
    runs = {"light": trials.light, "near saturation": trials.near_saturation, "after an outage": trials.after_outage}
    for name, run in runs.items():
        on_step(f"a run: {name}")
        found += _compared(name, *run())
    return costs, found


def _compared(run: str, predicted: RunFigures, measured: RunFigures, changed: float) -> list[ComparedFigure]:
    pairs = {
        "rate": (predicted.rate, measured.rate),
        "p50": (predicted.p50_s, measured.p50_s),
        "p99": (predicted.p99_s, measured.p99_s),
        "drain": (predicted.drain_s, measured.drain_s),
    }
    bounds = BOUNDS | ({"rate": BOUNDS["drain"]} if measured.drain_s else {})
    # A prediction from the mean of two looks can't be nearer than either of them.
    return [
        ComparedFigure(run, figure, *pair, bounds[figure] * math.sqrt(changed))
        for figure, pair in pairs.items()
        if any(pair)
    ]


class _Trials:
    def __init__(self, farm: TrialFarm, costs: Calibration, size: TrialSize, pains: Pains) -> None:
        self._farm, self._costs, self._size, self._pains = farm, costs, size, pains
        self._rules = len(load_domain(SHIPPED, DOMAIN).program.rules)
        self._looks = 0

    def light(self) -> tuple[RunFigures, RunFigures, float]:
        before = self._look()
        rate = min(self._size.light_rate, _LIGHT * self._most_rate(before))
        return self._run("light", self._stream(rate, 11), before)

    def near_saturation(self) -> tuple[RunFigures, RunFigures, float]:
        before = self._look()
        return self._run("near", self._stream(_NEAR * self._most_rate(before), 12), before)

    def after_outage(self) -> tuple[RunFigures, RunFigures, float]:
        return self._run("outage", [0.0] * self._size.backlog, self._look(), outage=True)

    def _stream(self, rate: float, seed: int) -> list[float]:
        return list(arrivals(rate, self._size.length_s, None, random.Random(seed))) or [0.0]

    def _most_rate(self, costs: Calibration) -> float:
        """From here on messages queue up: no process is free, or no core."""
        cpu_s = self._message_cpu_s()
        return min(
            WIDTH / (costs.held_s + median(costs.waits_s) + cpu_s),
            costs.busy_cores / (costs.submit_s + costs.submit_database_s + cpu_s),
        )

    def _run(
        self, name: str, at_s: Sequence[float], before: Calibration, *, outage: bool = False
    ) -> tuple[RunFigures, RunFigures, float]:
        """What was predicted, what was measured, and by which factor the machine changed meanwhile."""
        with ExitStack() as stack:
            if outage:
                stack.enter_context(self._farm.paused())
            began, came_s = _submit(self._farm, name, at_s)
            away_s = time.time() - began if outage else 0.0
        self._farm.wait_until_done()
        times = [(taken - began, waited) for taken, waited in self._farm.latencies(name)]
        after = self._look()
        costs = _between(before, after)
        # What judging costs is that of the domain's own rules.
        place = replace(on_one_machine(costs, WIDTH, self._rules, costs.busy_cores), away_until_s=away_s)
        predicted = simulate(costs, place, came_s, 1)
        pairs = list(zip(predicted.taken_s, predicted.waited_s, strict=True))
        return _figures(pairs, away_s), _figures(times, away_s), _changed(before, after)

    def _look(self) -> Calibration:
        """The calibration, with what is to be had of the machine now."""
        self._looks += 1
        messages = messages_used(self._farm, f"message{self._looks}", self._pains.messages)
        pairs = orders(f"asked{self._looks}", self._size.asked)
        for key, facts in pairs:
            self._farm.farm.evaluate(DOMAIN, facts, key=key, timeout=_PATIENCE_S)
        answers = [waited for _, waited in self._farm.latencies(f"asked{self._looks}")]
        with self._farm.paused():
            _submit(self._farm, f"look{self._looks}", [0.0] * self._size.look)
            began = time.time()
        self._farm.wait_until_done()
        # As of the run itself: by when the last verdict was written, and not by when that was seen.
        drained_s = max(taken + waited for taken, waited in self._farm.latencies(f"look{self._looks}")) - began
        computed_s = self._costs.answer_s + self._costs.record_cost_s(self._rules)
        looked = replace(self._costs, waits_s=waited_beside(answers, computed_s))
        looked = replace(looked, busy_cores=self._cores_that_drain(looked, drained_s))
        # What the messages took beyond what they take by all that is known by now.
        there = self._simulated(replace(looked, held_s=0.0), self._pains.messages).idle_at_s - _AWAY_S
        held_s = (messages.clock_s - there) * WIDTH / self._pains.messages
        return replace(looked, held_s=max(0.0, held_s))

    def _simulated(self, costs: Calibration, waiting: int) -> Times:
        """What becomes of so many jobs that waited for the end of an outage."""
        place = on_one_machine(costs, WIDTH, self._rules, costs.busy_cores)
        return simulate(costs, replace(place, away_until_s=_AWAY_S), [0.0] * waiting, 1)

    def _cores_that_drain(self, costs: Calibration, drained_s: float) -> float:
        """With how many cores the simulation drains what waited for the look in the time that it took."""
        low, high = 0.05, float(costs.cores)
        for _ in range(_HALVINGS):
            cores = math.sqrt(low * high)
            run = self._simulated(replace(costs, busy_cores=cores), self._size.look)
            too_slow = run.last_s - _AWAY_S > drained_s
            low, high = (cores, high) if too_slow else (low, cores)
        return math.sqrt(low * high)

    def _message_cpu_s(self) -> float:
        costs = self._costs
        return costs.alone_s + costs.record_cost_s(self._rules) + costs.alone_database_s


def _between(before: Calibration, after: Calibration) -> Calibration:
    """What held between two looks, as nearly as they tell."""
    return replace(
        before,
        held_s=geometric_mean((before.held_s or _TINY_S, after.held_s or _TINY_S)),
        waits_s=tuple(sorted(before.waits_s + after.waits_s)),
        busy_cores=geometric_mean((before.busy_cores, after.busy_cores)),
    )


def _changed(before: Calibration, after: Calibration) -> float:
    """By which factor the machine itself changed between two looks."""
    pairs = [
        (before.busy_cores, after.busy_cores),
        (before.alone_s + before.held_s, after.alone_s + after.held_s),
        (before.alone_s + median(before.waits_s), after.alone_s + median(after.waits_s)),
    ]
    return max(max(pair) / max(_TINY_S, min(pair)) for pair in pairs)


def _submit(farm: TrialFarm, name: str, at_s: Sequence[float]) -> tuple[float, list[float]]:
    """Submit orders at those seconds, or as soon after as a producer is free: when it began, and when each did."""
    pairs = orders(name, len(at_s))
    began, started = time.time(), time.perf_counter()

    def submit(number: int) -> float:
        time.sleep(max(0.0, at_s[number] - (time.perf_counter() - started)))
        came_s = time.perf_counter() - started
        farm.farm.submit(DOMAIN, pairs[number][1], key=pairs[number][0])
        return came_s

    with ThreadPoolExecutor(_PRODUCERS) as pool:
        came_s = sorted(pool.map(submit, range(len(at_s))))
    return began, came_s


def _figures(times: Sequence[tuple[float, float]], away_s: float) -> RunFigures:
    waited = [wait for _, wait in times]
    first = max(away_s, min(taken for taken, _ in times))
    last = max(taken + wait for taken, wait in times)
    return RunFigures(
        rate=len(times) / max(1e-9, last - first),
        p50_s=share(waited, 0.5),
        p99_s=share(waited, 0.99),
        drain_s=last - away_s if away_s else 0.0,
    )
