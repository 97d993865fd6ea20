"""awa: a queue in Postgres, its runtime in Rust.  job_queue -> [awa] -> measures

As its guide says: an asynchronous worker on its queue storage with its default settings; many jobs are enqueued by
COPY. The rows go through asyncpg, a library of the application's own."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import awa

from bench.farm.ground import Ground
from bench.farm.job_queue import Fleet, Pair, PeerQueue, texts
from bench.farm.work import INSERT_NUMBERED, Judge

_QUEUE = "judge"
#: Jobs that a worker runs at a time: the default of its queues.
_WORKERS = 50
#: Connections of the handlers.
_POOL = 10


@dataclass(slots=True)
class JudgeOrder:
    """The arguments of a job."""

    text: str


class Awa(PeerQueue):
    """awa, with its synchronous producer.

    Args:
        ground: where it runs.
        number: of the broker's database, which it does not use.
    """

    name = "awa-pg"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._client = awa.Client(self._database_url)
        self._client.migrate()
        self._client.install_queue_storage()

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        super().reset()
        self._client.drain_queue(_QUEUE)

    def submit(self, pair: Pair) -> None:
        """Insert one job."""
        self._client.insert(JudgeOrder(texts([pair])[0]), queue=_QUEUE)

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Copy many jobs."""
        self._client.enqueue_many_copy([JudgeOrder(text) for text in texts(pairs)], queue=_QUEUE)

    def start(self) -> Fleet:
        """Start the workers."""
        return self._alike("bench.farm.peers.awa")

    def close(self) -> None:
        """End what was begun by this process."""
        self._client.close()
        super().close()


async def work(database_url: str) -> None:
    """Judge and store, until SIGTERM."""
    judge, client, ended = Judge(), awa.AsyncClient(database_url), asyncio.Event()
    pool = await asyncpg.create_pool(database_url, min_size=_POOL, max_size=_POOL)

    async def process(job: Any) -> None:
        await pool.execute(INSERT_NUMBERED, *judge.row(job.args.text))

    client.task(JudgeOrder, queue=_QUEUE)(process)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await client.start([(_QUEUE, _WORKERS)])
    await ended.wait()
    await client.shutdown()


if __name__ == "__main__":
    asyncio.run(work(os.environ["BENCH_DATABASE_URL"]))
