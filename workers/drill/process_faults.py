"""Faults of processes: killed, or stopped and continued.  [processes] -> signals to the drill's own processes"""

import os
import signal
import time
from collections import Counter
from contextlib import suppress

import psutil

from workers.drill.context import DrillContext, Fault, Injection
from workers.drill.poison import evidence

#: Seconds within which somebody else has to begin the job of a stopped worker, beyond the job's lease.
_BEYOND_S = 60.0
#: Seconds within which the slow jobs have to be accepted, and one of them to be begun.
_CAUGHT_S = 120.0
#: Seconds by which the children of a stopped worker are continued before it is: it would kill what is over time.
_HEAD_START_S = 0.5
#: Seconds between two looks for it, and between two looks for its next message.
_LOOK_S, _FORWARD_S = 0.05, 2.0
#: Jobs that take long enough to be caught at work.
_SLOW_JOBS = 8


def kill_child(ground: DrillContext) -> Injection:
    """A process of a worker's pool, as the kernel does when memory is short."""
    part, process = ground.until(lambda: _a_child(ground), "no worker has a pool")
    with suppress(psutil.NoSuchProcess):
        process.kill()
    return Injection(f"{part}, process {process.pid} of its pool", part)


def kill_worker(ground: DrillContext) -> Injection:
    """A worker with all its processes."""
    part = ground.draw.choice(ground.workers)
    processes = 1 + len(ground.pool(part))
    with suppress(ProcessLookupError):
        os.killpg(ground.pid(part), signal.SIGKILL)
    return Injection(f"{part}, all {processes} processes", part)


def kill_beat(ground: DrillContext) -> Injection:
    """The clock."""
    pid = ground.pid("beat")
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return Injection(f"process {pid}")


def kill_producer(ground: DrillContext) -> Injection:
    """A producer at work; it is started again and goes on where its record ends."""
    working = [producer for producer in ground.producers if producer.code is None]
    if not working:
        return Injection("none was left to kill")
    producer = ground.draw.choice(working)
    pid, recorded = producer.kill(), len(producer.accepted())
    producer.start()
    return Injection(f"{producer.spec.name}, process {pid}, after {recorded:,} accepted")


def stop_worker(ground: DrillContext) -> Injection:
    """A worker in the middle of a job, until somebody else is at work on the same job; then it goes on.

    So its attempt is over, but it does not know: what it has to say about the job comes too late, and before the
    verdict of the attempt that replaced it.
    """
    ground.strikes += 1
    keys = tuple(f"slow-{ground.strikes}-{n}" for n in range(_SLOW_JOBS))
    ground.send(f"slow-{ground.strikes}", keys)
    sender = ground.producers[-1]
    ground.until(lambda: sender.code is not None, "the slow jobs are not accepted", _CAUGHT_S)
    ground.bring_forward(f"slow-{ground.strikes}-")
    part, key, main = ground.until(lambda: _stopped_in(ground, keys), "no worker was caught in a slow job", _CAUGHT_S)
    children = ground.pool(part)
    try:
        lease_s = ground.farm.settings.job_time_limit_s + 5
        repeated = _is_repeated(ground, key, lease_s + _BEYOND_S)
    finally:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.resume()
        time.sleep(_HEAD_START_S)
        with suppress(ProcessLookupError):
            os.killpg(main, signal.SIGCONT)
    how = "and somebody else began it" if repeated else "and nobody else began it"
    return Injection(f"{part} in {key}, {how}", part)


def _stopped_in(ground: DrillContext, keys: tuple[str, ...]) -> tuple[str, str, int] | None:
    """Stop a worker that has begun one of the jobs for the first time: it, the job, its main process."""
    at_work = _at_work_on(ground, keys)
    if at_work is None:
        return None
    part, key = at_work
    main = ground.pid(part)
    with suppress(ProcessLookupError):
        os.killpg(main, signal.SIGSTOP)
        if _times(ground, "end", key) == 0:
            return part, key, main
        os.killpg(main, signal.SIGCONT)
    return None


def _times(ground: DrillContext, what: str, key: str) -> int:
    return sum(1 for told, of, _ in evidence(ground.evidence) if (told, of) == (what, key))


def _is_repeated(ground: DrillContext, key: str, seconds: float) -> bool:
    """Whether somebody else begins the job within the time; its next message need not queue for that."""
    give_up, forward = time.monotonic() + seconds, 0.0
    while _times(ground, "begin", key) < 2:
        if time.monotonic() > give_up:
            return False
        if time.monotonic() > forward:
            ground.bring_forward(key)
            forward = time.monotonic() + _FORWARD_S
        time.sleep(_LOOK_S)
    return True


def _a_child(ground: DrillContext) -> tuple[str, psutil.Process] | None:
    pools = [(part, child) for part in ground.workers for child in ground.pool(part)]
    return ground.draw.choice(pools) if pools else None


def _at_work_on(ground: DrillContext, keys: tuple[str, ...]) -> tuple[str, str] | None:
    """A worker that has begun one of the jobs, the first to do so, and that job."""
    told = evidence(ground.evidence)
    begun = Counter(key for what, key, _ in told if what == "begin")
    ended = {key for what, key, _ in told if what == "end"}
    wanted = {key for key in keys if begun[key] == 1} - ended
    at_work = {pid: key for what, key, pid in told if what == "begin" and key in wanted}
    for part in ground.workers:
        for child in ground.pool(part):
            if child.pid in at_work:
                return part, at_work[child.pid]
    return None


FAULTS = (
    Fault("child", "kill -9 a process of a worker's pool", kill_child),
    Fault("worker", "kill -9 a worker with all its processes", kill_worker, quiet=2),
    Fault("beat", "kill -9 beat", kill_beat),
    Fault("producer", "kill -9 a producer, and start it again", kill_producer),
    Fault("stop", "stop a worker in a job beyond its lease, and continue it", stop_worker, takes_s=18),
)
