"""How many messages wait.  queue names -> [depth] -> broker -> a count each

For the status page, and for the reconciler, which leaves alone what is only waiting for its turn."""

from collections.abc import Collection

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
    depths = {}
    with app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, timeout=CONNECT_TIMEOUT_S)
        channel = connection.channel()
        for name in names:
            try:
                depths[name] = int(queue(name)(channel).queue_declare(passive=True).message_count)
            except connection.channel_errors:
                # Nobody has used it yet, or, on Redis, where an empty list is none, it is empty.
                depths[name] = 0
                # RabbitMQ closes a channel when the answer is no; on Redis, where one is a connection, it stays.
                if getattr(channel, "closed", True):
                    channel = connection.channel()
    return depths
