"""Send canaries to queues and wait for them.  queues -> [canaries] -> broker -> a worker -> Celery results

A canary that nobody takes expires; one that came through is forgotten, so that nothing is left of either."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from celery import Celery
from celery.backends.base import DisabledBackend

from rulefarm.messaging import CONNECT_TIMEOUT_S, call_broker
from rulefarm.routing import queue
from tasks.probe import PROBE_AS_SENT

#: Seconds between two looks for a result.
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How a canary fared."""

    #: Milliseconds from its sending to its result; None: there is none yet.
    ms: float | None
    #: Name of the worker that took it; empty if that is not known.
    worker: str = ""
    #: What went wrong there; empty if nothing did.
    failure: str = ""


def send_probes(app: Celery, queues: Mapping[str, str], *, timeout_s: float) -> dict[str, ProbeResult]:
    """Send one canary to each queue, and wait until all are back.

    Args:
        app: from `rulefarm.messaging.broker.create_app`; without a result backend nothing is waited for.
        queues: name of the queue to the domain that it is of.
        timeout_s: seconds to wait; what is not taken by then expires.

    Returns:
        How each fared, by the queue's name.

    Raises:
        BrokerUnreachable: the broker does not answer.
    """

    def flown() -> dict[str, ProbeResult]:
        sent = {name: _send(app, name, domain, timeout_s) for name, domain in queues.items()}
        return _await(app, sent, timeout_s) if keeps_results(app) else {name: ProbeResult(None) for name in sent}

    return call_broker(app, flown)


def keeps_results(app: Celery) -> bool:
    """Whether a task's result can be asked for."""
    return not isinstance(app.backend, DisabledBackend)


def _send(app: Celery, name: str, domain: str, timeout_s: float) -> tuple[str, float]:
    task_id = str(uuid.uuid4())
    with app.producer_pool.acquire(block=True, timeout=CONNECT_TIMEOUT_S) as producer:
        producer.connection.ensure_connection(max_retries=1, timeout=CONNECT_TIMEOUT_S)
        # Not `send_task`, which would subscribe to the result: it is polled, as by whoever waits for a verdict.
        message = app.amqp.create_task_message(task_id, PROBE_AS_SENT, (), {"domain": domain}, expires=timeout_s)
        began = time.perf_counter()
        app.amqp.send_task_message(
            producer, PROBE_AS_SENT, message, queue=queue(name), retry=False, declare=[queue(name)]
        )
    return task_id, began


def _await(app: Celery, sent: Mapping[str, tuple[str, float]], timeout_s: float) -> dict[str, ProbeResult]:
    give_up = time.perf_counter() + timeout_s
    flights = {name: ProbeResult(None) for name in sent}
    missing = set(sent)
    while missing and time.perf_counter() < give_up:
        for name in sorted(missing):
            task_id, began = sent[name]
            meta = app.backend.get_task_meta(task_id)
            if meta["status"] in ("SUCCESS", "FAILURE"):
                ms = (time.perf_counter() - began) * 1000
                back = meta["result"]
                if meta["status"] == "SUCCESS":
                    flights[name] = ProbeResult(ms, worker=back["worker"])
                else:
                    flights[name] = ProbeResult(ms, failure=str(back))
                app.backend.forget(task_id)
                missing.discard(name)
        if missing:
            time.sleep(_LOOK_S)
    return flights
