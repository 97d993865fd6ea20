"""Report an attempt whose process died, from the worker's main process.  pool -> [request] -> tasks.worker_lost

A pool process that is killed, or runs out of time, can't report its failed attempt; without this the lease of its job
or chunk would keep other workers from it until it expires. Decides nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from billiard.einfo import ExceptionInfo, ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request

from store.dead_letters import Failure
from tasks.worker_lost import record_worker_lost
from workers.scaling import PACE

#: Its thread starts with the first process that is lost, in the worker's main process.
_recorder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lost")


class FarmRequest(Request):
    """Celery's request: a message that was given to the pool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Celery logs an acknowledgement that the broker did not take, and goes on one message narrower for each. Not
        # caught, it ends the connection, and with the next one the worker has its whole width again.
        self._connection_errors = ()

    def acknowledge(self) -> None:
        """As Celery's; and how long it took is noted."""
        if self.time_start and not self.acknowledged:
            PACE.note(time.time() - self.time_start)
        super().acknowledge()

    def on_failure(self, exc_info: ExceptionInfo, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """As Celery's; and if the process died, its attempt has failed."""
        result = super().on_failure(exc_info, send_failed_event, return_ok)
        error = exc_info.exception
        # What was raised in the main process comes wrapped up, as if it had crossed a pipe.
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError):
            self._record(Failure("worker-lost", f"the process that judged it died: {error}"))
        return result

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """As Celery's; and if the process is killed for it, its attempt has failed."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._record(Failure("time-limit", f"judging it took more than {timeout:g} s"))

    def _record(self, failure: Failure) -> None:
        # The loop that takes messages waits for no database.
        _recorder.submit(record_worker_lost, self.task.name, self.kwargs, self.hostname, failure, pid=self.worker_pid)
