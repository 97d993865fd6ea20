"""Faults of a whole region: cut off, and lost.  DrillContext -> [region_faults] -> the line to it, its processes

A producer that knows both regions submits meanwhile. What it submitted is checked in the union of both: one verdict
each, wherever it was judged."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from workers.drill.context import DrillContext, Fault, Injection
from workers.drill.server_faults import broker_answers

#: Jobs of the producer, how many it submits a second, and how many each region has taken before it goes on.
_JOBS, _RATE, _ENOUGH = 80, 12.0, 6


def cut_region(context: DrillContext) -> Injection:
    """Nothing arrives from producers, and nothing is refused: they hear nothing."""
    return _without_the_line(context, "cut", lambda: "cut off")


def lose_region(context: DrillContext) -> Injection:
    """Cut off, and while it is, its broker, its Postgres and every worker die at once; then all come back."""

    def kill() -> str:
        before = {name: context.server_pid(name) for name in ("valkey", "postgres")}
        for pid in (*before.values(), *(context.pid(part) for part in context.workers)):
            # One may be between two lives.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        def are_back() -> bool:
            return all(context.server_pid(name) != pid for name, pid in before.items()) and broker_answers(context)

        context.wait_for(are_back, "the servers are not back", 60)
        context.sql("select 1")
        return "cut off and killed"

    return _without_the_line(context, "lost", kill)


def _without_the_line(context: DrillContext, name: str, meanwhile: Callable[[], str]) -> Injection:
    other = context.other
    assert other is not None
    context.injections += 1
    prefix = f"region-{name}-{context.injections}-"
    keys = tuple(f"{prefix}{number:03}" for number in range(_JOBS))
    producer = context.start_in_regions(f"region-{name}-{context.injections}", keys, _RATE)
    context.wait_for(lambda: len(producer.accepted()) >= _ENOUGH, "no region takes a job", 120)
    other.line.cut()
    try:
        done = meanwhile()
        # A cut that nobody meets proves nothing.
        context.wait_for(lambda: other.taken(prefix) >= _ENOUGH, "the other region takes nothing", 60)
    finally:
        other.line.heal()
    return Injection(f"{done}; the other region took {other.taken(prefix)} jobs")


#: Seconds that a producer needs to start and to fall back.
_TAKES_S = 5.0
FAULTS = (
    Fault(
        "region-cut",
        "cut the line to the region; producers go on in another",
        cut_region,
        takes_s=_TAKES_S,
        needs_region=True,
    ),
    Fault(
        "region-lost",
        "cut the line to the region, and kill all of it",
        lose_region,
        takes_s=2 * _TAKES_S,
        needs_region=True,
    ),
)
