"""Faults of processes: killed, stopped and continued, of a wrong clock.  DrillContext -> [process_faults] -> signals"""

import os
import signal
import time
from contextlib import suppress

import psutil

from workers.drill.catching import FORWARD_S, POLL_S, catch, times
from workers.drill.context import DrillContext, Fault, Injection
from workers.drill.moved_clock import CLOCKS, choose_clocks

#: Seconds within which another worker has to begin the job of a stopped worker, beyond the job's lease.
_BEYOND_S = 60.0
#: Seconds by which the children of a stopped worker are continued before it is: it would kill what is over time.
_HEAD_START_S = 0.5


def kill_child(context: DrillContext) -> Injection:
    """A process of a worker's pool, as the kernel does when memory is short."""
    part, process = context.wait_for(lambda: _a_child(context), "no worker has a pool")
    with suppress(psutil.NoSuchProcess):
        process.kill()
    return Injection(f"{part}, process {process.pid} of its pool", part)


def kill_worker(context: DrillContext) -> Injection:
    """A worker with all its processes."""
    part = context.rng.choice(context.workers)
    processes = 1 + len(context.pool(part))
    with suppress(ProcessLookupError):
        os.killpg(context.pid(part), signal.SIGKILL)
    return Injection(f"{part}, all {processes} processes", part)


def kill_beat(context: DrillContext) -> Injection:
    """Beat, which starts the reconciler."""
    pid = context.pid("beat")
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return Injection(f"process {pid}")


def kill_producer(context: DrillContext) -> Injection:
    """A producer at work; it is started again and goes on where its record ends."""
    working = [producer for producer in context.producers if producer.code is None]
    if not working:
        return Injection("none was left to kill")
    producer = context.rng.choice(working)
    pid, recorded = producer.kill(), len(producer.accepted())
    producer.start()
    return Injection(f"{producer.spec.name}, process {pid}, after {recorded:,} accepted")


def stop_worker(context: DrillContext) -> Injection:
    """A worker in the middle of a job, until another one works on the same job; then it is continued.

    So its lease has expired without its notice: its verdict comes too late, and before that of the attempt that
    replaced it.
    """
    caught = catch(context)
    part, key, main = caught.part, caught.key, caught.main
    children = context.pool(part)
    try:
        lease_s = context.farm.settings.job_time_limit_s + 5
        repeated = _is_repeated(context, key, lease_s + _BEYOND_S)
    finally:
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.resume()
        time.sleep(_HEAD_START_S)
        with suppress(ProcessLookupError):
            os.killpg(main, signal.SIGCONT)
    how = "and another worker began it" if repeated else "and no other worker began it"
    return Injection(f"{part} in {key}, {how}", part)


def move_clocks(context: DrillContext) -> Injection:
    """The clocks of two workers: they are killed, and start with one that is wrong until the end of the drill."""
    ahead, behind = context.rng.sample(context.workers, 2)
    choose_clocks(context.evidence, {ahead: "ahead", behind: "behind"})
    before = {part: context.pid(part) for part in (ahead, behind)}
    for pid in before.values():
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    context.wait_for(lambda: all(context.pid(part) != pid for part, pid in before.items()), "a worker is not back")
    return Injection(f"{ahead} is {CLOCKS['ahead']:g} s ahead, {behind} {-CLOCKS['behind']:g} s behind", ahead)


def _is_repeated(context: DrillContext, key: str, seconds: float) -> bool:
    """Whether another worker begins the job within the time; its next message is moved to the front for that."""
    give_up, forward = time.monotonic() + seconds, 0.0
    while times(context, "begin", key) < 2:
        if time.monotonic() > give_up:
            return False
        if time.monotonic() > forward:
            context.bring_forward(key)
            forward = time.monotonic() + FORWARD_S
        time.sleep(POLL_S)
    return True


def _a_child(context: DrillContext) -> tuple[str, psutil.Process] | None:
    pools = [(part, child) for part in context.workers for child in context.pool(part)]
    return context.rng.choice(pools) if pools else None


FAULTS = (
    Fault("child", "kill -9 a process of a worker's pool", kill_child),
    Fault("worker", "kill -9 a worker with all its processes", kill_worker, pause_factor=2),
    Fault("beat", "kill -9 beat", kill_beat),
    Fault("producer", "kill -9 a producer, and start it again", kill_producer),
    Fault("clock", "set the clocks of two workers wrong, to the end", move_clocks, pause_factor=2),
    Fault("stop", "stop a worker in a job beyond its lease, and continue it", stop_worker, takes_s=18),
)
