"""One region, as one producer sees it.  measurements, calls -> [region] -> regions

Knows how far it is and how far behind, has a call done within the budget, and says when to leave it alone. Which one
is asked is for `rulefarm.regions` to say."""

import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from rulefarm.circuit_breaker import CircuitBreaker
from rulefarm.errors import DatabaseUnreachable, RulefarmError
from rulefarm.settings import Settings

log = logging.getLogger("rulefarm")

#: Seconds between two measurements of a region, and for which one that failed is left alone beyond the time that the
#: next measurement takes to fail: so it stays left alone for as long as it is away.
_EVERY_S, _PAUSE_S = 1.0, 3.0
#: Measurements that count; the shortest of them is how far a region is, for a busy moment is no distance.
_KEPT = 8
#: Calls of one process that wait for an answer of a region at once; the others wait their turn.
_MOST_CALLS = 32
#: Round trips up to this are as good as none; beyond, a region is nearer than another if it takes half the time.
_NEAR_S = 0.01


class RegionFarm(Protocol):
    """What is needed of the farm of a region."""

    settings: Settings

    @property
    def broker_is_away(self) -> bool:
        """Whether the broker has just not answered."""

    def require_ledger(self) -> Any:
        """Its database; raises if none is named."""

    ask: Callable[[Callable[[], Any]], Any]

    def warm_up(self, heard: Callable[[], None]) -> None:
        """Make the connections to the database, and say after each answer that there was one; raises without any."""

    def lateness_s(self) -> dict[str, float]:
        """For each published domain, seconds that its jobs have waited; raises if the database does not answer."""

    def ask_broker(self) -> None:
        """Ask the broker, so that `broker_is_away` tells how it is now; first, make the connections to it."""


_Farm = TypeVar("_Farm", bound=RegionFarm)
_Answer = TypeVar("_Answer")


