"""Send task messages, and ask the broker how many wait.  messages -> [broker] -> queues of the domains

The row is the truth and a message only wakes a worker: one that is lost is sent again by the reconciler, one too many
is harmless. Serves producers, the reconciler and the nightly plan alike. Writes no row and retries once, no more."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from celery import Celery
from kombu import Connection, Producer
from kombu.transport.redis import Channel as RedisChannel

from rulefarm.errors import BrokerUnreachable, SettingsError
from rulefarm.messaging.guest_app import GuestApp
from rulefarm.messaging.messages import TaskMessage
from rulefarm.messaging.queues import EXCHANGE, queue
from rulefarm.redis_replies import outage_of, reason_of
from rulefarm.settings import Settings
from rulefarm.tracing import TRACEPARENT
from rulefarm.urls import CLUSTER, INSTEAD, RedisPlace, broker_place, result_place

#: Seconds to wait for a broker that does not even refuse.
CONNECT_TIMEOUT_S = 3.0
#: Seconds to wait for the answer of a broker that has accepted a connection, or stopped in the middle.
ANSWER_TIMEOUT_S = 5.0
#: Seconds within which it shows that a connection is of no use any more.
_AT_ONCE_S = 1.0

#: Connection to the names of the queues that were declared over it.
_declared: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()

_Answer = TypeVar("_Answer")


def create_app(settings: Settings, *, most_s: float = ANSWER_TIMEOUT_S) -> GuestApp:
    """The Celery application that producers and workers share: broker, results, JSON only.

    Args:
        settings: broker_url must be known.
        most_s: seconds to wait for an answer, or for a connection, at most, unless the URL says otherwise.

    Returns:
        An application without tasks: `workers.app` adds them.

    Raises:
        SettingsError: nothing names a broker.
    """
    broker_url = settings.require_broker()
    broker = broker_place(broker_url)
    if settings.queue_prefix and broker is None:
        raise SettingsError(
            "bad-setting", "RULEFARM_QUEUE_PREFIX is for Redis and Valkey", "on RabbitMQ give each farm a vhost"
        )
    results = result_place(settings.result_url) if settings.result_url else broker
    app = GuestApp(
        "rulefarm",
        broker=broker.celery_url if broker else broker_url,
        backend=results.celery_url if results else settings.result_url,
    )
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        task_default_exchange=EXCHANGE.name,
        task_default_exchange_type=EXCHANGE.type,
        task_protocol=2,
        result_expires=settings.result_expires_s,
        timezone="UTC",
        enable_utc=True,
        broker_transport_options=_transport_options(settings, broker, most_s) if broker else {},
        broker_connection_timeout=min(CONNECT_TIMEOUT_S, most_s),
        # None of Celery's: kombu would show of several sentinels no more than the first.
        broker_shown=broker.shown if broker else None,
        **_result_options(results, settings.queue_prefix, most_s),
    )
    if broker and broker.tls:
        app.conf.broker_use_ssl = dict(broker.tls)
    return app


def _result_options(place: RedisPlace | None, prefix: str | None, most_s: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "redis_socket_connect_timeout": min(CONNECT_TIMEOUT_S, most_s),
        "redis_socket_timeout": min(ANSWER_TIMEOUT_S, most_s),
    }
    retries: dict[str, Any] = {"retry_policy": {"timeout": min(CONNECT_TIMEOUT_S, most_s)}}
    if prefix:
        retries["global_keyprefix"] = prefix
    if place is None:
        return options | {"result_backend_transport_options": retries}
    for name, value in place.options.items():
        # Celery gives every option of its client a name of its own, this one another way.
        celery_name = f"redis_backend_{name}" if name == "health_check_interval" else f"redis_{name}"
        options[celery_name] = value
    if place.tls:
        options["redis_backend_use_ssl"] = dict(place.tls)
    return options | {"result_backend_transport_options": retries | place.sentinel_options}


def _transport_options(settings: Settings, broker: RedisPlace, most_s: float) -> dict[str, Any]:
    return {
        "visibility_timeout": settings.visibility_timeout_s,
        # Without these three a message whose worker died comes back after ten times the visibility timeout.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 30,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, most_s),
        "socket_timeout": min(ANSWER_TIMEOUT_S, most_s),
        "socket_keepalive": True,
        # Seconds; a worker whose broker's host is gone without a word notices after twice that.
        "health_check_interval": 10,
        # On Redis 0 is the highest priority, and steps are separate lists: one list keeps first in, first out.
        "priority_steps": [0],
        # Of all keys: queues, what a worker holds, and what workers are asked by.
        **({"global_keyprefix": settings.queue_prefix} if settings.queue_prefix else {}),
        **broker.options,
        **broker.sentinel_options,
    }


def send_messages(app: Celery, messages: Iterable[TaskMessage]) -> int:
    """Send messages, in one pipeline where the transport has one.

    Args:
        app: from `create_app`.
        messages: what to send; none is fine.

    Returns:
        How many were sent.

    Raises:
        BrokerUnreachable: the broker does not answer. Some may have been sent; sending them again is harmless.
    """
    messages = list(messages)
    call_broker(app, lambda: _send(app, messages))
    return len(messages)


def _send(app: Celery, messages: list[TaskMessage]) -> None:
    with app.producer_pool.acquire(block=True, timeout=CONNECT_TIMEOUT_S) as producer:
        # Ours, not Celery's connection retry: a producer must not hang while the broker is away.
        _connect(producer.connection)
        with _dropping(producer.connection):
            _publish(app, producer, messages)


def warm_up_broker(app: Celery) -> None:
    """Make the connections of one who sends and of one who asks beside, so that neither waits for them.

    Raises:
        BrokerUnreachable: it does not answer.
    """
    call_broker(app, lambda: _warm_up(app))


def _warm_up(app: Celery) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(app.pool.acquire(block=True, timeout=CONNECT_TIMEOUT_S))
            _connect(connection)
            channel = connection.default_channel
            if isinstance(channel, RedisChannel):
                # That kombu is connected does not say that its channel is: it has a second connection for what is sent.
                with channel.conn_or_acquire() as client:
                    client.ping()


def _connect(connection: Connection) -> None:
    # Kombu would wait two seconds before its second try: whoever calls tries again, or leaves it to the reconciler.
    connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=CONNECT_TIMEOUT_S)


@contextmanager
def _dropping(connection: Connection) -> Iterator[None]:
    """Have a connection thrown away over which a server said that it is not the one that takes writes."""
    try:
        yield
    except Exception as error:
        if outage_of(error).drops:
            connection.collect()
        raise


def _publish(app: Celery, producer: Producer, messages: list[TaskMessage]) -> None:
    queues = {message.queue: queue(message.queue) for message in messages}
    # Once a connection: with its data a broker that needs a declaration loses its connections, and on Redis, where a
    # queue is a list, a message reaches it by its name whether it was declared or not.
    declared = _declared.setdefault(producer.connection.connection, set())
    for name in queues.keys() - declared:
        queues[name](producer.channel).declare()
        declared.add(name)
    if isinstance(producer.channel, RedisChannel) and not isinstance(producer.channel.Client, _KeptClient):
        producer.channel.Client = _KeptClient(producer.channel.Client)
    with producer.batch(max_size=500):
        for message in messages:
            content = app.amqp.create_task_message(
                message.task_id, message.task, (), dict(message.kwargs), argsrepr="()", kwargsrepr=message.shown
            )
            content.headers.update(app.farm_headers)
            if message.traceparent is not None:
                content.headers[TRACEPARENT] = message.traceparent
            # To the queue by its name, and to no exchange: on Redis that would be looked up for every message in
            # a table that a broker without its data has lost.
            app.amqp.send_task_message(
                producer, message.task, content, queue=queues[message.queue], retry=False, declare=[]
            )


class _KeptClient:
    """Makes the Redis client of a channel, once: kombu would have one made for every message, and redis-py fills a
    table of all its commands for each, which takes longer than to send one."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._made: tuple[Any, Any] = (None, None)

    def __call__(self, *, connection_pool: Any, **more: Any) -> Any:
        pool, client = self._made
        if pool is not connection_pool:
            client = self._make(connection_pool=connection_pool, **more)
            self._made = connection_pool, client
        return client


