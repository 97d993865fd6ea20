"""Faults in the middle of a group of jobs.  DrillContext -> [group_faults] -> a process, a worker, Postgres

Jobs are submitted by the hundred, so that most of them have no message and are claimed together; the worker is caught
in a slow one among them, between the claim and the storing of the whole group."""

import os
import signal
from contextlib import suppress

from workers.drill.catching import Caught, catch
from workers.drill.context import DrillContext, Fault, Injection
from workers.drill.server_faults import kill_postgres

#: Jobs before the slow ones: more than get messages of their own.
_FILLERS = 192


def kill_child_in_group(context: DrillContext) -> Injection:
    """The process that has claimed the group."""
    caught = catch(context, fillers=_FILLERS)
    with suppress(ProcessLookupError):
        os.kill(caught.child, signal.SIGKILL)
    _go_on(caught)
    return Injection(f"{caught.part}, process {caught.child} in {caught.key}", caught.part)


def kill_worker_in_group(context: DrillContext) -> Injection:
    """The worker whose process has claimed the group."""
    caught = catch(context, fillers=_FILLERS)
    with suppress(ProcessLookupError):
        os.killpg(caught.main, signal.SIGKILL)
    return Injection(f"{caught.part}, all its processes, in {caught.key}", caught.part)


def kill_postgres_in_group(context: DrillContext) -> Injection:
    """Postgres, after the claim of the group was committed and before its verdicts are stored."""
    caught = catch(context, fillers=_FILLERS)
    try:
        injection = kill_postgres(context)
    finally:
        _go_on(caught)
    return Injection(f"{injection.what}, while {caught.part} was in {caught.key}", caught.part)


def poison_in_group(context: DrillContext) -> Injection:
    """A job that kills its process, claimed with a hundred that do not."""
    context.injections += 1
    number = context.injections
    keys = (*(f"filler-{number}-{n}" for n in range(_FILLERS)), f"poison-kill-{number}-0")
    context.start_producer(f"group-{number}", keys, len(keys))
    return Injection(f"1 job among {len(keys)}")


def _go_on(caught: Caught) -> None:
    with suppress(ProcessLookupError):
        os.killpg(caught.main, signal.SIGCONT)


FAULTS = (
    Fault("group-child", "kill -9 a process that has claimed many jobs", kill_child_in_group, takes_s=2),
    Fault("group-worker", "kill -9 a worker, one process of which has", kill_worker_in_group, takes_s=2),
    Fault("group-poison", "poison among many jobs that are claimed together", poison_in_group),
    Fault(
        "group-postgres", "kill -9 Postgres between such a claim and its verdicts", kill_postgres_in_group, takes_s=4
    ),
)
