"""dramatiq: a queue in Redis.  job_queue -> [dramatiq] -> measures

As its guide says: its own command line with two processes and the default of eight threads each, the Redis broker with
its default middleware. Each thread keeps a connection to Postgres."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.farm.ground import Ground
from bench.farm.job_queue import PROCESSES, Fleet, Pair, PeerQueue
from bench.farm.work import INSERT, Judge, connection, encoded

_LOCAL = threading.local()


class Dramatiq(PeerQueue):
    """dramatiq on Redis.

    Args:
        ground: where it runs.
        number: of the broker's database.
    """

    name = "dramatiq (Redis)"
    takes_many = False

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._broker, self._actor = actor_of(self._broker_url)

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        super().reset()
        self._broker.client.flushdb()

    def submit(self, pair: Pair) -> None:
        """Send one message."""
        self._actor.send(encoded(*pair))

    def start(self) -> Fleet:
        """Start the workers."""
        command = ["dramatiq", f"{__name__}:broker", f"--processes={PROCESSES}"]
        return self._fleet([sys.executable, "-m", *command])

    def close(self) -> None:
        """End what was begun by this process."""
        self._broker.close()
        super().close()


def _insert(text: str) -> None:
    if not hasattr(_LOCAL, "database"):
        _LOCAL.database = connection(os.environ["BENCH_DATABASE_URL"])
    with _LOCAL.database.cursor() as cursor:
        cursor.execute(INSERT, _judge().row(text))


def _once(make: Callable[[], Judge]) -> Callable[[], Judge]:
    """Threads begin at the same time, and one ruleset is enough."""
    guard = threading.Lock()
    made: list[Judge] = []

    def get() -> Judge:
        with guard:
            if not made:
                made.append(make())
            return made[0]

    return get


_judge = _once(Judge)


def actor_of(broker_url: str) -> tuple[Any, Any]:
    """The broker and the actor that judges.

    Args:
        broker_url: where the messages go.
    """
    made = RedisBroker(url=broker_url)
    return made, dramatiq.actor(_insert, actor_name="judge", broker=made)


if "BENCH_BROKER_URL" in os.environ:
    #: What the command line of dramatiq looks for.
    broker, _ = actor_of(os.environ["BENCH_BROKER_URL"])
