"""One command as a process that is kept running.  server_process, supervisor -> [managed_process] -> child_process

Starts a command, starts it again when it ends, waits longer after each failure, and ends it with all that it has left
behind. What is special about a server or a part of the farm (when it is up, whether it may be started again, how it is
asked to end) is for the subclass to say. Also here, because both need it: a log that is moved aside when it is big,
and the search for processes that a killed farm has left. Reads no settings, and prints nothing."""

import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from tasks.retry import pause_s
from workers.child_process import die_with_parent

#: Seconds a process must live to count as one that works: its next end is then the first again.
STEADY_S = 10.0
#: A log bigger than this is moved aside before it is written to again.
MAX_LOG_BYTES = 16 * 2**20


class ManagedProcess(ABC):
    """A command that is kept running until it is asked to end, in a thread of its own: a process that is to end with
    its parent ends with the thread that started it.

    Args:
        name: for the thread, and for messages.
        command: program and arguments.
        stop_signal: ends it in good order; it gets it also when this process is gone.
        waits_s: seconds before it is started again: after the first failure, and at most; they double in between.
        user: ids of the user and the group it runs as; default: those of this process.
        cwd: its working directory.
        environ: its environment, whole; default: that of this process.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        stop_signal: signal.Signals,
        waits_s: tuple[float, float],
        user: tuple[int, int] | None = None,
        cwd: Path = Path("/"),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        #: The process that runs now, which leads a group of its own; None between two lives.
        self.pid: int | None = None
        #: The process that was started last; None before the first.
        self.last_pid: int | None = None
        #: Whether it ever lived long enough to count as one that works.
        self.was_steady = False
        self._command, self._stop_signal, self._user = command, stop_signal, user
        self._cwd, self._environ = cwd, environ
        self._first_s, self._longest_s = waits_s
        #: Held while a process is started, asked to end or reaped: nothing starts after the end was asked for.
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keep-{name}", daemon=True)

    def start(self) -> None:
        """Begin to keep it running."""
        self._thread.start()

    def request_stop(self) -> None:
        """Ask it to end in good order, and start it no more."""
        with self._guard:
            self._stopping.set()
            if self.pid is not None:
                self._ask_to_end(self.pid)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended after `request_stop`; gives whether it has.

        Args:
            timeout_s: seconds; None waits for ever.
        """
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def kill(self) -> None:
        """End it at once, with all processes of its group."""
        with self._guard:
            if self.pid is not None:
                os.killpg(self.pid, signal.SIGKILL)

    @abstractmethod
    def _open_output(self) -> IO[bytes] | int:
        """What it gets as its standard output and error."""

    @abstractmethod
    def _on_start(self, process: subprocess.Popen[bytes]) -> None:
        """Called when it has started; may wait until it is up, and raise if it does not come up: then it is killed."""

    @abstractmethod
    def _on_end(self, code: int | None, error: Exception | None) -> bool:
        """Called after each life; gives whether there is to be another one.

        Args:
            code: exit code; None if it never started.
            error: why it could not be prepared or started, or did not come up; None if it did, or was stopped before.
        """

    def _prepare(self) -> None:
        """Called before each start; may take long."""
        return

    def _ask_to_end(self, pid: int) -> None:
        """Ask the process to end in good order."""
        with suppress(ProcessLookupError):
            os.kill(pid, self._stop_signal)

    def _keep(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            code, error = self._live()
            if time.monotonic() - began >= STEADY_S:
                self.was_steady, failures = True, 0
            pause = pause_s(failures, first_s=self._first_s, longest_s=self._longest_s)
            if not self._on_end(code, error) or self._stopping.wait(pause):
                return
            failures += 1

    def _live(self) -> tuple[int | None, Exception | None]:
        """One life: what `_on_end` is called with."""
        try:
            self._prepare()
            process = self._spawn()
        except Exception as failure:
            return None, failure
        if process is None:
            return None, None
        error = None
        try:
            self._on_start(process)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        except Exception as failure:
            error = failure
        with self._guard:
            self.pid = None
            # Its group is ended before it is reaped: until then nobody else can have its id.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            return process.wait(), error

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            output = self._open_output()
            try:
                # A session of its own: Ctrl-C at the terminal must not reach what is to be ended in good order.
                process = subprocess.Popen(
                    die_with_parent(self._command, self._stop_signal, self._user),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._cwd,
                    env=self._environ,
                    start_new_session=True,
                )
            finally:
                if not isinstance(output, int):
                    output.close()
            self.pid = self.last_pid = process.pid
            return process


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; leaves it to be reaped by whoever keeps it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def open_log(path: Path) -> IO[bytes]:
    """A log to append to; one that has grown big is moved aside first, to `<name>.log.1`."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def find_processes(is_wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """The processes of this machine for which a function holds; one that raises because a process is gone, or is
    somebody else's, counts as no."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if is_wanted(process):
                processes.append(process)
    return processes


def end_processes(
    processes: Iterable[psutil.Process], number: signal.Signals, patience_s: float
) -> list[psutil.Process]:
    """End processes that need not be children of this one.

    Args:
        processes: which.
        number: the signal that asks them.
        patience_s: seconds they may take before they are killed, and then again until that has been done.

    Returns:
        Those that run even so.
    """
    remaining = list(processes)
    for signal_number in (number, signal.SIGKILL):
        for process in remaining:
            with suppress(psutil.Error):
                process.send_signal(signal_number)
        _, remaining = psutil.wait_procs(remaining, timeout=patience_s)
    return remaining
