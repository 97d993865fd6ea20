"""How many processes are wanted, and when their number changes.  demand -> [decision] -> autoscaler, who scales nodes

Pure: no clock, no pool, no database. The same numbers give the same answer, so that a node that adds processes and a
farm that adds nodes agree."""

import math
from dataclasses import dataclass

#: What is late gets more processes, but no more than so many times those that its number alone would get.
_HURRY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What there is to do, at one moment."""

    #: Jobs and chunks that may be judged now and have no verdict.
    open: int
    #: Of these, those that somebody works on.
    leased: int = 0
    #: Seconds since the oldest of them was submitted.
    age_s: float = 0.0
    #: How many of them one process does in a second; None: that is not known yet.
    rate: float | None = None
    #: Seconds within which what waits is to be done.
    deadline_s: float = 1.0
    #: Processes that are at work here.
    busy: int = 0
    #: Processes that there is memory for; None: nobody looked.
    memory: int | None = None


def wanted(work: Demand, *, least: int, most: int) -> int:
    """How many processes: as many as are at work, or as many as do all that is to be done before the deadline.

    Args:
        work: what there is to do.
        least: processes at least.
        most: processes at most. Memory may allow less, but never takes away the least, nor what is at work.

    >>> wanted(Demand(open=0), least=1, most=8)
    1
    >>> wanted(Demand(open=500, leased=1, busy=1, rate=200), least=1, most=8)
    3
    >>> wanted(Demand(open=500, leased=1, busy=1, rate=200, age_s=60), least=1, most=8)
    8
    """
    waiting = max(0, work.open - work.leased)
    left_s = max(work.deadline_s - work.age_s, work.deadline_s / _HURRY)
    # What takes longer than that has a process of its own, and so has whatever nobody knows of how long it takes.
    each = max(1.0, work.rate * left_s) if work.rate is not None else 1.0
    room = most if work.memory is None else min(most, max(work.memory, work.busy))
    return max(least, min(max(work.busy, math.ceil((waiting + work.busy) / each)), room))


@dataclass(frozen=True, slots=True)
class Width:
    """The number of processes, and since when fewer would do."""

    processes: int
    #: Since this moment fewer were wanted, without a break; None: they are not.
    calm_since: float | None = None
    #: The most that were wanted since then.
    peak: int = 0


def settle(width: Width, wanted: int, *, now: float, pause_s: float) -> Width:
    """The next width: wider at once, narrower only after a pause in which fewer were wanted all the time.

    Args:
        width: the one that is.
        wanted: processes that are wanted now.
        now: seconds, from any start.
        pause_s: seconds that it has to be calm.

    >>> wide = settle(Width(1), 8, now=0, pause_s=30)
    >>> calm = settle(wide, 1, now=10, pause_s=30)
    >>> [settle(calm, 2, now=moment, pause_s=30).processes for moment in (39, 40)]
    [8, 2]
    """
    if wanted >= width.processes:
        return Width(wanted)
    since = now if width.calm_since is None else width.calm_since
    peak = max(width.peak, wanted)
    if now - since >= pause_s:
        return Width(peak)
    return Width(width.processes, since, peak)
