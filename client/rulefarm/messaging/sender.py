"""A producer's hand on the bell: ring, mind the room, rest when nobody answers.  farm -> [doorbell] -> bell, depth

Keeps what a producer has lately learnt of its broker, so that no call waits for one that has just not answered, and
no queue grows beyond its limit. A producer with a ledger loses nothing by a bell that was not rung."""

import logging
import time
from collections.abc import Sequence

from celery import Celery

from rulefarm.errors import BrokerUnreachable, QueueFull
from rulefarm.messaging.broker import queue_depths, send_messages
from rulefarm.messaging.messages import TaskMessage

log = logging.getLogger("rulefarm")

#: Seconds for which nobody is made to wait for a broker that has just not answered.
_REST_S = 5.0
#: Seconds for which the depth of a queue is believed: other producers fill it too.
_FRESH_S = 1.0
#: Seconds between two looks at a full queue.
_LOOK_S = 0.1


class MessageSender:
    """One producer's way to the broker."""

    def __init__(self, app: Celery, *, limit: int, has_ledger: bool) -> None:
        """Remember where to ring.

        Args:
            app: from `rulefarm.messaging.broker.create_app`.
            limit: messages that one queue may hold.
            has_ledger: whether jobs are on record, so that the reconciler can ring instead.
        """
        self._app = app
        self._limit = limit
        self._has_ledger = has_ledger
        self._rests_until = 0.0
        #: Queue to its room when last asked, less what was rung since, and until when that is believed.
        self._room: dict[str, tuple[int, float]] = {}

    def send_messages(self, bells: Sequence[TaskMessage]) -> bool:
        """Ring, unless the broker has just not answered.

        Returns:
            Whether all were rung; if not, they are left to the reconciler.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        if self._rests:
            return False
        try:
            send_messages(self._app, bells)
        except BrokerUnreachable as error:
            self._rest(error)
            log.warning("%s; %d messages are left to the reconciler", error, len(bells))
            return False
        for name in {bell.queue for bell in bells}:
            room, until = self._room.get(name, (self._limit, 0.0))
            self._room[name] = room - sum(bell.queue == name for bell in bells), until
        return True

    def room(self, queue: str) -> int:
        """Messages that a queue may still take; all that it may hold when the broker can't be asked.

        Args:
            queue: its name.

        Raises:
            BrokerUnreachable: only without a ledger.
        """
        room, until = self._room.get(queue, (0, 0.0))
        if room > 0 and time.monotonic() < until:
            return room
        if self._rests:
            return self._limit
        try:
            room = max(0, self._limit - queue_depths(self._app, [queue])[queue])
        except BrokerUnreachable as error:
            self._rest(error)
            return self._limit
        self._room[queue] = room, time.monotonic() + _FRESH_S
        return room

    def wait_for_room(self, queue: str, timeout: float | None) -> None:
        """Wait until a queue takes another message.

        Args:
            queue: its name.
            timeout: seconds; 0 does not wait, None waits for ever.

        Raises:
            QueueFull: it did not in time.
            BrokerUnreachable: only without a ledger.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.room(queue) < 1:
            if deadline is not None and time.monotonic() >= deadline:
                raise QueueFull(
                    "queue-full",
                    f"{queue} holds {self._limit} messages, which is its limit",
                    "submit again later, wait for room, add workers, or raise RULEFARM_QUEUE_LIMIT",
                )
            time.sleep(_LOOK_S)

    @property
    def _rests(self) -> bool:
        return self._has_ledger and time.monotonic() < self._rests_until

    def _rest(self, error: BrokerUnreachable) -> None:
        if not self._has_ledger:
            raise error
        self._rests_until = time.monotonic() + _REST_S
