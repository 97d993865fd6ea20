"""Send a probe task to queues and wait for the answers.  queues -> [probes] -> broker -> a worker -> Celery results

The result of one that was answered is deleted, so that nothing is left of it; one that is taken later is harmless. None
expires: that would be a moment of this host's clock, and a worker's may be ahead. What a probe does in the worker is
`tasks.probe`."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from celery import Celery
from celery.backends.base import DisabledBackend

from rulefarm.messaging import CONNECT_TIMEOUT_S, call_broker, queue
from tasks.probe import PROBE_AS_SENT

#: Seconds between two looks for a result.
_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer to one probe."""

    #: Milliseconds from its sending to its result; None: there was none in time.
    ms: float | None
    #: Name of the worker that took it; empty if it failed, or there is no result.
    worker: str = ""
    #: What went wrong there; empty if nothing did.
    failure: str = ""


def send_probes(app: Celery, queues: Mapping[str, str], *, timeout_s: float) -> dict[str, ProbeResult]:
    """Send one probe to each queue, and wait until all are answered.

    Args:
        app: from `rulefarm.messaging.create_app`; without a result backend nothing is waited for.
        queues: name of the queue to its domain.
        timeout_s: seconds to wait.

    Returns:
        The answers, by the queue's name.

    Raises:
        BrokerUnreachable: the broker does not answer.
    """

    def send_and_wait() -> dict[str, ProbeResult]:
        sent = {name: _send(app, name, domain) for name, domain in queues.items()}
        return _await(app, sent, timeout_s) if keeps_results(app) else {name: ProbeResult(None) for name in sent}

    return call_broker(app, send_and_wait)


def keeps_results(app: Celery) -> bool:
    """Whether a task's result can be asked for."""
    return not isinstance(app.backend, DisabledBackend)


def _send(app: Celery, name: str, domain: str) -> tuple[str, float]:
    task_id = str(uuid.uuid4())
    with app.producer_pool.acquire(block=True, timeout=CONNECT_TIMEOUT_S) as producer:
        producer.connection.ensure_connection(max_retries=1, timeout=CONNECT_TIMEOUT_S)
        # Not `send_task`, which would subscribe to the result: it is polled, as by whoever waits for a verdict.
        message = app.amqp.create_task_message(task_id, PROBE_AS_SENT, (), {"domain": domain})
        message.headers.update(app.farm_headers)
        began = time.perf_counter()
        app.amqp.send_task_message(
            producer, PROBE_AS_SENT, message, queue=queue(name), retry=False, declare=[queue(name)]
        )
    return task_id, began


def _await(app: Celery, sent: Mapping[str, tuple[str, float]], timeout_s: float) -> dict[str, ProbeResult]:
    give_up = time.perf_counter() + timeout_s
    results = {name: ProbeResult(None) for name in sent}
    missing = set(sent)
    while missing and time.perf_counter() < give_up:
        for name in sorted(missing):
            task_id, began = sent[name]
            meta = app.backend.get_task_meta(task_id)
            if meta["status"] in ("SUCCESS", "FAILURE"):
                ms = (time.perf_counter() - began) * 1000
                answer = meta["result"]
                if meta["status"] == "SUCCESS":
                    results[name] = ProbeResult(ms, worker=answer["worker"])
                else:
                    results[name] = ProbeResult(ms, failure=str(answer))
                app.backend.forget(task_id)
                missing.discard(name)
        if missing:
            time.sleep(_POLL_S)
    return results
