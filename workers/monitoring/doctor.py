"""Is the farm well?  broker, database, workers -> [doctor] -> one finding a question

Asks from outside, as a producer would: everything that a job needs on its way to a verdict is tried once. Leaves no job
and no verdict, and mends nothing: every finding that is not good says what to do."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from celery import Celery

from rulefarm.database import Ledger
from rulefarm.errors import FarmUnreachable, SettingsError
from rulefarm.messaging import create_app, queue_depths
from rulefarm.reference_facts import ReferenceFacts, reachable
from rulefarm.routing import CONTROL_QUEUE, queue_name
from rulefarm.settings import Settings
from rulesets.recorded import recorded_schema
from store.health import answer_ms, count_dead_letters, last_reconciled
from store.migrate import is_current
from store.ruleset_versions import active_sources
from workers.monitoring.inspection import WorkerState, worker_states
from workers.monitoring.probes import ProbeResult, keeps_results, send_probes

#: Seconds that a worker gets between two looks: one that takes messages takes the next in milliseconds.
_BETWEEN_LOOKS_S = 2.0
#: Seconds that workers get to answer before a queue is said to have none.
_PATIENCE_S = 4.0
#: Intervals that the reconciler may be late, and seconds that it may be late in any case.
_LATE_INTERVALS, _LATE_S = 5, 30.0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The answer to one question."""

    #: broker, database, migrations, facts, workers, silence, canary, backlog, reconciler or dead-letters.
    check: str
    #: ok; warn: somebody should look; fail: the farm is not well; skip: can't be told before something else is mended.
    status: str
    #: What was found.
    message: str
    #: What to do about it; empty if nothing.
    hint: str = ""
    #: The queue or worker that it is about; empty if it is about the farm.
    subject: str = ""
    #: Milliseconds that the answer took, where that is the question.
    ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Look:
    """Queues and workers at one moment."""

    depths: dict[str, int]
    workers: list[WorkerState]

    def takers(self, name: str) -> list[WorkerState]:
        return [worker for worker in self.workers if name in worker.queues]

    def idle(self) -> dict[str, int]:
        """Workers that do nothing although a queue of theirs holds messages, with how much they have done so far."""
        return {
            worker.name: worker.done
            for worker in self.workers
            if not worker.busy and any(self.depths.get(name) for name in worker.queues)
        }


def examine(settings: Settings, *, timeout_s: float) -> list[HealthCheck]:
    """Ask everything there is to ask.

    Args:
        settings: where the farm is.
        timeout_s: seconds that a canary gets.

    Returns:
        One finding a question; the farm is well if none has the status `fail`.

    Raises:
        SettingsError: no broker or no database is named.
    """
    app = create_app(settings)
    ledger = Ledger(settings)
    try:
        broker = _answer("broker", lambda: _broker_ms(app))
        database = _answer("database", lambda: answer_ms(ledger.engine))
        findings = [broker, database]
        if database.status == "ok":
            findings += _guarded("migrations", lambda: _migrations(ledger))
        if "fail" in {finding.status for finding in findings}:
            return [*findings, HealthCheck("canary", "skip", "not sent: what it needs is not well")]
        findings += _guarded("facts", lambda: _facts(ledger, settings))
        findings += _guarded("workers", lambda: _queues(app, ledger, settings, timeout_s))
        findings += _guarded("reconciler", lambda: [_reconciler(ledger, settings)])
        return [*findings, *_guarded("dead-letters", lambda: [_dead_letters(ledger)])]
    finally:
        app.close()
        ledger.engine.dispose()


def _broker_ms(app: Celery) -> float:
    # Twice: the first time the transport is loaded, too.
    queue_depths(app, [CONTROL_QUEUE])
    began = time.perf_counter()
    queue_depths(app, [CONTROL_QUEUE])
    return (time.perf_counter() - began) * 1000


