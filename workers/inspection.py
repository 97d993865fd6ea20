"""Look at a running farm.  broker -> [inspection] -> queue depths, worker states

Asks the broker how long its queues are and the workers what they do; changes nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from rulefarm.bell import CONNECT_TIMEOUT_S, broker_unreachable, create_app
from rulefarm.routing import CONTROL_QUEUE, queue, queue_name
from rulefarm.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker that answered."""

    name: str
    #: Processes in its pool now.
    processes: int
    #: Tasks it works on now.
    busy: int
    #: Tasks it has finished since it started.
    done: int
    queues: list[str]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def queue_depths(settings: Settings, domains: list[str]) -> dict[str, int]:
    """Messages that wait in each queue, by its name.

    Args:
        settings: where the broker is.
        domains: whose queues.

    Raises:
        BrokerUnreachable: no answer.
    """
    names = [queue_name(domain, bulk=bulk) for domain in domains for bulk in (False, True)]
    app = create_app(settings)
    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_TIMEOUT_S)
            return {name: _depth(connection, name) for name in [*names, CONTROL_QUEUE]}
    except (OperationalError, OSError) as error:
        raise broker_unreachable(app, error) from error


def _depth(connection: Any, name: str) -> int:
    # A channel a question: RabbitMQ closes it when the answer is no.
    with connection.channel() as channel:
        try:
            return int(queue(name)(channel).queue_declare(passive=True).message_count)
        except connection.channel_errors:
            # Nobody has used it yet, or, on Redis, where an empty list is none, it is empty.
            return 0


def worker_states(settings: Settings, *, timeout_s: float = 1.0) -> list[WorkerState]:
    """The workers that answer, by name.

    Args:
        settings: where the broker is.
        timeout_s: how long to wait for answers; every worker that is alive answers in milliseconds.

    Raises:
        BrokerUnreachable: the broker does not answer.
    """
    app: Celery = create_app(settings)
    try:
        inspect = app.control.inspect(timeout=timeout_s)
        stats = inspect.stats() or {}
        if not stats:
            return []
        inspect = app.control.inspect(destination=list(stats), timeout=timeout_s, limit=len(stats))
        active, queues = inspect.active() or {}, inspect.active_queues() or {}
    except (OperationalError, OSError) as error:
        raise broker_unreachable(app, error) from error
    return [
        WorkerState(
            name=name,
            processes=len(stats[name].get("pool", {}).get("processes", [])),
            busy=len(active.get(name, [])),
            done=sum(stats[name].get("total", {}).values()),
            queues=sorted(taken["name"] for taken in queues.get(name, [])),
        )
        for name in sorted(stats)
    ]
