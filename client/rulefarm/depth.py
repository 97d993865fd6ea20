"""How many messages wait.  queue names -> [depth] -> broker -> a count each

For the status page, and for the reconciler, which leaves alone what is only waiting for its turn."""

from collections.abc import Collection
from typing import Any

from celery import Celery

from rulefarm.bell import CONNECT_TIMEOUT_S, asked
from rulefarm.routing import queue


def queue_depths(app: Celery, names: Collection[str]) -> dict[str, int]:
    """Messages that wait in each queue, by its name.

    Args:
        app: from `rulefarm.bell.create_app`.
        names: of the queues; one that nobody has used yet is empty.

    Raises:
        BrokerUnreachable: no answer.
    """
    return asked(app, lambda: _depths(app, names))


def _depths(app: Celery, names: Collection[str]) -> dict[str, int]:
    with app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, timeout=CONNECT_TIMEOUT_S)
        return {name: _depth(connection, name) for name in names}


def _depth(connection: Any, name: str) -> int:
    # A channel a question: RabbitMQ closes it when the answer is no.
    with connection.channel() as channel:
        try:
            return int(queue(name)(channel).queue_declare(passive=True).message_count)
        except connection.channel_errors:
            # Nobody has used it yet, or, on Redis, where an empty list is none, it is empty.
            return 0