def _answer(check: str, ask: Callable[[], float]) -> HealthCheck:
    try:
        ms = ask()
    except FarmUnreachable as error:
        return HealthCheck(check, "fail", error.message, error.hint)
    return HealthCheck(check, "ok", f"answers in {ms:.1f} ms", ms=ms)


def _guarded(check: str, ask: Callable[[], list[HealthCheck]]) -> list[HealthCheck]:
    try:
        return ask()
    except FarmUnreachable as error:
        return [HealthCheck(check, "fail", error.message, error.hint)]


def _migrations(ledger: Ledger) -> list[HealthCheck]:
    if is_current(ledger.engine):
        return [HealthCheck("migrations", "ok", "the tables are up to date")]
    return [HealthCheck("migrations", "fail", "the tables are not those of this version", "run 'rulefarm migrate'")]


def _facts(ledger: Ledger, settings: Settings) -> list[HealthCheck]:
    """Whether Redis holds the shared facts; nothing where no domain shares any."""
    schemas = {domain: recorded_schema(sources) for domain, sources in active_sources(ledger.engine).items()}
    sharing = [domain for domain, schema in schemas.items() if schema is not None and schema.is_shared]
    if not sharing:
        return []
    try:
        facts = ReferenceFacts(settings.require_facts())
    except SettingsError as error:
        return [HealthCheck("facts", "fail", error.message, error.hint)]
    try:
        with reachable(facts.url):
            memory = facts.redis.info("memory")
            began = time.perf_counter()
            facts.redis.ping()
            ms = (time.perf_counter() - began) * 1000
    finally:
        facts.close()
    message = f"Redis with those of {', '.join(sharing)} answers in {ms:.1f} ms"
    if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
        hint = "set maxmemory-policy noeviction: else facts are gone when memory runs out"
        return [HealthCheck("facts", "warn", f"{message}, and may forget them", hint, ms=ms)]
    return [HealthCheck("facts", "ok", message, ms=ms)]


def _queues(app: Celery, ledger: Ledger, settings: Settings, timeout_s: float) -> list[HealthCheck]:
    """Workers, silence, canaries and backlog."""
    domains = {queue_name(domain, bulk=bulk): domain for domain in sorted(ledger.domains()) for bulk in (False, True)}
    if not domains:
        return [HealthCheck("workers", "fail", "no domain is active", "a worker publishes its rulesets at its start")]
    look = _look(app, settings, domains)
    if not all(look.takers(name) for name in domains):
        # Who has much to do answers late.
        look = _look(app, settings, domains, patience_s=_PATIENCE_S)
    manned = {name: domain for name, domain in domains.items() if look.takers(name)}
    silent = _silent(app, settings, domains, look)
    findings = [
        HealthCheck("workers", "fail", "no worker takes from it", f"run '{_command(name, domain)}'", subject=name)
        for name, domain in domains.items()
        if name not in manned
    ]
    if not findings:
        findings = [HealthCheck("workers", "ok", f"{len(look.workers)} workers take from {len(domains)} queues")]
    findings += silent or [HealthCheck("silence", "ok", "no worker is idle while its queues hold messages")]
    # A queue that nobody takes from gets none: they would gather there.
    mute = {finding.subject for finding in silent}
    heard = {name: domain for name, domain in manned.items() if {w.name for w in look.takers(name)} - mute}
    for name, flight in send_probes(app, heard, timeout_s=timeout_s).items():
        findings.append(_canary(app, settings, domains, look, name, flight, timeout_s))
    return [*findings, _backlog(look, settings)]


def _look(app: Celery, settings: Settings, domains: dict[str, str], *, patience_s: float = 1.0) -> _Look:
    # Depths first: a worker that begins between the two questions is then seen busy, not idle.
    return _Look(queue_depths(app, [*domains, CONTROL_QUEUE]), worker_states(settings, timeout_s=patience_s))


