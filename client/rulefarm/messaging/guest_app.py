"""A Celery application that is a guest in its process.  settings -> broker.create_app -> [guest_app]

The host may have an application of its own, which stays the current one, and pools of connections that are Celery's for
the whole process, whose limit stays as it is. A process that was forked has connections of its own. Sends nothing."""

import os
from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError
from kombu.pools import ProducerPool

from rulefarm.messaging.announcements import Announcements
from rulefarm.messaging.forked_locks import renew_locks

#: In headers, for the release before refuses arguments that it does not know.
FARM_HEADER = "farm"

os.register_at_fork(after_in_child=renew_locks)


class GuestApp(Celery):  # type: ignore[misc]  # Celery has no types.
    """Celery's application, but its pools are its own, one pair for each process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, set_as_current=False)
        #: Gives the id of the farm, which every message carries; None: there is none, or it is not known yet.
        self.farm_id: Callable[[], str | None] = lambda: None
        #: Process to its pools of connections and of producers. Those of a parent are left alone, and alive: closed, or
        #: collected, they would end conversations of the parent's.
        self._pools: dict[int, tuple[Any, ProducerPool]] = {}
        self._broker_errors: tuple[type[Exception], ...] = ()
        self.announcements = Announcements(self)

    @property
    def pool(self) -> Any:
        """Connections to the broker, of this process."""
        return self._of_this_process()[0]

    @property
    def producer_pool(self) -> ProducerPool:
        """Producers, each with a connection, of this process."""
        return self._of_this_process()[1]

    @property
    def farm_headers(self) -> dict[str, str]:
        """What a message says of the farm that it is of."""
        farm = self.farm_id()
        return {FARM_HEADER: farm} if farm else {}

    @property
    def broker_errors(self) -> tuple[type[Exception], ...]:
        """What is raised when the broker can't do its part: kombu's errors, the system's, and those of the transport's
        own client; on Redis a reply that refuses, such as OOM, is one of its channel."""
        if not self._broker_errors:
            transport = self.connection_for_write()
            self._broker_errors = (KombuError, OSError, *transport.connection_errors, *transport.channel_errors)
        return self._broker_errors

    def close(self) -> None:
        """Close the connections of this process."""
        self.announcements.close()
        for pool in self._pools.pop(os.getpid(), ()):
            pool.force_close_all()
        super().close()

    def _of_this_process(self) -> tuple[Any, ProducerPool]:
        pid = os.getpid()
        if pid not in self._pools:
            limit = self.conf.broker_pool_limit
            connections = self.connection_for_write().Pool(limit=limit)
            self._pools[pid] = connections, ProducerPool(connections, limit=limit)
        return self._pools[pid]
