"""Faults of processes: killed, or stopped and continued.  [processes] -> signals to the drill's own processes"""

import os
import signal
import time
from contextlib import suppress

import psutil

from workers.drill.ground import Fault, Ground, Hit
from workers.drill.poison import evidence

#: Seconds beyond its lease for which a worker is stopped, so that somebody else has begun anew.
_BEYOND_S = 2.0
#: Seconds by which the children of a stopped worker are continued before it is: it would kill what is over time.
_HEAD_START_S = 0.5
#: Jobs that take long enough to be caught at work.
_SLOW_JOBS = 6


def kill_child(ground: Ground) -> Hit:
    """A process of a worker's pool, as the kernel does when memory is short."""
    part, process = ground.until(lambda: _a_child(ground), "no worker has a pool")
    process.kill()
    return Hit(f"{part}, process {process.pid} of its pool", part)


def kill_worker(ground: Ground) -> Hit:
    """A worker with all its processes."""
    part = ground.draw.choice(ground.workers)
    processes = 1 + len(ground.pool(part))
    os.killpg(ground.pid(part), signal.SIGKILL)
    return Hit(f"{part}, all {processes} processes", part)


def kill_beat(ground: Ground) -> Hit:
    """The clock."""
    pid = ground.pid("beat")
    os.killpg(pid, signal.SIGKILL)
    return Hit(f"process {pid}")


def kill_producer(ground: Ground) -> Hit:
    """A producer at work; it is started again and goes on where its record ends."""
    working = [producer for producer in ground.producers if producer.code is None]
    if not working:
        return Hit("none was left to kill")
    producer = ground.draw.choice(working)
    pid, recorded = producer.kill(), len(producer.accepted())
    producer.start()
    return Hit(f"{producer.spec.name}, process {pid}, after {recorded:,} accepted")


def stop_worker(ground: Ground) -> Hit:
    """A worker in the middle of a job, for longer than the job's lease; then it goes on as if nothing had been."""
    ground.strikes += 1
    keys = tuple(f"slow-{ground.strikes}-{n}" for n in range(_SLOW_JOBS))
    ground.send(f"slow-{ground.strikes}", keys)
    part, key = ground.until(lambda: _at_work_on(ground, keys), "no slow job was begun", 60)
    main = ground.pid(part)
    os.killpg(main, signal.SIGSTOP)
    try:
        time.sleep(ground.farm.settings.job_time_limit_s + 5 + _BEYOND_S)
    finally:
        for child in ground.pool(part):
            with suppress(psutil.NoSuchProcess):
                child.resume()
        time.sleep(_HEAD_START_S)
        with suppress(ProcessLookupError):
            os.killpg(main, signal.SIGCONT)
    ends = sum(1 for what, of, _ in evidence(ground.evidence) if what == "end" and of == key)
    return Hit(f"{part}, in {key}, which was finished {ends} times", part)


def _a_child(ground: Ground) -> tuple[str, psutil.Process] | None:
    pools = [(part, child) for part in ground.workers for child in ground.pool(part)]
    return ground.draw.choice(pools) if pools else None


def _at_work_on(ground: Ground, keys: tuple[str, ...]) -> tuple[str, str] | None:
    """A worker that has begun one of the jobs within the last moment, and that job."""
    told = evidence(ground.evidence)
    ended = {(key, pid) for what, key, pid in told if what == "end"}
    at_work = {pid: key for what, key, pid in told if what == "begin" and key in keys and (key, pid) not in ended}
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
    Fault("stop", "stop a worker in a job beyond the job's lease, and continue it", stop_worker, takes_s=18),
)
