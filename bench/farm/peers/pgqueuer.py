"""pgqueuer: a queue in Postgres, with asyncio.  job_queue -> [pgqueuer] -> measures

As its guide to performance says: the asyncpg driver on a connection of its own, uvloop, autovacuum as it sets it, a
larger batch for short jobs, a heartbeat that recovers what a dead worker held; durable tables. The rows go through a
pool of the handlers' own."""

import asyncio
import os
import signal
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from bench.farm.ground import Ground
from bench.farm.job_queue import Fleet, Pair, PeerQueue, texts
from bench.farm.work import INSERT_NUMBERED, Judge

#: Jobs that one statement takes.
_BATCH = 50
#: Jobs that one statement enqueues: the whole backlog in one is refused by nobody, but held in memory.
_ENQUEUE = 1_000
#: Connections of the handlers.
_POOL = 10
_ENTRYPOINT = "judge"


class Pgqueuer(PeerQueue):
    """pgqueuer, a producer that waits for each statement.

    Args:
        ground: where it runs.
        number: of the broker's database, which it does not use.
    """

    name = "pgqueuer"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._loop = uvloop.new_event_loop()
        self._driver_connection = self._run(asyncpg.connect(self._database_url))
        self._queries = Queries(AsyncpgDriver(self._driver_connection))
        self._run(self._queries.install())
        self._run(self._queries.optimize_autovacuum())

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        super().reset()
        self._run(self._queries.clear_queue())
        self._execute("truncate pgqueuer_log, pgqueuer_statistics")

    def submit(self, pair: Pair) -> None:
        """Enqueue one job."""
        self._run(self._queries.enqueue(_ENTRYPOINT, texts([pair])[0].encode()))

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Enqueue many jobs."""
        for start in range(0, len(pairs), _ENQUEUE):
            contents = [text.encode() for text in texts(pairs[start : start + _ENQUEUE])]
            self._run(self._queries.enqueue([_ENTRYPOINT] * len(contents), contents, [0] * len(contents)))

    def start(self) -> Fleet:
        """Start the workers."""
        return self._alike("bench.farm.peers.pgqueuer")

    def close(self) -> None:
        """End what was begun by this process."""
        self._run(self._driver_connection.close())
        self._loop.close()
        super().close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)


async def work(database_url: str) -> None:
    """Judge and store, until SIGTERM."""
    judge = Judge()
    pool = await asyncpg.create_pool(database_url, min_size=_POOL, max_size=_POOL)
    manager = PgQueuer(AsyncpgDriver(await asyncpg.connect(database_url)))

    async def process(job: Any) -> None:
        await pool.execute(INSERT_NUMBERED, *judge.row(job.payload.decode()))

    manager.entrypoint(_ENTRYPOINT)(process)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, manager.shutdown.set)
    await manager.run(batch_size=_BATCH, dequeue_timeout=timedelta(seconds=10))


if __name__ == "__main__":
    uvloop.run(work(os.environ["BENCH_DATABASE_URL"]))
