"""One embedded server, kept running.  postgres, valkey -> [server] -> services

Takes a recipe (how to prepare, start and question one server) and gives a server that answers, is started again when it
dies, and is gone when it should be. Each server has a thread of its own, since a tethered process lives only as long as
the thread that started it. Knows neither SQL nor Redis."""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from rulefarm.errors import ServiceError
from workers.child_process import die_with_parent

#: A log bigger than this is moved aside when the server starts.
_LOG_BYTES = 16 * 2**20
#: Seconds between two looks at a server that starts.
_POLL_S = 0.01
#: Seconds before a server that died is started again; doubles, up to the second, while it does not stay up.
_BACKOFF_S = (0.1, 10.0)
#: Seconds a server must stay up for its next death to count as the first.
_STEADY_S = 10.0

_log = logging.getLogger("workers.embedded.services")


class ServerSpec(Protocol):
    """How one kind of server is started, questioned and stopped."""

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

    def answers(self) -> bool:
        """Whether the server takes requests now."""
        ...

    def owns(self, process: psutil.Process) -> bool:
        """Whether that process serves, or still works on, this data; may raise `psutil.Error`."""
        ...


class ServerProcess:
    """A server that is kept running until `stop`.

    Args:
        recipe: what to run.
        log: file that takes its output.
        ready_s: seconds it may take until it answers; recovery after a crash reads the log of all changes.
        stop_s: seconds it may take to stop in good order before it is killed.
        restarted: called, in the server's own thread, whenever it answers again after it died.
    """

    def __init__(
        self,
        recipe: ServerSpec,
        log: Path,
        *,
        ready_s: float = 120.0,
        stop_s: float = 30.0,
        restarted: Callable[[], None] = lambda: None,
    ) -> None:
        self._recipe = recipe
        self._log_path = log
        self._ready_s = ready_s
        self._stop_s = stop_s
        self._restarted = restarted
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._answered: Future[None] = Future()
        self._thread = threading.Thread(target=self._keep, name=f"keep-{recipe.name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """The process as it runs now; another one after a restart."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Begin to start; `wait_ready` tells how it went."""
        self._thread.start()

    def wait_ready(self) -> None:
        """Wait until the server answers for the first time.

        Raises:
            ServiceError: it did not; nothing of it runs on.
        """
        self._answered.result()

    def stop(self) -> None:
        """Stop in good order, or by force after `stop_s`; harmless if it is stopped already."""
        with self._starting:
            self._stopping.set()
            process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(self._recipe.stop_signal)
            try:
                process.wait(self._stop_s)
            except subprocess.TimeoutExpired:
                _log.warning("%s did not stop within %g s and is killed", self._recipe.name, self._stop_s)
                process.kill()
        if self._thread.ident is not None:
            self._thread.join()

    def _keep(self) -> None:
        try:
            self._begin()
        except BaseException as error:
            self._answered.set_exception(error)
            return
        self._answered.set_result(None)
        backoff, since = _BACKOFF_S[0], time.monotonic()
        while (process := self._process) is not None:
            code = process.wait()
            if time.monotonic() - since > _STEADY_S:
                backoff = _BACKOFF_S[0]
            if self._stopping.wait(backoff):
                return
            backoff, since = min(backoff * 2, _BACKOFF_S[1]), time.monotonic()
            _log.warning("%s stopped with code %s and is started again", self._recipe.name, code)
            try:
                self._begin()
                self._restarted()
                _log.warning("%s answers again", self._recipe.name)
            except Exception as error:
                _log.warning("%s", error)

    def _begin(self) -> None:
        """Start once and wait until it answers; leaves nothing running when it fails."""
        end_leftovers(self._recipe, self._stop_s)
        self._recipe.prepare()
        if self._log_path.exists() and self._log_path.stat().st_size > _LOG_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.1"))
        with self._starting, self._log_path.open("ab") as log:
            if self._stopping.is_set():
                raise ServiceError("service-stopped", f"{self._recipe.name} was stopped while it started")
            self._log_path.chmod(0o600)
            said = log.tell()
            # A session of its own: Ctrl-C at the terminal must reach the workers only, or they could not drain.
            self._process = process = subprocess.Popen(
                die_with_parent(self._recipe.command(), self._recipe.stop_signal, self._recipe.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            )
        give_up = time.monotonic() + self._ready_s
        while not self._recipe.answers():
            if process.poll() is not None or time.monotonic() > give_up:
                process.kill()
                process.wait()
                raise self._failure(said)
            time.sleep(_POLL_S)

    def _failure(self, said: int) -> ServiceError:
        if self._stopping.is_set():
            return ServiceError("service-stopped", f"{self._recipe.name} was stopped while it started")
        with self._log_path.open("rb") as log:
            log.seek(said)
            lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "***" in line] or lines[-1:]
        return ServiceError(
            "service-failed",
            f"{self._recipe.name} did not start: {telling[0].strip() if telling else 'it said nothing'}",
            f"its log is {self._log_path}",
        )


def end_leftovers(recipe: ServerSpec, patience_s: float = 30.0) -> None:
    """End every server that a killed farm left on the same data: there must never be two.

    Args:
        recipe: tells which processes they are.
        patience_s: seconds they may take to stop in good order before they are killed.

    Raises:
        ServiceError: one of them can't be ended.
    """
    leftovers = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if recipe.owns(process):
                process.send_signal(recipe.stop_signal)
                leftovers.append(process)
    if not leftovers:
        return
    _log.warning("stopping the %s that an earlier farm left running (pid %s)", recipe.name, leftovers[0].pid)
    _, alive = psutil.wait_procs(leftovers, timeout=patience_s)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    _, alive = psutil.wait_procs(alive, timeout=patience_s)
    if alive:
        raise ServiceError(
            "service-failed", f"an earlier {recipe.name} (pid {alive[0].pid}) can't be stopped", "stop it by hand"
        )