def _silent(app: Celery, settings: Settings, domains: dict[str, str], first: _Look) -> list[HealthCheck]:
    idle = first.idle()
    if not idle:
        return []
    time.sleep(_BETWEEN_LOOKS_S)
    second = _look(app, settings, domains)
    again = second.idle()
    return [
        HealthCheck(
            "silence",
            "fail",
            f"takes nothing, though {_waiting(second, worker)}",
            f"it ends itself after {settings.stall_timeout_s:g} s; if it does not, restart it",
            subject=worker.name,
        )
        for worker in second.workers
        if worker.name in idle and again.get(worker.name) == idle[worker.name]
    ]


def _waiting(look: _Look, worker: WorkerState) -> str:
    held = [f"{look.depths[name]:,} in {name}" for name in worker.queues if look.depths.get(name)]
    return f"messages wait: {', '.join(held)}"


def _canary(
    app: Celery,
    settings: Settings,
    domains: dict[str, str],
    before: _Look,
    name: str,
    flight: ProbeResult,
    timeout_s: float,
) -> HealthCheck:
    if flight.failure:
        return HealthCheck("canary", "fail", flight.failure, "see the worker's log", subject=name, ms=flight.ms)
    if flight.ms is not None:
        return HealthCheck("canary", "ok", f"{flight.ms:.0f} ms through {flight.worker}", subject=name, ms=flight.ms)
    if not keeps_results(app):
        return HealthCheck(
            "canary", "warn", "sent; this broker keeps no results that tell how it fared", "set RULEFARM_RESULT_URL",
            subject=name,
        )  # fmt: skip
    after = _look(app, settings, domains)
    done = {worker.name: worker.done for worker in before.takers(name)}
    if any(worker.busy or worker.done != done.get(worker.name) for worker in after.takers(name)):
        message = f"not through in {timeout_s:g} s: {after.depths[name]:,} messages wait, and its workers are at work"
        return HealthCheck("canary", "warn", message, "wait, or add workers", subject=name)
    return HealthCheck("canary", "fail", f"not through in {timeout_s:g} s", "see the logs of its workers", subject=name)


def _backlog(look: _Look, settings: Settings) -> HealthCheck:
    name, depth = max(look.depths.items(), key=lambda item: item[1])
    limit = settings.queue_limit
    if depth >= limit:
        message = f"holds {depth:,} messages: its limit is {limit:,}, so that single jobs are refused"
        return HealthCheck("backlog", "warn", message, "add workers, or raise RULEFARM_QUEUE_LIMIT", subject=name)
    return HealthCheck("backlog", "ok", f"at most {depth:,} messages in a queue, of {limit:,}")


def _reconciler(ledger: Ledger, settings: Settings) -> HealthCheck:
    run = last_reconciled(ledger.engine)
    late_s = max(_LATE_INTERVALS * settings.reconcile_interval_s, _LATE_S)
    if run is None:
        return HealthCheck("reconciler", "fail", "has never run", "run 'rulefarm beat'; the first run takes a moment")
    message = f"ran {run.age_s:.0f} s ago and sent {run.sent:,} messages again"
    if run.age_s > late_s:
        return HealthCheck("reconciler", "fail", message, "run 'rulefarm beat', and workers that are not all busy")
    return HealthCheck("reconciler", "ok", message)


def _dead_letters(ledger: Ledger) -> HealthCheck:
    counts = count_dead_letters(ledger.engine)
    if not counts:
        return HealthCheck("dead-letters", "ok", "none")
    by_domain = ", ".join(f"{domain or 'of no domain'} {count:,}" for domain, count in counts.items())
    return HealthCheck(
        "dead-letters", "warn", f"{sum(counts.values()):,} in all: {by_domain}", "see 'rulefarm dead list'"
    )


def _command(name: str, domain: str) -> str:
    return f"rulefarm worker --domains {domain}{' --queue bulk' if name == queue_name(domain, bulk=True) else ''}"
