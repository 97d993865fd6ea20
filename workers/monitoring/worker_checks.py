"""Checks of what workers say of themselves.  WorkerDescription -> [worker_checks] -> clocks, rulesets, settings

Compares them with Postgres, which decides what is due, and which ruleset of a domain is the active one."""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping

from celery import Celery
from sqlalchemy import Engine

from rulefarm.database import active_digests
from store.health import clock_of
from store.ruleset_versions import published_within
from tasks.published_rulesets import FRESH_S
from tasks.worker_context import LEASE_MARGIN_S
from workers.monitoring.descriptions import WorkerDescription, describe_workers
from workers.monitoring.health_check import HealthCheck
from workers.monitoring.inspection import WorkerState

#: Seconds that a clock may be off: a host that keeps its time is within milliseconds.
_OFF_S = 2.0
#: Seconds that a worker gets to go over to what is published: to ask, and to compile as many rules as there may be.
_GO_OVER_S = 30.0 + FRESH_S
#: Characters of a digest that tell two apart.
_DIGEST = 12


def check_described(app: Celery, engine: Engine, workers: list[WorkerState]) -> list[HealthCheck]:
    """Clocks, rulesets and settings of the workers that answer.

    Args:
        app: from `rulefarm.messaging.create_app`.
        engine: the database.
        workers: that answered.
    """
    # Postgres is asked first without being looked at: a new connection takes longer than its answer.
    clock_of(engine)
    asked = time.time()
    here_ahead_s = asked - clock_of(engine).timestamp()
    error_s = (time.time() - asked) / 2
    here_ahead_s += error_s
    described = describe_workers(app, [worker.name for worker in workers])
    ahead = {"this host": (here_ahead_s, error_s)} | {
        name: (said.ahead_s + here_ahead_s, said.error_s + error_s) for name, said in described.items()
    }
    just_published = published_within(engine, _GO_OVER_S)
    rulesets = check_rulesets(described, active_digests(engine), just_published)
    return [*check_clocks(ahead), *rulesets, *check_settings(described)]


def check_clocks(ahead: Mapping[str, tuple[float, float]]) -> list[HealthCheck]:
    """Whether clocks show what Postgres's does.

    Args:
        ahead: by whose clock it is, the seconds that it is ahead, and those by which that may be wrong.
    """
    off = [
        HealthCheck(
            "clocks",
            "warn",
            f"its clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} Postgres's",
            "keep the time of that host by NTP: nothing is decided by it, but the times that it writes are wrong",
            subject=whose,
        )
        for whose, (seconds, error_s) in sorted(ahead.items())
        if abs(seconds) - error_s > _OFF_S
    ]
    return off or [HealthCheck("clocks", "ok", f"{len(ahead)} show what Postgres's does, within {_OFF_S:g} s")]


def check_rulesets(
    described: Mapping[str, WorkerDescription], active: Mapping[str, str], just_published: Collection[str] = ()
) -> list[HealthCheck]:
    """Whether all workers of a domain judge by its active ruleset.

    Args:
        described: what each worker said.
        active: domain to the digest of the active ruleset.
        just_published: domains whose workers may still be on their way to it. Default: none.
    """
    by_domain: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, said in sorted(described.items()):
        for domain, digest in said.digests.items():
            by_domain[domain][digest].append(name)
    checks = []
    for domain, workers in sorted(by_domain.items()):
        if workers.keys() == {active.get(domain)}:
            continue
        who = "; ".join(f"{digest[:_DIGEST]} by {', '.join(names)}" for digest, names in sorted(workers.items()))
        published = active.get(domain)
        message = f"judged by {who}; active is {published[:_DIGEST] if published else 'none'}"
        others = sorted({name for digest, names in workers.items() if digest != published for name in names})
        status = "fail"
        hint = f"see the log of {', '.join(others)}, which says why, or restart it"
        refusals = _refusals(described, domain, published)
        if refusals:
            message += f", and can't be judged by on {'; '.join(refusals)}"
            hint = "upgrade what can't, or take the ruleset back: 'rulefarm rules rollback'"
        elif domain in just_published:
            status, hint = "warn", f"it was published a moment ago; workers go over to it within {_GO_OVER_S:g} s"
        checks.append(HealthCheck("rulesets", status, message, hint, subject=domain))
    if checks:
        return checks
    return [HealthCheck("rulesets", "ok", f"the workers judge by the active ones of {len(by_domain)} domains")]


def _refusals(described: Mapping[str, WorkerDescription], domain: str, published: str | None) -> list[str]:
    """Who said that it can't judge by what is active, and the first line of why."""
    return [
        f"{name}: {why.partition(chr(10))[0]}"
        for name, said in sorted(described.items())
        for digest, why in [said.refused.get(domain, ("", ""))]
        if published is not None and digest == published
    ]


def check_settings(described: Mapping[str, WorkerDescription]) -> list[HealthCheck]:
    """Whether the settings in force are those that the guarantees stand on.

    Args:
        described: what each worker said.
    """
    checks = []
    for name, said in sorted(described.items()):
        told = said.settings
        if not told.get("acks_late", True):
            message = (
                "it acknowledges a message before it has judged: what it holds when it dies waits for the reconciler"
            )
            checks.append(HealthCheck("settings", "fail", message, "leave task_acks_late on", subject=name))
        if told.get("prefetch", 1) != 1:
            message = f"it holds {told['prefetch']} messages for each process, which others could judge meanwhile"
            checks.append(
                HealthCheck("settings", "warn", message, "leave worker_prefetch_multiplier at 1", subject=name)
            )
        limit_s = max(told.get("job_time_limit_s", 0), told.get("chunk_time_limit_s", 0))
        visible_s = told.get("visibility_timeout_s")
        if visible_s is not None and visible_s <= limit_s + LEASE_MARGIN_S:
            message = f"the broker hands out again after {visible_s} s what may be at work for {limit_s} s"
            hint = "raise RULEFARM_VISIBILITY_TIMEOUT_S to several times the time limits"
            checks.append(HealthCheck("settings", "warn", message, hint, subject=name))
    return checks or [
        HealthCheck("settings", "ok", f"{len(described)} workers have those that the guarantees stand on")
    ]
