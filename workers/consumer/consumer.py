"""Celery's consumer, but it refuses messages that are none of ours.  broker -> [consumer] -> pool, or a dead letter

What is refused is stored as a dead letter and acknowledged, and no worker dies of it. A thread stores it: the loop that
takes messages waits for no database, and while there is none a refusal is only logged. Does not check the arguments of
the judging tasks: that is for `rulefarm.messaging.messages`, in the pool."""

import logging
import queue
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from celery import signals
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel as RedisChannel
from redis.exceptions import ResponseError
from sqlalchemy import Engine

from rulefarm.circuit_breaker import CircuitBreaker
from rulefarm.errors import DatabaseUnreachable, JobRejected
from rulefarm.messaging import FARM_HEADER
from rulefarm.normalize import abbreviate
from rulefarm.routing import CONTROL_QUEUE
from rulefarm.wire import NAMESPACE
from store.dead_letters import MAX_CHARACTERS, Failure, record_message, storable
from tasks.probe import PROBE, PROBE_AS_SENT
from tasks.retry import pause_s
from tasks.worker_context import current
from workers.consumer.message_checks import check_envelope, check_message
from workers.consumer.task_events import GatheringConsumer
from workers.consumer.time_limits import set_again
from workers.heartbeat import BEAT_S, Heartbeat

log = logging.getLogger("rulefarm.workers")

#: Refusals that wait to be stored; beyond, they are only logged.
_MAX_WAITING = 100
#: Seconds for which a database that did not answer is not asked again.
_PAUSE_S = 5.0
#: Seconds for which a message of another farm is held before it is put back, and between two complaints about that.
_PUT_BACK_S, _COMPLAIN_S = (0.1, 1.0), 60.0
#: Such messages that are held at once; beyond, they take the place of own ones.
_MOST_HELD = 50
#: Seconds until the next connection to a broker that refuses: what is in the pool goes on meanwhile.
_REFUSED_S = 0.5


@dataclass(frozen=True, slots=True)
class Refusal:
    """One message that was refused."""

    id: uuid.UUID
    #: Why.
    failure: Failure
    #: Domain of the queue it came from; None if that is the control queue, or none of ours.
    domain: str | None
    #: Its first characters.
    content: str


class RefusalWriter:
    """Stores refusals as dead letters, in a thread of its own.

    Args:
        engine: the database.
        worker: name of the worker that refuses.
    """

    def __init__(self, engine: Engine, worker: str) -> None:
        self._engine = engine
        self._worker = worker
        self._waiting: queue.Queue[tuple[Refusal, Callable[[], object]]] = queue.Queue(_MAX_WAITING)
        self._breaker = CircuitBreaker(_PAUSE_S)
        self._thread: threading.Thread | None = None

    def record(self, refusal: Refusal, then: Callable[[], object]) -> None:
        """Store it soon; never waits.

        Args:
            refusal: what.
            then: called, in that thread, when it is stored, or was logged because it can't be.
        """
        log.error("refused message %s: %s", refusal.id, refusal.failure)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait((refusal, then))
        except queue.Full:
            self._only_log(refusal, "too many wait for that")
            then()

    def _run(self) -> None:
        while True:
            refusal, then = self._waiting.get()
            try:
                self._write(refusal)
            except Exception as error:  # Whatever it is, the next refusal may fare better.
                self._only_log(refusal, str(error))
            then()

    def _write(self, refusal: Refusal) -> None:
        if self._breaker.is_open:
            self._only_log(refusal, "the database has just not answered")
            return
        try:
            record_message(
                self._engine,
                refusal.failure,
                worker=self._worker,
                id=refusal.id,
                domain=refusal.domain,
                content=refusal.content,
            )
        except DatabaseUnreachable as error:
            self._breaker.trip()
            self._only_log(refusal, str(error))

    def _only_log(self, refusal: Refusal, why: str) -> None:
        # In whole, private or not: there is no other place that keeps it.
        log.error("refused message %s is not on record: %s; it says %r", refusal.id, why, refusal.content)


