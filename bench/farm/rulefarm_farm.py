"""The farm itself, as a user runs it: a worker with two processes, beat, a producer.  ground -> [rulefarm_farm]

All settings are the defaults. Single jobs go to the interactive queue by `submit`, many to the bulk queue by
`submit_many`, as an order service would."""

import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from bench.farm.ground import Ground
from bench.farm.job_queue import PROCESSES, Fleet, JobQueue, Pair, Stored, wait_until
from bench.farm.work import DOMAIN, connection
from rulefarm.database import connect
from rulefarm.farm import Farm
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from store.migrate import migrate
from tasks.worker_context import WorkerContext

#: Seconds in which the first worker has published its domain, and a job is judged.
PATIENCE_S = 120.0


class Rulefarm(JobQueue):
    """The farm.

    Args:
        ground: where it runs.
    """

    name = "rulefarm"
    share = 2
    answers = True
    # Both processes are of one worker.
    workers = 1

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._settings = Settings(
            home=ground.folder / "farm", broker_url=ground.broker(0), database_url=ground.database("bench_rulefarm")
        )
        self._settings.home.mkdir(exist_ok=True)
        #: For files of a batch.
        self.folder = ground.folder
        #: Rows of a chunk.
        self.chunk_rows = self._settings.chunk_rows
        self.database = connect(self._settings)
        migrate(self.database)
        #: For a process of its own, where everything is.
        self.environ = {
            "RULEFARM_BROKER_URL": self._settings.require_broker(),
            "RULEFARM_DATABASE_URL": self._settings.require_database(),
            "RULEFARM_HOME": str(self._settings.home),
        }
        self.farm = Farm(self._settings)
        self.connection = self.connect()

    def connect(self) -> Any:
        """A connection to its database."""
        return connection(self._settings.require_database())

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        with self.database.begin() as connected:
            connected.execute(text("truncate jobs, verdicts, dead_letters, chunks, batches"))
        with self.farm.app.connection_for_write() as broker:
            for bulk in (False, True):
                broker.default_channel.queue_purge(queue_name(DOMAIN, bulk=bulk))

    def submit(self, pair: Pair) -> None:
        """Take one job."""
        self.farm.submit(DOMAIN, pair[1], key=pair[0])

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Take many jobs at once."""
        self.farm.submit_many(DOMAIN, pairs)

    def ask(self, pair: Pair) -> None:
        """Take one job and wait for its verdict."""
        self.farm.evaluate(DOMAIN, pair[1], key=pair[0], timeout=PATIENCE_S)

    def start(self) -> Fleet:
        """Start the worker of the single jobs."""
        return self.start_worker(DOMAIN, PROCESSES, bulk=False)

    def start_worker(self, domain: str, processes: int, *, bulk: bool, name: str | None = None) -> Fleet:
        """Start a worker.

        Args:
            domain: that it serves.
            processes: that judge.
            bulk: whether it takes the bulk queue.
            name: of its own. Default: that of its domain.
        """
        kind = "bulk" if bulk else "interactive"
        options = [f"--autoscale={processes},{processes}", *([f"--name={name}"] if name else [])]
        fleet = self._command("worker", f"--domains={domain}", f"--queue={kind}", *options, "--loglevel=WARNING")
        # The first one publishes it, and before that no job is taken.
        wait_until(lambda: domain in self.farm.require_ledger().domains(), PATIENCE_S)
        return fleet

    def start_worker_of_all(self, processes: int) -> Fleet:
        """Start a worker of the single jobs of all domains that are published.

        Args:
            processes: that judge.
        """
        return self._command("worker", f"--autoscale={processes},{processes}", "--loglevel=WARNING")

    def started_servants(self) -> Fleet:
        """Start beat, which starts the reconciler."""
        return self._command("beat", "--loglevel=WARNING")

    def reconciling(self) -> WorkerContext:
        """What the reconciler works with, in a worker that judges nothing."""
        return WorkerContext(self._settings, self.database, {}, self.farm.app)

    def rows(self) -> int:
        """Verdicts that are stored."""
        return self._numbers("select count(*) from verdicts")[0]

    def progress(self) -> Stored:
        """How far the workers are."""
        counts = "count(*), count(distinct subject), count(distinct worker)"
        return Stored(*self._numbers(f"select {counts} from verdicts"))

    def open_jobs(self) -> int:
        """Jobs that have no verdict yet."""
        return self._numbers("select count(*) from jobs where state = 'open'")[0]

    def messages(self, *, bulk: bool) -> int:
        """Messages that wait in the queue of the single jobs' domain.

        Args:
            bulk: whether in its bulk queue.
        """
        with self.farm.app.connection_for_write() as broker:
            return int(broker.default_channel.client.llen(queue_name(DOMAIN, bulk=bulk)))

    def empty_broker(self) -> None:
        """Have the broker lose all its data."""
        with self.farm.app.connection_for_write() as broker:
            broker.default_channel.client.flushall()

    def is_stored(self, pair: Pair) -> bool:
        """Whether there is a verdict on this job."""
        return bool(self._numbers("select count(*) from verdicts where subject = %s", (pair[0],))[0])

    def close(self) -> None:
        """End what was begun by this process."""
        self.farm.close()
        self.database.dispose()
        self.connection.close()

    def _numbers(self, statement: str, values: Sequence[object] = ()) -> tuple[int, ...]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return tuple(cursor.fetchone())

    def _command(self, *arguments: str) -> Fleet:
        return Fleet([[sys.executable, "-m", "cli.main", *arguments]], self.environ, self._log)
