"""Celery alone: an empty task, and one that judges and inserts a row.  celery_tasks -> [celery_queues] -> measures

The empty task is the measure of all others: what a queue of the farm's own kind costs when its work costs nothing."""

import sys

import redis

from bench.farm.celery_tasks import tasks_of
from bench.farm.ground import Ground
from bench.farm.job_queue import PROCESSES, Fleet, Pair, PeerQueue, Stored
from bench.farm.work import encoded

#: Seconds that a result may take.
_PATIENCE_S = 120.0
#: Celery's own name for its queue.
_QUEUE = "celery"


class _CeleryQueue(PeerQueue):
    takes_many = False
    answers = True
    # The processes are forked, and each has its own pid.
    workers = PROCESSES

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._app, self._silent, self._answered, self._inserting = tasks_of(self._broker_url)
        self._redis = redis.Redis.from_url(self._broker_url)

    def reset(self) -> None:
        super().reset()
        self._redis.flushdb()

    def start(self) -> Fleet:
        command = ["celery", "-A", "bench.farm.celery_tasks", "--quiet", "worker", f"--concurrency={PROCESSES}"]
        quiet = ["--without-gossip", "--without-mingle", "--loglevel=WARNING"]
        return self._fleet([sys.executable, "-m", *command, *quiet])

    def close(self) -> None:
        super().close()
        self._app.close()
        self._redis.close()


class EmptyCelery(_CeleryQueue):
    """Tasks that do nothing.

    Args:
        ground: where it runs.
        number: of the broker's database.
    """

    name = "Celery, an empty task"
    stores = False
    workers = 1

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._sent = 0

    def reset(self) -> None:
        """Forget all tasks; no worker runs."""
        super().reset()
        self._sent = 0

    def submit(self, pair: Pair) -> None:
        """Send one task."""
        del pair
        self._sent += 1
        self._silent.apply_async((self._sent,))

    def ask(self, pair: Pair) -> None:
        """Send one task and wait for its result."""
        del pair
        self._answered.apply_async((0,)).get(timeout=_PATIENCE_S)

    def rows(self) -> int:
        """Tasks that were taken out of the queue: a worker holds but a few of them."""
        return self._sent - int(self._redis.llen(_QUEUE))

    def progress(self) -> Stored:
        """The same, in full."""
        taken = self.rows()
        return Stored(taken, taken, 1 if taken else 0)

    def is_stored(self, pair: Pair) -> bool:
        """Nothing is stored."""
        raise NotImplementedError


class InsertingCelery(_CeleryQueue):
    """Tasks that judge an order and insert a row.

    Args:
        ground: where it runs.
        number: of the broker's database.
    """

    name = "Celery, one insert"

    def submit(self, pair: Pair) -> None:
        """Send one task."""
        self._inserting.apply_async((encoded(*pair),), ignore_result=True)

    def ask(self, pair: Pair) -> None:
        """Send one task and wait for its result."""
        self._inserting.apply_async((encoded(*pair),)).get(timeout=_PATIENCE_S)
