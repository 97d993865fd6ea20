"""Check that the workers of a farm answer.  supervisor, broker -> [readiness] -> the parts that are still missing

A worker is up when it answers over the broker, not when its process exists. Checks once; the caller waits."""

import os
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from celery import Celery
from kombu.exceptions import OperationalError

from rulefarm.messaging import create_app
from rulefarm.settings import Settings
from workers.local.supervisor import Supervisor

#: Seconds to wait for answers; a worker that is up gives its own in milliseconds.
_ANSWER_S = 1.0


class ReadinessCheck(AbstractContextManager["ReadinessCheck"]):
    """Asks the workers that one supervisor runs whether they are up.

    Args:
        settings: where the broker is.
        supervisor: runs them on this machine.
        workers: names of the parts that are workers.
    """

    def __init__(self, settings: Settings, supervisor: Supervisor, workers: list[str]) -> None:
        self._app: Celery = create_app(settings)
        self._supervisor = supervisor
        self._workers = workers
        #: Workers of other farms on the same broker, who answer too.
        self._others = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go of the broker."""
        self._app.close()

    def missing(self) -> list[str]:
        """The workers that do not answer now, by the names of their parts."""
        running = self._supervisor.pids
        expected = {name: running.get(name) for name in self._workers}
        answering: set[int | None] = set()
        if expected and all(expected.values()):
            with suppress(OperationalError, OSError):
                inspect = self._app.control.inspect(timeout=_ANSWER_S, limit=len(expected) + self._others)
                answering = {_group(node["pid"]) for node in (inspect.stats() or {}).values()}
        self._others = len(answering - set(expected.values()))
        return [name for name, pid in expected.items() if pid not in answering]


def _group(pid: int) -> int | None:
    # A worker is asked for its own process id; the part's process leads its group, whether it is that or a shell.
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None
