"""States of the workers of a running farm.  broker -> [inspection] -> WorkerState

Asks the workers over the broker what they do; changes nothing."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.transport.virtual import Channel

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


def worker_states(settings: Settings, *, timeout_s: float = 1.0, app: Celery | None = None) -> list[WorkerState]:
    """The workers that answer, by name.

    Args:
        settings: where the broker is.
        timeout_s: how long to wait for answers; a worker that runs answers in milliseconds.
        app: that the broker is asked with. Default: one of its own.

    Raises:
        BrokerUnreachable: the broker does not answer.
    """
    asks: Celery = create_app(settings) if app is None else app
    stats, active, queues = call_broker(asks, lambda: _answers(asks, timeout_s))
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


class _AllAnswered(Exception):
    """As many workers have answered as were asked."""


def _answers(app: Celery, timeout_s: float) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    with app.connection_for_write() as connection:
        stats = _stats(app, connection, timeout_s)
        if not stats:
            return {}, {}, {}
        inspect = app.control.inspect(
            destination=list(stats), timeout=timeout_s, limit=len(stats), connection=connection
        )
        return stats, inspect.active() or {}, inspect.active_queues() or {}


def _stats(app: Celery, connection: Connection, timeout_s: float) -> dict[str, Any]:
    """The statistics of each worker; waits until all have answered that Redis gave the question to, no longer."""
    stats: dict[str, Any] = {}
    receivers, drain = _receivers(connection.default_channel), connection.drain_events

    def drain_until_all_answered(**options: Any) -> Any:
        # Of no worker there is nothing to wait for; asked before each wait, the first too.
        if receivers and len(stats) >= receivers[-1]:
            raise _AllAnswered
        return drain(**options)

    # Without the pool, from which it would publish over another connection than the one that is watched.
    mailbox = app.control.mailbox(connection)
    mailbox.producer_pool = None
    connection.drain_events = drain_until_all_answered
    try:
        with suppress(_AllAnswered):
            mailbox.multi_call("stats", timeout=timeout_s, callback=stats.update)
    finally:
        connection.drain_events = drain
    return stats


def _receivers(channel: Channel) -> list[int]:
    """To how many subscribers each message went that is published on this channel from now on; RabbitMQ does not say.

    Redis answers with their number, which kombu drops."""
    numbers: list[int] = []
    make = getattr(channel, "Client", None)
    if make is not None:

        def counting(**options: Any) -> Any:
            client = make(**options)
            publish = client.publish

            def counted(*message: Any) -> int:
                numbers.append(publish(*message))
                return numbers[-1]

            client.publish = counted
            return client

        channel.Client = counting
    return numbers
