"""oban: a queue in Postgres, with asyncio.  job_queue -> [oban] -> measures

As its guide says: an instance with queues in each process, on a pool that it makes itself, default settings, ten jobs
at a time. The rows go through a pool of the jobs' own. Needs Python 3.12."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from oban import Oban, worker
from oban.schema import install_sql
from psycopg_pool import AsyncConnectionPool

from bench.farm.ground import Ground
from bench.farm.job_queue import PROCESSES, Fleet, Pair, PeerQueue, texts
from bench.farm.work import INSERT, Judge

_QUEUE = "judge"
#: Jobs that a worker runs at a time, as in its guide.
_LIMIT = 10
#: Connections of the jobs.
_POOL = 10
#: Jobs that one statement enqueues.
_ENQUEUE = 1_000
#: Its jobs are found by the name of their module, which `-m` would make `__main__`.
_RUN = f"import asyncio, {__name__} as peer; asyncio.run(peer.work())"


class _State:
    """What the jobs of a process share."""

    judge: Judge
    pool: Any


class _JudgeOrder:
    async def process(self, job: Any) -> None:
        """Judge and store."""
        async with _State.pool.connection() as connected:
            await connected.execute(INSERT, _State.judge.row(job.args["text"]))


_WORKER: Any = worker(queue=_QUEUE)(_JudgeOrder)


class ObanQueue(PeerQueue):
    """oban, a producer that waits for each statement.

    Args:
        ground: where it runs.
        number: of the broker's database, which it does not use.
    """

    name = "oban"

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        if not self._execute("select to_regclass('oban_jobs')")[0][0]:
            self._execute(install_sql())
        self._loop = asyncio.new_event_loop()
        self._pool = self._run(Oban.create_pool(dsn=self._database_url))
        self._oban = Oban(pool=self._pool)

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        super().reset()
        self._execute("truncate oban_jobs")

    def submit(self, pair: Pair) -> None:
        """Enqueue one job."""
        self._run(self._oban.enqueue(_WORKER.new({"text": texts([pair])[0]})))

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Enqueue many jobs."""
        jobs = [_WORKER.new({"text": text}) for text in texts(pairs)]
        for start in range(0, len(jobs), _ENQUEUE):
            self._run(self._oban.enqueue_many(jobs[start : start + _ENQUEUE]))

    def start(self) -> Fleet:
        """Start the workers."""
        return self._fleet(*([[sys.executable, "-c", _RUN]] * PROCESSES))

    def close(self) -> None:
        """End what was begun by this process."""
        self._run(self._pool.close())
        self._loop.close()
        super().close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)


async def work() -> None:
    """Judge and store, until SIGTERM."""
    url, ended = os.environ["BENCH_DATABASE_URL"], asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    _State.judge = Judge()
    _State.pool = AsyncConnectionPool(url, min_size=_POOL, max_size=_POOL, kwargs={"autocommit": True}, open=False)
    await _State.pool.open()
    async with Oban(pool=await Oban.create_pool(dsn=url), queues={_QUEUE: _LIMIT}):
        await ended.wait()
    await _State.pool.close()