def call_broker(app: Celery, question: Callable[[], _Answer]) -> _Answer:
    """What the broker answers.

    Args:
        app: from `create_app`.
        question: asks it, over the application's connections.

    Raises:
        BrokerUnreachable: it does not answer.
    """
    failures = app.broker_errors
    try_again_until = time.monotonic() + _AT_ONCE_S
    while True:
        try:
            return question()
        except failures as error:
            # A pooled connection may have died with the broker's last restart, which shows at once: one more try, over
            # another one. Whoever has waited for an answer has waited enough.
            if time.monotonic() < try_again_until:
                try_again_until = 0.0
                continue
            outage = outage_of(error)
            place = app.conf.broker_shown or app.connection_for_write().as_uri()
            raise BrokerUnreachable(
                f"broker-{outage.code}",
                f"the broker at {place} {outage.sentence}: {reason_of(error)}",
                outage.hint,
            ) from error


def refuse_cluster(app: Celery) -> None:
    """Refuse a broker that is a cluster, whatever its URL says; one that does not answer is not judged.

    Raises:
        SettingsError: `redis-cluster`.
    """
    with suppress(BrokerUnreachable):
        if call_broker(app, lambda: _mode(app)) == "cluster":
            raise SettingsError(
                "redis-cluster", f"the broker at {app.conf.broker_shown} is a cluster: {CLUSTER}", INSTEAD
            )


def _mode(app: Celery) -> str:
    with app.connection_for_read() as connection:
        _connect(connection)
        channel = connection.channel()
        if not isinstance(channel, RedisChannel):
            return ""
        server = channel.client.info("server")
        # Valkey has another name for it.
        return str(server.get("redis_mode") or server.get("server_mode"))


def queue_depths(app: Celery, names: Collection[str]) -> dict[str, int]:
    """Messages that wait in each queue, by its name.

    Args:
        app: from `rulefarm.messaging.broker.create_app`.
        names: of the queues; one that nobody has used yet is empty.

    Raises:
        BrokerUnreachable: no answer.
    """
    return call_broker(app, lambda: _depths(app, names))


def _depths(app: Celery, names: Collection[str]) -> dict[str, int]:
    with app.pool.acquire(block=True, timeout=CONNECT_TIMEOUT_S) as connection:
        _connect(connection)
        channel = connection.default_channel
        if not isinstance(channel, RedisChannel):
            return {name: _depth(connection, name) for name in names}
        # A queue is a list, and an empty list is none.
        with channel.conn_or_acquire() as client, client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            return dict(zip(names, map(int, pipeline.execute()), strict=True))


def _depth(connection: Connection, name: str) -> int:
    # A channel of its own: RabbitMQ closes one over which it has answered that there is no such queue.
    channel = connection.channel()
    try:
        return int(queue(name)(channel).queue_declare(passive=True).message_count)
    except connection.channel_errors:
        # Nobody has used it yet.
        return 0
    finally:
        channel.close()
