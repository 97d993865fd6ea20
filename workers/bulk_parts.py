"""Have parts of a long piece of work done by the bulk workers of a domain.  parts -> [bulk_parts] -> answers

For work that writes nothing, so that a part may be done twice, or by whoever asks. The parts wait in the domain's bulk
queue behind its batches, a few at a time. Where no worker takes them, where none answers in time, and where one fails,
they are done here: what a worker can't say is said by the caller's own function. Leaves no result behind."""

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from celery import Celery
from celery.backends.base import DisabledBackend
from sqlalchemy import Engine

from rulefarm.database import FarmIdentity
from rulefarm.errors import BrokerUnreachable, SettingsError
from rulefarm.messaging import CONNECT_TIMEOUT_S, call_broker, create_app, queue
from rulefarm.routing import queue_name
from rulefarm.settings import Settings

#: Parts that wait or are worked on for each process that may take them: the next is there when one is done.
_AHEAD = 2
#: Seconds without any answer, after which the next part is done here: the workers have a batch before it.
_PATIENCE_S = 10.0
#: Seconds that workers get to say what they take.
_ASK_S = 1.0
#: Seconds between two looks for answers.
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a part."""

    #: Its place in the sequence.
    place: int
    document: Mapping[str, Any]
    #: Whether a worker did it.
    by_worker: bool


class BulkParts:
    """Parts that are done by one task of the bulk workers of a domain."""

    def __init__(self, app: Celery, domain: str, task: str) -> None:
        """Keep what to send; nothing is asked yet.

        Args:
            app: from `rulefarm.messaging.create_app`.
            domain: whose bulk workers.
            task: name of the task.
        """
        self._app, self._queue, self._task = app, queue_name(domain, bulk=True), task

    def processes(self) -> int:
        """How many processes of workers take such parts now; 0 without a broker, or without results."""
        app = self._app
        if isinstance(app.backend, DisabledBackend):
            return 0
        inspect = app.control.inspect(timeout=_ASK_S)
        try:
            queues = call_broker(app, inspect.active_queues) or {}
            takers = [name for name, taken in queues.items() if self._queue in {one["name"] for one in taken}]
            if not takers:
                return 0
            inspect = app.control.inspect(destination=takers, timeout=_ASK_S, limit=len(takers))
            # A worker of the release before refuses a task that it does not know.
            knows = call_broker(app, inspect.registered) or {}
            inspect = app.control.inspect(destination=takers, timeout=_ASK_S, limit=len(takers))
            stats = call_broker(app, inspect.stats) or {}
        except BrokerUnreachable:
            return 0
        if any(self._task not in knows.get(name, ()) for name in takers):
            return 0
        return sum(max(1, len(stats.get(name, {}).get("pool", {}).get("processes", ()))) for name in takers)

    def run(
        self,
        parts: Sequence[Mapping[str, Any]],
        here: Callable[[int], Mapping[str, Any]],
        *,
        processes: int,
        patience_s: float = _PATIENCE_S,
    ) -> Iterator[Answer]:
        """Do all parts, in no certain order.

        Args:
            parts: arguments of the task, one set a part.
            here: does the part of a place in this process.
            processes: that take them, from `processes`; 0: none, and all are done here.
            patience_s: seconds without any answer, after which the next is done here.
        """
        unsent = deque(range(len(parts)))
        sent: dict[str, int] = {}
        heard_at = time.monotonic()
        try:
            while unsent or sent:
                while processes and unsent and len(sent) < processes * _AHEAD:
                    task_id = self._send(parts[unsent[0]])
                    if task_id is None:
                        processes = 0
                        break
                    sent[task_id] = unsent.popleft()
                answers, failed = self._answers(sent)
                for place, document in answers:
                    heard_at = time.monotonic()
                    yield Answer(place, document, by_worker=True)
                unsent.extendleft(failed)
                is_late = not answers and time.monotonic() - heard_at > patience_s
                if unsent and (failed or is_late or not processes):
                    place = unsent.popleft()
                elif sent and is_late:
                    # What somebody has, and will not be listened to.
                    late = next(iter(sent))
                    place = sent.pop(late)
                    self._forget(late)
                else:
                    if not answers:
                        time.sleep(_LOOK_S)
                    continue
                document = here(place)
                heard_at = time.monotonic()
                yield Answer(place, document, by_worker=False)
        finally:
            for task_id in sent:
                self._forget(task_id)

    def _forget(self, task_id: str) -> None:
        """Let go of a result that nobody waits for any more; that of one who is not done yet expires."""
        with suppress(Exception):
            self._app.backend.forget(task_id)

    def _send(self, arguments: Mapping[str, Any]) -> str | None:
        """The id of a part that was sent; None: the broker does not answer."""
        app, task_id = self._app, str(uuid.uuid4())

        def send() -> None:
            with app.producer_pool.acquire(block=True, timeout=CONNECT_TIMEOUT_S) as producer:
                producer.connection.ensure_connection(max_retries=1, timeout=CONNECT_TIMEOUT_S)
                # Not `send_task`, which would subscribe to the result: it is polled.
                message = app.amqp.create_task_message(task_id, self._task, (), dict(arguments))
                message.headers.update(app.farm_headers)
                taken = queue(self._queue)
                app.amqp.send_task_message(producer, self._task, message, queue=taken, retry=False, declare=[taken])

        try:
            call_broker(app, send)
        except BrokerUnreachable:
            return None
        return task_id

    def _answers(self, sent: dict[str, int]) -> tuple[list[tuple[int, Mapping[str, Any]]], list[int]]:
        """What came of parts that were sent, which are taken out; and those that failed there."""
        answers: list[tuple[int, Mapping[str, Any]]] = []
        failed: list[int] = []

        def look() -> None:
            for task_id in list(sent):
                meta = self._app.backend.get_task_meta(task_id)
                if meta["status"] == "SUCCESS":
                    answers.append((sent.pop(task_id), meta["result"]))
                elif meta["status"] == "FAILURE":
                    failed.append(sent.pop(task_id))
                else:
                    continue
                self._app.backend.forget(task_id)

        with suppress(BrokerUnreachable):
            call_broker(self._app, look)
        return answers, failed


def bulk_workers(settings: Settings, engine: Engine, domain: str, task: str) -> BulkParts | None:
    """The bulk workers of a domain; None: nothing names a broker.

    Args:
        settings: where the broker is.
        engine: the database, which has the farm's id.
        domain: whose workers.
        task: name of the task that does a part.
    """
    try:
        app = create_app(settings)
    except SettingsError:
        return None
    app.farm_id = FarmIdentity(engine)
    return BulkParts(app, domain, task)


def done_alone(parts: int, here: Callable[[int], Mapping[str, Any]]) -> Iterator[Answer]:
    """All parts done in this process, in order.

    Args:
        parts: how many.
        here: does the part of a place.
    """
    return (Answer(place, here(place), by_worker=False) for place in range(parts))
