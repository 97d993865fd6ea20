"""The signals of a farm as Prometheus reads them.  signals -> [metrics] -> text of version 0.0.4 -> a web server

`answer` is what is mounted wherever somebody scrapes: behind `rulefarm metrics`, or beside other paths. Database or
broker that are away, or say nothing, make no error, but a farm of which less is told, and in time."""

import errno
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from rulefarm.errors import DatabaseUnreachable, SettingsError
from rulefarm.routing import CONTROL_QUEUE
from store.open_work import OpenWork
from store.verdict_totals import ANSWER_S, EVALUATION_S, Tally, VerdictKind
from workers.monitoring.signals import DomainSignals, SignalReader, Signals

log = logging.getLogger("rulefarm.metrics")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KINDS = {False: "job", True: "row"}
#: Seconds for which a scrape waits for the ledger: Prometheus gives one ten, and some give it five.
_PATIENCE_S = 4.0


class FarmCollector:
    """What prometheus_client asks on every scrape.

    Args:
        reader: of the farm.
    """

    def __init__(self, reader: SignalReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        #: What is under way, or was last.
        self._reading: Future[Signals] | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked of the farm before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics of now."""
        up = GaugeMetricFamily("rulefarm_up", "Whether it answers the exporter: 1 or 0.", labels=["part"])
        try:
            signals = self._begun().result(_PATIENCE_S)
        except (DatabaseUnreachable, TimeoutError) as error:
            log.warning("%s", error if str(error) else f"Postgres has not told all within {_PATIENCE_S:g} s")
            depths = self._reader.depths()
            up.add_metric(["database"], 0)
            up.add_metric(["broker"], int(bool(depths)))
            yield up
            yield _queue_messages(depths)
            return
        up.add_metric(["database"], 1)
        up.add_metric(["broker"], int(signals.control_messages is not None))
        yield up
        yield from _of_queues(signals)
        yield from _of_domains(signals)
        yield from _of_verdicts(signals.verdicts)
        yield from _of_workers(signals)
        yield from _of_duties(signals)

    def _begun(self) -> "Future[Signals]":
        """A reading: one that takes its time is waited for by the next scrape, too."""
        with self._lock:
            if self._reading is None or self._reading.done():
                self._reading = Future()
                # A daemon: whoever stops the process waits for no Postgres.
                reading = threading.Thread(target=self._read, args=(self._reading,), name="signals", daemon=True)
                reading.start()
            return self._reading

    def _read(self, reading: "Future[Signals]") -> None:
        try:
            reading.set_result(self._reader.read())
        except Exception as error:  # Whatever it is, it is for who waits.
            reading.set_exception(error)


def registry_of(reader: SignalReader) -> CollectorRegistry:
    """What answers scrapes, and is kept from one to the next."""
    registry = CollectorRegistry()
    registry.register(FarmCollector(reader))
    return registry


def answer(registry: CollectorRegistry) -> tuple[str, bytes]:
    """What is answered to a scrape: content type and body."""
    return CONTENT_TYPE, generate_latest(registry)


def serve_metrics(reader: SignalReader, address: str, port: int) -> tuple[int, threading.Thread]:
    """Answer scrapes on a port, from a thread, until the process ends.

    Args:
        reader: of the farm.
        address: to listen on.
        port: likewise; 0: any that is free.

    Returns:
        The port, and the thread.

    Raises:
        SettingsError: it can't listen there.
    """
    try:
        server, thread = start_http_server(port, address, registry_of(reader))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise SettingsError(
            "bad-setting",
            f"the exporter can't listen on {address}:{port}: {error.strerror or error}",
            "give it another --port" if taken else "give it an --address of this machine",
        ) from error
    return int(server.server_port), thread


def _gauge(name: str, text: str, labels: list[str], samples: Iterable[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"rulefarm_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _queue_messages(depths: Mapping[str, int]) -> Metric:
    samples = (([name], depth) for name, depth in depths.items())
    return _gauge("queue_messages", "Messages that wait in a queue of the broker.", ["queue"], samples)


def _of_queues(signals: Signals) -> Iterator[Metric]:
    depths = {name: depth for domain in signals.domains for name, depth in domain.messages.items()}
    if signals.control_messages is not None:
        depths[CONTROL_QUEUE] = signals.control_messages
    yield _queue_messages(depths)
    yield _gauge("queue_limit", "Jobs that may wait for one queue.", [], [([], signals.queue_limit)])
    told = {
        "open_jobs": ("Jobs without a verdict.", "jobs"),
        "open_chunks": ("Chunks of batches without their verdicts.", "chunks"),
        "open_rows": ("Rows of batches in chunks without their verdicts.", "rows"),
        "leased": ("Open jobs and chunks of which somebody holds the lease.", "leased"),
        "open_attempts": ("Attempts that were counted at what is open.", "attempts"),
        "oldest_age_seconds": ("Age of the oldest job or chunk without a verdict.", "age_s"),
    }
    works = [(domain.domain, kind, work) for domain in signals.domains for kind, work in _by_queue(domain)]
    for name, (text, attribute) in told.items():
        samples = (([domain, kind], getattr(work, attribute) if work else 0) for domain, kind, work in works)
        yield _gauge(name, text, ["domain", "queue"], samples)


def _by_queue(domain: DomainSignals) -> list[tuple[str, OpenWork | None]]:
    return [("interactive", domain.interactive), ("bulk", domain.bulk)]


def _of_domains(signals: Signals) -> Iterator[Metric]:
    submitted = CounterMetricFamily("rulefarm_jobs", "Jobs submitted.", labels=["domain"])
    for domain in signals.domains:
        submitted.add_metric([domain.domain], domain.submitted)
    yield submitted
    yield _gauge(
        "dead_letters", "Dead letters on record.", ["domain"],
        [([name], number) for name, number in ({d.domain: 0 for d in signals.domains} | signals.dead_letters).items()],
    )  # fmt: skip
    yield _gauge(
        "drain_seconds", "Seconds until nothing is open, at the pace of the last minute, if nothing comes.", ["domain"],
        (([domain.domain], domain.drain_s) for domain in signals.domains),
    )  # fmt: skip
    yield _gauge(
        "ruleset_info", "The active ruleset of a domain.", ["domain", "digest"],
        (([domain.domain, domain.digest], 1) for domain in signals.domains),
    )  # fmt: skip


def _of_verdicts(verdicts: dict[VerdictKind, Tally]) -> Iterator[Metric]:
    total = CounterMetricFamily("rulefarm_verdicts", "Verdicts on record.", labels=["domain", "outcome", "kind"])
    by_kind: dict[tuple[str, bool], Tally] = {}
    for kind, tally in sorted(verdicts.items()):
        total.add_metric([kind.domain, kind.outcome, _KINDS[kind.batch]], tally.number)
        place = kind.domain, kind.batch
        by_kind[place] = by_kind.get(place, Tally.none()).plus(tally)
    yield total
    evaluation = HistogramMetricFamily(
        "rulefarm_evaluation_seconds", "Time that the engine took.", labels=["domain", "kind"]
    )
    latency = HistogramMetricFamily(
        "rulefarm_latency_seconds", "Time from submission to evaluation.", labels=["domain", "kind"]
    )
    for (domain, batch), tally in by_kind.items():
        labels = [domain, _KINDS[batch]]
        evaluation.add_metric(labels, _buckets(EVALUATION_S, tally.evaluations), tally.evaluation_s)
        latency.add_metric(labels, _buckets(ANSWER_S, tally.answers), tally.answer_s)
    yield evaluation
    yield latency


def _buckets(ends: tuple[float, ...], numbers: tuple[int, ...]) -> list[tuple[str, float]]:
    """As Prometheus has them: each holds those before it."""
    names = [*(f"{end:g}" for end in ends), "+Inf"]
    return [(name, sum(numbers[: i + 1])) for i, name in enumerate(names)]


def _of_workers(signals: Signals) -> Iterator[Metric]:
    yield _gauge(
        "worker_ruleset_info", "The ruleset that a worker judged by last.", ["worker", "domain", "digest"],
        (([worker, domain, digest], 1) for (worker, domain), digest in signals.rulesets.items()),
    )  # fmt: skip
    yield _gauge(
        "worker_verdicts_per_second", "Verdicts of a worker in the last minute.", ["worker", "domain"],
        (([worker, domain], pace) for (worker, domain), pace in signals.pace.items()),
    )  # fmt: skip


def _of_duties(signals: Signals) -> Iterator[Metric]:
    run = signals.reconciler
    if run is not None:
        yield _gauge("reconciler_age_seconds", "Time since its last run.", [], [([], run.age_s)])
        yield _gauge("reconciler_sent", "Messages that its last run sent again.", [], [([], run.sent)])
    yield _gauge("reconciler_late_seconds", "Age from which on it is late.", [], [([], signals.late_s)])
    domains: dict[str, Any] = dict.fromkeys((domain.domain for domain in signals.domains), 0)
    overdue, failed = dict(domains), dict(domains)
    for duty in signals.overdue:
        overdue[duty.domain] = overdue.get(duty.domain, 0) + 1
    for batch in signals.failed_batches:
        failed[batch["domain"]] = failed.get(batch["domain"], 0) + 1
    yield _gauge(
        "overdue_duties", "Nightlies that are overdue or were given up.", ["domain"],
        (([name], number) for name, number in overdue.items()),
    )  # fmt: skip
    yield _gauge(
        "failed_batches", "Batches that failed, and after which none was done.", ["domain"],
        (([name], number) for name, number in failed.items()),
    )  # fmt: skip
