"""Send task messages for one producer: respects the queue limit, and stops trying for 5 s after no answer.

Remembers the broker's last answers for a moment, so that no call waits for one that has just not answered, no queue
grows beyond its limit, and none gets messages that wake nobody. A producer with a ledger loses nothing by a message
that was not sent."""

import logging
import time
from collections.abc import Callable, Sequence

from celery import Celery

from rulefarm.circuit_breaker import CircuitBreaker
from rulefarm.errors import BrokerUnreachable, QueueFull
from rulefarm.messaging.broker import queue_depths, send_messages
from rulefarm.messaging.messages import TaskMessage
from rulefarm.routing import BACKLOG, CONTROL_QUEUE

log = logging.getLogger("rulefarm")

#: Seconds for which a broker that has just not answered is not asked again.
_BACK_OFF_S = 5.0
#: Seconds for which the depth of a queue is used without asking again: other producers fill it too, and workers empty
#: it. A job that gets no message for it is a matter of less: of a queue that is empty by now nobody is awake.
_FRESH_S, _SURE_S = 1.0, 0.05
#: Seconds between two looks at a full queue.
_LOOK_S = 0.1


class MessageSender:
    """Sends the messages of one producer. Safe to share between threads."""

    def __init__(self, app: Celery, *, limit: int, count_open: Callable[[str], int] | None) -> None:
        """Connect when first asked.

        Args:
            app: from `rulefarm.messaging.broker.create_app`.
            limit: messages that one queue may hold, and jobs that may wait for it.
            count_open: counts the jobs on record that wait for a queue, by its name, up to the limit. None: nothing is
                on record, so that the reconciler can send nothing instead.
        """
        self._app = app
        self._limit = limit
        self._count_open = count_open
        self._has_ledger = count_open is not None
        self._breaker = CircuitBreaker(_BACK_OFF_S)
        #: Queue to its messages when last asked, and those that were sent since; and when that was.
        self._depths: dict[str, tuple[int, float]] = {}
        #: Queue to the jobs that waited for it, and when they were counted.
        self._open: dict[str, tuple[int, float]] = {}

    @property
    def is_away(self) -> bool:
        """Whether the broker has just not answered, so that nothing is sent now; never without a ledger."""
        return self._has_ledger and self._breaker.is_open

    def ask(self) -> None:
        """Ask the broker, so that `is_away` tells how it is now."""
        try:
            queue_depths(self._app, [CONTROL_QUEUE])
        except BrokerUnreachable:
            self._breaker.trip()

    def send(self, messages: Sequence[TaskMessage]) -> bool:
        """Send, unless the broker has just not answered.

        Args:
            messages: what to send.

        Returns:
            Whether all were sent; if not, they are left to the reconciler. Of none: whether the broker is not away.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        if self.is_away:
            return False
        if not messages:
            return True
        try:
            send_messages(self._app, messages)
        except BrokerUnreachable as error:
            self._back_off(error)
            log.warning("%s; %d messages are left to the reconciler", error, len(messages))
            return False
        for name in {message.queue for message in messages}:
            depth, asked_at = self._depths.get(name, (0, 0.0))
            self._depths[name] = depth + sum(message.queue == name for message in messages), asked_at
        return True

    def free_slots(self, queue: str) -> int:
        """Messages that a queue may still take; all that it may hold when the broker can't be asked.

        Args:
            queue: its name.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        return max(0, self._limit - self._depth(queue, enough=self._limit, sure_s=0.0))

    def wanted(self, queue: str) -> int:
        """Messages that help a queue: with more, whoever could be woken is awake, and takes from Postgres what waits.
        None while the broker is away; without a ledger every job needs its own.

        Args:
            queue: its name.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        if not self._has_ledger:
            # Nobody would find a job that is in no message.
            return self._limit
        if self.is_away:
            return 0
        most = min(BACKLOG, self._limit)
        return max(0, most - self._depth(queue, enough=most, sure_s=_SURE_S))

    def _depth(self, queue: str, *, enough: int, sure_s: float) -> int:
        """Messages in a queue, as last asked: not long ago, or if they were enough, just now; 0 without an answer."""
        depth, asked_at = self._depths.get(queue, (0, 0.0))
        if time.monotonic() - asked_at < (_FRESH_S if depth < enough else sure_s):
            return depth
        if self.is_away:
            return 0
        try:
            depth = queue_depths(self._app, [queue])[queue]
        except BrokerUnreachable as error:
            self._back_off(error)
            return 0
        self._depths[queue] = depth, time.monotonic()
        return depth

    def _is_full(self, queue: str) -> bool:
        if self.free_slots(queue) < 1:
            return True
        if self._count_open is None or self.wanted(queue):
            return False
        # Jobs without a message wait in Postgres alone.
        waiting, counted_at = self._open.get(queue, (0, 0.0))
        if time.monotonic() >= counted_at + _FRESH_S:
            waiting = self._count_open(queue)
            self._open[queue] = waiting, time.monotonic()
        return waiting >= self._limit

    def wait_for_slot(self, queue: str, timeout: float | None) -> None:
        """Wait until a queue takes another message.

        Args:
            queue: its name.
            timeout: seconds; 0 does not wait, None waits for ever.

        Raises:
            QueueFull: it did not in time.
            BrokerUnreachable: only without a ledger.
            DatabaseUnreachable: the jobs that wait can't be counted.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._is_full(queue):
            if deadline is not None and time.monotonic() >= deadline:
                raise QueueFull(
                    "queue-full",
                    f"{self._limit} jobs wait in {queue}, which is its limit",
                    "submit again later, wait for a free slot, add workers, or raise RULEFARM_QUEUE_LIMIT",
                )
            time.sleep(_LOOK_S)

    def _back_off(self, error: BrokerUnreachable) -> None:
        if not self._has_ledger:
            raise error
        self._breaker.trip()
