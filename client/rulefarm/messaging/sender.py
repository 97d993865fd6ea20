"""Send task messages for one producer: respects the queue limit, and stops trying for 5 s after no answer.

Remembers the broker's last answers for a moment, so that no call waits for one that has just not answered, and no queue
grows beyond its limit. A producer with a ledger loses nothing by a message that was not sent."""

import logging
import time
from collections.abc import Sequence

from celery import Celery

from rulefarm.circuit_breaker import CircuitBreaker
from rulefarm.errors import BrokerUnreachable, QueueFull
from rulefarm.messaging.broker import queue_depths, send_messages
from rulefarm.messaging.messages import TaskMessage

log = logging.getLogger("rulefarm")

#: Seconds for which a broker that has just not answered is not asked again.
_BACK_OFF_S = 5.0
#: Seconds for which the depth of a queue is used without asking again: other producers fill it too.
_FRESH_S = 1.0
#: Seconds between two looks at a full queue.
_LOOK_S = 0.1


class MessageSender:
    """Sends the messages of one producer. Safe to share between threads."""

    def __init__(self, app: Celery, *, limit: int, has_ledger: bool) -> None:
        """Connect when first asked.

        Args:
            app: from `rulefarm.messaging.broker.create_app`.
            limit: messages that one queue may hold.
            has_ledger: whether jobs are on record, so that the reconciler can send instead.
        """
        self._app = app
        self._limit = limit
        self._has_ledger = has_ledger
        self._breaker = CircuitBreaker(_BACK_OFF_S)
        #: Queue to its free slots when last asked, less what was sent since, and until when that holds.
        self._free: dict[str, tuple[int, float]] = {}

    @property
    def is_away(self) -> bool:
        """Whether the broker has just not answered, so that nothing is sent now; never without a ledger."""
        return self._has_ledger and self._breaker.is_open

    def send(self, messages: Sequence[TaskMessage]) -> bool:
        """Send, unless the broker has just not answered.

        Args:
            messages: what to send.

        Returns:
            Whether all were sent; if not, they are left to the reconciler.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        if self.is_away:
            return False
        try:
            send_messages(self._app, messages)
        except BrokerUnreachable as error:
            self._back_off(error)
            log.warning("%s; %d messages are left to the reconciler", error, len(messages))
            return False
        for name in {message.queue for message in messages}:
            free, until = self._free.get(name, (self._limit, 0.0))
            self._free[name] = free - sum(message.queue == name for message in messages), until
        return True

    def free_slots(self, queue: str) -> int:
        """Messages that a queue may still take; all that it may hold when the broker can't be asked.

        Args:
            queue: its name.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        free, until = self._free.get(queue, (0, 0.0))
        if free > 0 and time.monotonic() < until:
            return free
        if self.is_away:
            return self._limit
        try:
            free = max(0, self._limit - queue_depths(self._app, [queue])[queue])
        except BrokerUnreachable as error:
            self._back_off(error)
            return self._limit
        self._free[queue] = free, time.monotonic() + _FRESH_S
        return free

    def wait_for_slot(self, queue: str, timeout: float | None) -> None:
        """Wait until a queue takes another message.

        Args:
            queue: its name.
            timeout: seconds; 0 does not wait, None waits for ever.

        Raises:
            QueueFull: it did not in time.
            BrokerUnreachable: only without a ledger.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.free_slots(queue) < 1:
            if deadline is not None and time.monotonic() >= deadline:
                raise QueueFull(
                    "queue-full",
                    f"{queue} holds {self._limit} messages, which is its limit",
                    "submit again later, wait for a free slot, add workers, or raise RULEFARM_QUEUE_LIMIT",
                )
            time.sleep(_LOOK_S)

    def _back_off(self, error: BrokerUnreachable) -> None:
        if not self._has_ledger:
            raise error
        self._breaker.trip()
