"""Health checks of a whole farm.  broker, database, workers -> [doctor] -> HealthCheck

Works from outside, as a producer would: everything that a job needs on its way to a verdict is tried once. Leaves no
job and no verdict, and repairs nothing: every check that is not ok says what to do."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from celery import Celery
from sqlalchemy import Engine

from rulefarm.database import SHORT_S, FarmIdentity, active_digests, connect
from rulefarm.errors import FarmUnreachable, SettingsError
from rulefarm.messaging import call_broker, create_app, queue_depths, refuse_cluster
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.routing import CONTROL_QUEUE, queue_name
from rulefarm.settings import Settings
from rulesets.recorded import recorded_schema
from store.health import answer_ms
from store.ruleset_versions import active_sources
from workers.monitoring.copy_checks import check_copies
from workers.monitoring.health_check import HealthCheck
from workers.monitoring.inspection import WorkerState, worker_states
from workers.monitoring.probes import ProbeResult, keeps_results, send_probes
from workers.monitoring.row_checks import (
    check_batches,
    check_beats,
    check_dead_letters,
    check_duties,
    check_migrations,
    check_partitions,
    check_privileges,
    check_reconciler,
)
from workers.monitoring.rulesets_by_region import check_regions
from workers.monitoring.worker_checks import check_described

#: Seconds that a worker gets between two looks: one that takes messages takes the next in milliseconds.
_BETWEEN_LOOKS_S = 2.0
#: Seconds that workers get to answer when a queue seems to have none.
_PATIENCE_S = 4.0


@dataclass(frozen=True, slots=True)
class _FarmState:
    """Queues and workers at one moment."""

    depths: dict[str, int]
    workers: list[WorkerState]

    def workers_of(self, name: str) -> list[WorkerState]:
        """The workers that take from a queue."""
        return [worker for worker in self.workers if name in worker.queues]

    def idle(self) -> dict[str, int]:
        """Workers that do nothing although a queue of theirs holds messages, with how much they have done so far."""
        return {
            worker.name: worker.done
            for worker in self.workers
            if not worker.busy and any(self.depths.get(name) for name in worker.queues)
        }


def examine(settings: Settings, *, timeout_s: float) -> list[HealthCheck]:
    """Carry out every check.

    Args:
        settings: where the farm is.
        timeout_s: seconds that a probe gets.

    Returns:
        One or more of each check; the farm is well if none has the status `fail`.

    Raises:
        SettingsError: no broker or no database is named.
    """
    app = create_app(settings)
    engine = connect(settings, silence_s=SHORT_S)
    app.farm_id = FarmIdentity(engine)
    refuse_cluster(app)
    try:
        broker = _answer("broker", lambda: _broker_ms(app))
        database = _answer("database", lambda: answer_ms(engine))
        checks = [broker, database]
        if database.status == "ok":
            checks += _guarded("migrations", lambda: check_migrations(engine))
        if "fail" in {check.status for check in checks}:
            return [*checks, HealthCheck("probe", "skip", "not sent: what it needs is not well")]
        checks += _guarded("privileges", lambda: check_privileges(engine))
        checks += _guarded("partitions", lambda: check_partitions(engine))
        checks += _guarded("broker-memory", lambda: _broker_memory(app))
        checks += _guarded("facts", lambda: _facts(engine, settings))
        checks += _guarded("workers", lambda: _queues(app, engine, settings, timeout_s))
        checks += _guarded("reconciler", lambda: [check_reconciler(engine, settings)])
        checks += _guarded("beats", lambda: [check_beats(engine, settings)])
        checks += _guarded("duties", lambda: check_duties(engine, settings))
        checks += check_regions(settings)
        checks += _guarded("copies", lambda: check_copies(engine, settings))
        checks += _guarded("batches", lambda: check_batches(engine))
        return [*checks, *_guarded("dead-letters", lambda: [check_dead_letters(engine)])]
    finally:
        app.close()
        engine.dispose()


def _broker_ms(app: Celery) -> float:
    # Twice: the first time the transport is loaded, too.
    queue_depths(app, [CONTROL_QUEUE])
    began = time.perf_counter()
    queue_depths(app, [CONTROL_QUEUE])
    return (time.perf_counter() - began) * 1000


def _broker_memory(app: Celery) -> list[HealthCheck]:
    """Whether the broker may drop messages when its memory runs out; nothing where it does not say."""

    def policy() -> str | None:
        with app.connection_for_read() as connection:
            client = getattr(connection.default_channel, "client", None)
            try:
                return client.info("memory").get("maxmemory_policy") if client is not None else None
            except redis.ResponseError:
                # Whoever runs it does not let everybody ask.
                return None

    found = call_broker(app, policy)
    if found is None:
        return []
    if found != "noeviction":
        message = f"its maxmemory-policy is {found}: it drops messages without a word when its memory runs out"
        return [HealthCheck("broker-memory", "warn", message, "set maxmemory-policy noeviction")]
    return [HealthCheck("broker-memory", "ok", "the broker drops nothing when its memory runs out")]


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


def _facts(engine: Engine, settings: Settings) -> list[HealthCheck]:
    """Whether Redis holds the shared facts; nothing where no domain shares any."""
    schemas = {domain: recorded_schema(sources) for domain, sources in active_sources(engine).items()}
    sharing = [domain for domain, schema in schemas.items() if schema is not None and schema.is_shared]
    if not sharing:
        return []
    try:
        facts = ReferenceFacts(settings.require_facts())
    except SettingsError as error:
        return [HealthCheck("facts", "fail", error.message, error.hint)]
    try:
        with facts.reachable():
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


def _queues(app: Celery, engine: Engine, settings: Settings, timeout_s: float) -> list[HealthCheck]:
    """Workers, stalls, probes, backlog, clocks and rulesets."""
    domains = {
        queue_name(domain, bulk=bulk): domain for domain in sorted(active_digests(engine)) for bulk in (False, True)
    }
    if not domains:
        return [
            HealthCheck("workers", "fail", "no domain is active", "run 'rulefarm rules publish', or start a worker")
        ]
    state = _farm_state(app, settings, domains)
    if not all(state.workers_of(name) for name in domains):
        # A worker that has much to do answers late.
        state = _farm_state(app, settings, domains, patience_s=_PATIENCE_S)
    served = {name: domain for name, domain in domains.items() if state.workers_of(name)}
    stalled = _stalled(app, settings, domains, state)
    checks = [
        HealthCheck("workers", "fail", "no worker takes from it", f"run '{_command(name, domain)}'", subject=name)
        for name, domain in domains.items()
        if name not in served
    ]
    if not checks:
        checks = [HealthCheck("workers", "ok", f"{len(state.workers)} workers take from {len(domains)} queues")]
    checks += stalled or [HealthCheck("stall", "ok", "no worker is idle while its queues hold messages")]
    # A queue that nobody takes from gets none: they would gather there.
    names = {check.subject for check in stalled}
    working = {name: domain for name, domain in served.items() if {w.name for w in state.workers_of(name)} - names}
    for name, result in send_probes(app, working, timeout_s=timeout_s).items():
        checks.append(_probe(app, settings, domains, state, name, result, timeout_s))
    return [*checks, _backlog(state, settings), *check_described(app, engine, state.workers)]


def _farm_state(app: Celery, settings: Settings, domains: dict[str, str], *, patience_s: float = 1.0) -> _FarmState:
    # Depths first: a worker that begins between the two questions is then seen busy, not idle.
    return _FarmState(queue_depths(app, [*domains, CONTROL_QUEUE]), worker_states(settings, timeout_s=patience_s))


def _stalled(app: Celery, settings: Settings, domains: dict[str, str], first: _FarmState) -> list[HealthCheck]:
    idle = first.idle()
    if not idle:
        return []
    time.sleep(_BETWEEN_LOOKS_S)
    second = _farm_state(app, settings, domains)
    again = second.idle()
    return [
        HealthCheck(
            "stall",
            "fail",
            f"takes nothing, though {_waiting(second, worker)}",
            f"it ends itself after {settings.stall_timeout_s:g} s; if it does not, restart it",
            subject=worker.name,
        )
        for worker in second.workers
        if worker.name in idle and again.get(worker.name) == idle[worker.name]
    ]


def _waiting(state: _FarmState, worker: WorkerState) -> str:
    held = [f"{state.depths[name]:,} in {name}" for name in worker.queues if state.depths.get(name)]
    return f"messages wait: {', '.join(held)}"


def _probe(
    app: Celery,
    settings: Settings,
    domains: dict[str, str],
    before: _FarmState,
    name: str,
    result: ProbeResult,
    timeout_s: float,
) -> HealthCheck:
    if result.failure:
        return HealthCheck("probe", "fail", result.failure, "see the worker's log", subject=name, ms=result.ms)
    if result.ms is not None:
        return HealthCheck("probe", "ok", f"{result.ms:.0f} ms through {result.worker}", subject=name, ms=result.ms)
    if not keeps_results(app):
        return HealthCheck(
            "probe", "warn", "sent; this broker keeps no results, so its answer can't be seen",
            "set RULEFARM_RESULT_URL", subject=name,
        )  # fmt: skip
    after = _farm_state(app, settings, domains)
    done = {worker.name: worker.done for worker in before.workers_of(name)}
    if any(worker.busy or worker.done != done.get(worker.name) for worker in after.workers_of(name)):
        message = f"not through in {timeout_s:g} s: {after.depths[name]:,} messages wait, and its workers are at work"
        return HealthCheck("probe", "warn", message, "wait, or add workers", subject=name)
    return HealthCheck("probe", "fail", f"not through in {timeout_s:g} s", "see the logs of its workers", subject=name)


def _backlog(state: _FarmState, settings: Settings) -> HealthCheck:
    name, depth = max(state.depths.items(), key=lambda item: item[1])
    limit = settings.queue_limit
    if depth >= limit:
        message = f"holds {depth:,} messages: its limit is {limit:,}, so that single jobs are refused"
        return HealthCheck("backlog", "warn", message, "add workers, or raise RULEFARM_QUEUE_LIMIT", subject=name)
    return HealthCheck("backlog", "ok", f"at most {depth:,} messages in a queue, of {limit:,}")


def _command(name: str, domain: str) -> str:
    return f"rulefarm worker --domains {domain}{' --queue bulk' if name == queue_name(domain, bulk=True) else ''}"
