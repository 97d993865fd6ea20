"""One embedded server, kept running.  postgres, valkey -> [server_process] -> services

Takes the description of a server (how to prepare, start and ask it) and gives a server that answers, is started again
when it dies, and is gone when it should be. Knows neither SQL nor Redis."""

import logging
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Protocol

import psutil

from rulefarm.errors import ServiceError
from workers.managed_process import ManagedProcess, end_processes, find_processes, has_ended, open_log

#: Seconds between two looks at a server that starts.
_POLL_S = 0.01
#: Seconds before a server that died is started again: the first time, and at most.
_WAITS_S = (0.1, 10.0)

_log = logging.getLogger("workers.embedded.services")


class ServerSpec(Protocol):
    """How one kind of server is started, asked and stopped."""

    #: Name in messages, of the log and of the data folder.
    name: str
    #: Sent to stop it in good order: everything it has accepted is on disk when it is gone.
    stop_signal: signal.Signals
    #: Ids of the user and group it runs as; None: those of this process.
    user: tuple[int, int] | None

    def prepare(self) -> None:
        """Make the data folder and the configuration, after any server that was left on it is gone."""
        ...

    def command(self) -> list[str]:
        """The command line; it holds no secret."""
        ...

    def is_ready(self) -> bool:
        """Whether the server takes requests now."""
        ...

    def is_ours(self, process: psutil.Process) -> bool:
        """Whether that process serves, or still works on, this data; may raise `psutil.Error`."""
        ...


class ServerProcess(ManagedProcess):
    """A server that is kept running until `stop`.

    Args:
        spec: what to run.
        log: file that takes its output.
        ready_s: seconds it may take until it answers; recovery after a crash reads the log of all changes.
        stop_s: seconds it may take to stop in good order before it is killed.
        restarted: called, in the server's own thread, whenever it answers again after it died.
    """

    def __init__(
        self,
        spec: ServerSpec,
        log: Path,
        *,
        ready_s: float = 120.0,
        stop_s: float = 30.0,
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(spec.name, spec.command(), stop_signal=spec.stop_signal, waits_s=_WAITS_S, user=spec.user)
        self._spec = spec
        self._log_path = log
        #: Where in the log the output of its present life begins.
        self._log_start = 0
        self._ready_s = ready_s
        self._stop_s = stop_s
        self._restarted = restarted
        self._first_ready: Future[None] = Future()

    def wait_ready(self) -> None:
        """Wait until the server answers for the first time.

        Raises:
            ServiceError: it did not; nothing of it runs on.
        """
        self._first_ready.result()

    def stop(self) -> None:
        """Stop in good order, or by force after `stop_s`; harmless if it is stopped already."""
        self.request_stop()
        if not self.join(self._stop_s):
            if self.pid is not None:
                _log.warning("%s did not stop within %g s and is killed", self.name, self._stop_s)
            self.kill()
            self.join()

    def _prepare(self) -> None:
        end_leftovers(self._spec, self._stop_s)
        self._spec.prepare()

    def _open_output(self) -> IO[bytes]:
        log = open_log(self._log_path)
        self._log_path.chmod(0o600)
        self._log_start = log.tell()
        return log

    def _on_start(self, process: subprocess.Popen[bytes]) -> None:
        give_up = time.monotonic() + self._ready_s
        while not self._spec.is_ready():
            if has_ended(process) or time.monotonic() > give_up:
                raise self._failure()
            time.sleep(_POLL_S)
        if not self._first_ready.done():
            self._first_ready.set_result(None)
            return
        try:
            self._restarted()
            _log.warning("%s answers again", self.name)
        except Exception as error:
            # The server runs, whatever became of telling others so.
            _log.warning("%s", error)

    def _on_end(self, code: int | None, error: Exception | None) -> bool:
        if not self._first_ready.done():
            self._first_ready.set_exception(error or self._stopped())
            return False
        if error is not None:
            _log.warning("%s", error)
        elif not self._stopping.is_set():
            _log.warning("%s stopped with code %s and is started again", self.name, code)
        return True

    def _stopped(self) -> ServiceError:
        return ServiceError("service-stopped", f"{self.name} was stopped while it started")

    def _failure(self) -> ServiceError:
        if self._stopping.is_set():
            return self._stopped()
        with self._log_path.open("rb") as log:
            log.seek(self._log_start)
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "***" in line] or lines[-1:]
        return ServiceError(
            "service-failed",
            f"{self.name} did not start: {fatal[0].strip() if fatal else 'it wrote nothing'}",
            f"its log is {self._log_path}",
        )


def end_leftovers(spec: ServerSpec, patience_s: float = 30.0) -> None:
    """End every server that a killed farm left on the same data: there must never be two.

    Args:
        spec: says which processes they are.
        patience_s: seconds they may take to stop in good order before they are killed.

    Raises:
        ServiceError: one of them can't be ended.
    """
    leftovers = find_processes(spec.is_ours)
    if not leftovers:
        return
    _log.warning("stopping the %s that an earlier farm left running (pid %s)", spec.name, leftovers[0].pid)
    if remaining := end_processes(leftovers, spec.stop_signal, patience_s):
        raise ServiceError(
            "service-failed", f"an earlier {spec.name} (pid {remaining[0].pid}) can't be stopped", "stop it by hand"
        )
