"""Stop a worker in the middle of a job.  DrillContext -> [catching] -> process_faults, group_faults

Slow jobs are submitted, and the first worker that has begun one is stopped with all its processes. Kills nothing: what
becomes of it is for the fault to say."""

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from workers.drill.context import DrillContext, DrillFailed
from workers.drill.poison import read_evidence

#: Seconds within which a worker has to be caught in a slow job.
_CAUGHT_S = 120.0
#: Seconds between two looks for it, and between two looks for its next message.
POLL_S, FORWARD_S = 0.05, 2.0
#: Jobs that take long enough to be caught at work.
_SLOW_JOBS = 8


@dataclass(frozen=True, slots=True)
class Caught:
    """A worker that is stopped in a job that it has begun."""

    part: str
    #: Of the job.
    key: str
    #: Its main process, and that of its pool which is at work on the job.
    main: int
    child: int


def catch(context: DrillContext, *, fillers: int = 0) -> Caught:
    """Stop a worker in a slow job. What is judged too fast is followed by more.

    Args:
        context: of the drill.
        fillers: other jobs that are submitted in one call before the slow ones. Default: each is submitted by itself.

    Raises:
        DrillFailed: none was caught in time.
    """
    give_up = time.monotonic() + _CAUGHT_S
    while time.monotonic() < give_up:
        context.injections += 1
        name = f"slow-{context.injections}"
        keys = tuple(f"{name}-{n}" for n in range(_SLOW_JOBS))
        others = tuple(f"filler-{context.injections}-{n}" for n in range(fillers))
        context.start_producer(name, (*others, *keys), len(others) + len(keys) if fillers else 1)
        forward = 0.0
        while any(times(context, "end", key) == 0 for key in keys) and time.monotonic() < give_up:
            if caught := _stopped_in(context, keys):
                return caught
            if time.monotonic() > forward:
                context.bring_forward(f"{name}-")
                forward = time.monotonic() + FORWARD_S
            time.sleep(POLL_S)
    raise DrillFailed(
        "drill-stuck", f"no worker was caught in a slow job after {_CAUGHT_S:g} s", f"see {context.farm.log}"
    )


def times(context: DrillContext, what: str, key: str) -> int:
    """How often a slow or poison job was begun, or ended.

    Args:
        context: of the drill.
        what: `begin` or `end`.
        key: of the job.
    """
    return sum(1 for event, subject, _ in read_evidence(context.evidence) if (event, subject) == (what, key))


def _stopped_in(context: DrillContext, keys: tuple[str, ...]) -> Caught | None:
    """Stop a worker that has begun one of the jobs for the first time: if there is one."""
    at_work = _at_work_on(context, keys)
    if at_work is None:
        return None
    part, key, child = at_work
    main = context.pid(part)
    with suppress(ProcessLookupError):
        os.killpg(main, signal.SIGSTOP)
        if times(context, "end", key) == 0:
            return Caught(part, key, main, child)
        os.killpg(main, signal.SIGCONT)
    return None


def _at_work_on(context: DrillContext, keys: tuple[str, ...]) -> tuple[str, str, int] | None:
    """A worker that has begun one of the jobs, the first to do so, that job, and the process."""
    events = read_evidence(context.evidence)
    begun = Counter(key for what, key, _ in events if what == "begin")
    ended = {key for what, key, _ in events if what == "end"}
    first_time = {key for key in keys if begun[key] == 1} - ended
    at_work = {pid: key for what, key, pid in events if what == "begin" and key in first_time}
    for part in context.workers:
        for child in context.pool(part):
            if child.pid in at_work:
                return part, at_work[child.pid], child.pid
    return None