class RefusingConsumer(GatheringConsumer):
    """Celery's consumer, but no message can end or loop it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A reply that refuses (a primary that became a replica, no memory) would end the worker: such a connection
        # is of no use, and is made anew until one is of use.
        passing: tuple[type[Exception], ...] = (*self.app.connection_for_read().connection_errors, OperationalError)
        self.connection_errors = (*passing, ResponseError)
        self._prefix = self.app.conf.broker_transport_options.get("global_keyprefix", "")
        #: Messages of other farms, on their way back, that it holds beside its own.
        self._held = 0
        self._complaint = CircuitBreaker(_COMPLAIN_S)
        self._writer = RefusalWriter(current().database, self.hostname)
        self._heartbeat = Heartbeat(current().settings.home, self.hostname)
        signals.worker_shutdown.connect(self._heartbeat.end, weak=False)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """As Celery's; and a server that refuses is not asked again at once."""
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, ResponseError | OperationalError):
            time.sleep(_REFUSED_S)

    def ensure_connected(self, conn: Any) -> Any:
        """As Celery's; and while the broker is away, which may be long, the worker shows that it is alive."""
        connect, beat = conn.ensure_connection, self._heartbeat.beat

        def beating(*args: Any, callback: Callable[[], object], **kwargs: Any) -> Any:
            return connect(*args, callback=lambda: (beat(), callback()), **kwargs)

        conn.ensure_connection = beating
        return super().ensure_connected(conn)

    def on_ready(self) -> None:
        """On every connection, before the first message: look at what Redis gives before kombu unpacks it."""
        super().on_ready()
        # With the last connection went every timer: those that put messages back, and those that limit what runs.
        self._held = 0
        set_again(self.pool)
        self.timer.call_repeatedly(BEAT_S, self._heartbeat.beat)
        channel = self.task_consumer.channel
        if isinstance(channel, RedisChannel):
            channel.client.set_response_callback("BRPOP", self._checked)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """What is called with each message: Celery's own, behind our check."""
        take = super().create_task_handler(*args, **kwargs)

        def on_message(message: Any) -> None:
            try:
                check_message(message, self.app.tasks)
                # How long a task may take, and whether its result is kept, is the worker's to say, not the message's.
                message.headers.pop("timelimit", None)
                message.headers.pop("ignore_result", None)
                _by_own_clock(message.headers)
                if self._is_strange(message):
                    self._put_back(message)
                    return
                take(message)
            except JobRejected as error:
                self._refuse(message, error)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:
                # Whatever Celery stumbles over that was not foreseen: the next message is not to blame.
                log.exception("could not take a message")
                self._refuse(message, JobRejected("bad-message", f"{type(error).__name__}: {error}"))

        return on_message

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Celery can't tell what it is for."""
        self._refuse(message, JobRejected("unknown-task", "a message for no task"))

    def on_unknown_task(self, body: Any, message: Any, exc: BaseException) -> None:
        """Celery knows no such task."""
        self._refuse(message, JobRejected("unknown-task", f"a message for a task that is none: {exc}"))

    def on_invalid_task(self, body: Any, message: Any, exc: BaseException) -> None:
        """Celery can't call the task with it."""
        self._refuse(message, JobRejected("bad-message", str(exc)))

    def on_decode_error(self, message: Any, exc: BaseException) -> None:
        """Kombu can't read it."""
        self._refuse(message, JobRejected("bad-content", f"a message that can't be read: {exc}"))

    def _is_strange(self, message: Any) -> bool:
        """Whether a message is of another farm. One without an id is ours; a probe is told so by its task."""
        farm, own = message.headers.get(FARM_HEADER), self.app.farm_id()
        return None not in (farm, own) and farm != own and message.headers["task"] not in (PROBE, PROBE_AS_SENT)

    def _put_back(self, message: Any) -> None:
        if not self._complaint.is_open:
            self._complaint.trip()
            log.error(
                "the queues hold messages of another farm (%s; this one is %s), which are put back: give each farm a"
                " database of Redis of its own, or a RULEFARM_QUEUE_PREFIX",
                abbreviate(message.headers[FARM_HEADER]),
                self.app.farm_id(),
            )
        # Not at once: until a worker of its own farm takes it, it would come back and back. Beside what this worker may
        # hold, and for no certain time: Redis gives to whoever has waited longest, and two workers in step, each with
        # the other's message, would for ever take back what they put back.
        beside = self._held < _MOST_HELD
        if beside:
            self._held += 1
            self.qos.increment_eventually()
        self.timer.call_after(random.uniform(*_PUT_BACK_S), self._requeue, (message, beside))

    def _requeue(self, message: Any, beside: bool) -> None:
        if beside:
            self._held -= 1
            self.qos.decrement_eventually()
        try:
            message.requeue()
        except Exception as error:
            # Most likely its connection is gone. Then the broker gives it to another.
            log.warning("a message of another farm could not be put back: %s", error)

    def _checked(self, response: Any, **_: Any) -> Any:
        """The answer of BRPOP: queue and item; None, as if there were none, if the item is no message."""
        if not response:
            return None
        name, item = response
        try:
            check_envelope(item)
        except JobRejected as error:
            text = item[: 4 * MAX_CHARACTERS].decode(errors="replace")
            # It is off its list already, and has no tag to give it back by.
            place = name.decode(errors="replace").removeprefix(self._prefix)
            self._record(uuid.uuid4(), error, place, text, message=None, then=_nothing)
            return None
        return name, item

    def _refuse(self, message: Any, error: JobRejected) -> None:
        if message.acknowledged:
            log.error("a message that was already acknowledged is refused: %s", error)
            return
        body = message.body if isinstance(message.body, bytes) else str(message.body or "").encode(errors="replace")
        text = body[: 4 * MAX_CHARACTERS].decode(errors="replace")
        # The same at every delivery, so that a message which comes back after a crash is on record once.
        refusal_id = uuid.uuid5(NAMESPACE, storable(f"{message.delivery_tag} {message.headers.get('id')} {text}"))
        acknowledge = partial(self._acknowledge, message)
        name = str(message.delivery_info.get("routing_key"))
        self._record(refusal_id, error, name, text, message=message, then=partial(self.call_soon, acknowledge))

    def _acknowledge(self, message: Any) -> None:
        try:
            message.ack()
        except Exception as error:
            # Most likely its connection is gone. Then it comes back, is refused again, and is on record once.
            log.warning("a refused message could not be acknowledged: %s", error)

    def _record(
        self,
        refusal_id: uuid.UUID,
        error: JobRejected,
        queue_name: str,
        text: str,
        *,
        message: Any,
        then: Callable[[], object],
    ) -> None:
        refusal = Refusal(refusal_id, Failure.of(error), _domain(queue_name), storable(text))
        signals.task_rejected.send(sender=self, message=message, exc=error)
        self._writer.record(refusal, then)


def _domain(queue_name: str) -> str | None:
    name = queue_name.removeprefix("rules.").removesuffix(".bulk")
    return None if name == queue_name or queue_name == CONTROL_QUEUE else storable(name)


def _nothing() -> None:
    """There is nothing to acknowledge."""


def _by_own_clock(headers: dict[str, Any]) -> None:
    """Have a message that is to wait do so from now on, as long as its retry says: its instant is of another clock."""
    if headers.get("eta"):
        retries = headers.get("retries")
        left = pause_s(max(0, retries - 1) if isinstance(retries, int) else 0)
        headers["eta"] = (datetime.now(UTC) + timedelta(seconds=left)).isoformat()