class Region(Generic[_Farm]):
    """One region, as one producer sees it."""

    def __init__(self, farm: _Farm) -> None:
        self.farm = farm
        self.name = farm.settings.region or ""
        self._budget_s, self._deadline_s = farm.settings.region_budget_s, farm.settings.region_deadline_s
        self._breaker = CircuitBreaker(_EVERY_S + self._budget_s + _PAUSE_S)
        self._round_trips: deque[float] = deque(maxlen=_KEPT)
        #: When it was asked what it has not answered yet, and when it was last heard of; None: it was not.
        self._asked_at: float | None = None
        self._heard_at: float | None = None
        self._broker: Future[None] | None = None
        #: Set when it is to be measured now, and not only in a while.
        self.look = threading.Event()
        #: The process that has connections to it.
        self._warm_in = 0
        self._late_s: dict[str, float] = {}
        self._was_well = True
        #: Process to its threads: those of a parent are not there in a process that was forked.
        self._threads: dict[int, ThreadPoolExecutor] = {}

    @property
    def distance(self) -> int | None:
        """How far it is: 0 is near, and one more is twice as far; None: nobody knows yet."""
        trips = tuple(self._round_trips)
        return max(0, math.floor(math.log2(min(trips) / _NEAR_S))) if trips else None

    @property
    def is_ready(self) -> bool:
        """Whether it has been measured, and its broker asked: then there are connections to all of it."""
        return bool(self._round_trips) and self._broker is not None and self._broker.done()

    def call(self, question: Callable[[], _Answer]) -> _Answer:
        """Have it asked, until it has said nothing at all for the budget.

        Args:
            question: asks its farm. Begun, it goes on in its thread when its time is up: what it sends has one id
                everywhere.

        Raises:
            DatabaseUnreachable: `region-silent`: its time is up; else as the question.
        """
        begun, asked = time.monotonic(), self._begin(question)
        # Whoever answers others meanwhile is slow, or has much to connect: it is given up for silence alone. So it is
        # measured while this one waits, and early enough for an answer; and while connections are made, each step of
        # that is an answer.
        while (left_s := max(begun, self._heard_at or begun) + self._budget_s - time.monotonic()) > 0:
            try:
                return asked.result(left_s - self._budget_s / 2 if left_s > self._budget_s / 2 else left_s)
            except TimeoutError:
                if asked.done():
                    return asked.result()
                self.look.set()
        asked.cancel()
        raise DatabaseUnreachable(
            "region-silent",
            f"region {self.name} did not answer within {self._budget_s:g} s",
            "is it running, and the line to it up? See RULEFARM_REGION_BUDGET_S",
        )

    def _begin(self, question: Callable[[], _Answer]) -> Future[_Answer]:
        pid = os.getpid()
        if pid not in self._threads:
            self._threads[pid] = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix=f"rulefarm-{self.name}")
        return self._threads[pid].submit(question)

    def trouble(self, domain: str) -> str | None:
        """Why others are to be asked before it, if they are.

        Args:
            domain: whose jobs are to be judged.
        """
        asked_at, late_s = self._asked_at, self._late_s.get(domain, 0.0)
        is_silent = asked_at is not None and time.monotonic() - max(asked_at, self._heard_at or 0) > self._budget_s
        if self._breaker.is_open or is_silent or not (self._was_well or self._round_trips):
            return "does not answer"
        if self.farm.broker_is_away:
            return "has no broker"
        if late_s > self._deadline_s:
            return f"is {late_s:.0f} s behind in {domain}"
        return None

    def fail(self, error: RulefarmError) -> None:
        """Leave it alone for a while."""
        self._breaker.trip()
        self._round_trips.clear()
        self._tell(error)

    def measure(self) -> None:
        """Ask it how far it is, and how far behind; which keeps a connection ready, too."""
        self._asked_at = time.monotonic()
        try:
            if not self._round_trips or self._warm_in != os.getpid():
                # To connect takes many: the first job that is sent here must not wait for them.
                self.farm.warm_up(self._hear)
                self._warm_in = os.getpid()
            begun = self._asked_at = time.monotonic()
            late_s = self.farm.lateness_s()
        except RulefarmError as error:
            self.fail(error)
            return
        finally:
            self._asked_at = None
        self._hear()
        round_trip_s = time.monotonic() - begun
        if self._broker is None or self._broker.done():
            # Beside: while a broker is silent its database goes on to answer.
            self._broker = self._begin(self.farm.ask_broker)
        if round_trip_s > self._budget_s:
            self._breaker.trip()
            return
        self._round_trips.append(round_trip_s)
        self._late_s = late_s
        if not self._breaker.is_open:
            self._tell(None)

    def begin(self) -> None:
        """Be measured by a process for the first time: whoever asked before it was forked is its parent's."""
        self.look, self._asked_at = threading.Event(), None

    def _hear(self) -> None:
        """Note that it has answered."""
        self._heard_at = time.monotonic()

    def close(self) -> None:
        """Take nothing more; what is being taken goes on."""
        self.look.set()
        threads = self._threads.pop(os.getpid(), None)
        if threads is not None:
            threads.shutdown(wait=False)

    def _tell(self, error: RulefarmError | None) -> None:
        is_well, self._was_well = self._was_well, error is None
        if is_well and error is not None:
            log.warning("region %s is left alone: %s", self.name, error)
        elif not is_well and error is None:
            log.warning("region %s answers again", self.name)


def measure(reference: "weakref.ref[Region[Any]]", stopped: threading.Event) -> None:
    """Measure a region again and again, for as long as somebody has it.

    Args:
        reference: to the region.
        stopped: set when that is to end.
    """
    while (region := reference()) is not None and not stopped.is_set():
        try:
            region.measure()
        except Exception:
            # What it asks over may be closed at any moment; whatever else it is, the next look may fare better.
            if not stopped.is_set():
                log.exception("region %s can't be measured", region.name)
        look = region.look
        del region
        look.wait(_EVERY_S)
        look.clear()
