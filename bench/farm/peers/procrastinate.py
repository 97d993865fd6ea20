"""procrastinate: a queue in Postgres, with asyncio.  job_queue -> [procrastinate] -> measures

As its guide says: an asynchronous worker with its default connector, several jobs at a time, and the periodic task that
tries again what a dead worker held, every minute (the guide says ten). The rows go through a pool of the tasks' own."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import procrastinate
from psycopg_pool import AsyncConnectionPool

from bench.farm.ground import Ground
from bench.farm.job_queue import Fleet, Pair, PeerQueue, texts
from bench.farm.work import INSERT, Judge

#: Jobs that a worker runs at a time.
_CONCURRENCY = 10
#: Connections of the tasks, and of the queue.
_POOL = 10


class Procrastinate(PeerQueue):
    """procrastinate, with its synchronous producer.

    Args:
        ground: where it runs.
        number: of the broker's database, which it does not use.
    """

    name = "procrastinate"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=self._database_url))
        self._app.open()
        self._app.schema_manager.apply_schema()
        self._task = self._app.configure_task("judge")

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        super().reset()
        self._execute("truncate procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers cascade")

    def submit(self, pair: Pair) -> None:
        """Defer one job."""
        self._task.defer(text=texts([pair])[0])

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Defer many jobs."""
        self._task.batch_defer(*({"text": text} for text in texts(pairs)))

    def start(self) -> Fleet:
        """Start the workers."""
        return self._alike("bench.farm.peers.procrastinate")

    def close(self) -> None:
        """End what was begun by this process."""
        self._app.close()
        super().close()


async def work(database_url: str) -> None:
    """Judge and store, until SIGTERM."""
    judge = Judge()
    connector = procrastinate.PsycopgConnector(conninfo=database_url, min_size=_POOL, max_size=_POOL)
    app = procrastinate.App(connector=connector)

    async with AsyncConnectionPool(database_url, min_size=_POOL, max_size=_POOL, kwargs={"autocommit": True}) as pool:

        async def process(text: str) -> None:
            async with pool.connection() as connected:
                await connected.execute(INSERT, judge.row(text))

        async def retry_stalled(context: Any, timestamp: int) -> None:
            del context, timestamp
            for job in await app.job_manager.get_stalled_jobs():
                await app.job_manager.retry_job(job)

        app.task(name="judge")(process)
        retrying = app.task(name="retry", queueing_lock="retry", pass_context=True)(retry_stalled)
        app.periodic(cron="* * * * *")(retrying)
        async with app.open_async():
            await app.run_worker_async(concurrency=_CONCURRENCY)


if __name__ == "__main__":
    asyncio.run(work(os.environ["BENCH_DATABASE_URL"]))
