"""States of the workers of a running farm.  broker -> [inspection] -> WorkerState

Asks the workers over the broker what they do; changes nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from celery import Celery

from rulefarm.messaging import call_broker, create_app
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


def worker_states(settings: Settings, *, timeout_s: float = 1.0) -> list[WorkerState]:
    """The workers that answer, by name.

    Args:
        settings: where the broker is.
        timeout_s: how long to wait for answers; a worker that runs answers in milliseconds.

    Raises:
        BrokerUnreachable: the broker does not answer.
    """
    app: Celery = create_app(settings)
    stats, active, queues = call_broker(app, lambda: _answers(app, timeout_s))
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


def _answers(app: Celery, timeout_s: float) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    stats = app.control.inspect(timeout=timeout_s).stats() or {}
    if not stats:
        return {}, {}, {}
    inspect = app.control.inspect(destination=list(stats), timeout=timeout_s, limit=len(stats))
    return stats, inspect.active() or {}, inspect.active_queues() or {}
