"""Run the parts of a farm and keep them running.  Procfile -> [supervisor] -> one managed process a line

honcho reads the Procfile, but its own manager stops everything when one process ends; here a part that dies is started
again, for the farm must outlive any of its parts. SIGTERM goes to the command of a line alone: a Celery worker that is
to drain needs its children until then. Starts no services, and does not depend on what the parts do."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

import psutil
from honcho.environ import parse_procfile

from rulefarm.errors import ServiceError
from workers.local.output import PartOutput
from workers.managed_process import ManagedProcess, end_processes, find_processes

#: Seconds that a part has to finish what it has begun: a Celery worker now and then takes 32 to drain.
GRACE_S = 45.0
#: Exit codes of a part that was refused: wrong settings, wrong usage. To start it again would not help.
_REFUSED = (1, 2)
#: Seconds before a part that died is started again: the first time, and at most.
_WAITS_S = (0.5, 30.0)
#: Seconds between two looks at what the signals asked for.
_POLL_S = 0.1
#: A line with one of these is more than one command, or one with redirections.
_SHELL_OPERATOR = re.compile(r"[|&;<>()]")
_ASSIGNMENT = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_]*=")
#: Set in every part to the farm's home, so that a farm finds what an earlier one left running.
MARK = "RULEFARM_PART_OF"


def read_procfile(path: Path, only: Iterable[str] | None = None) -> dict[str, str]:
    """The lines of a Procfile: name to command.

    Args:
        path: the file.
        only: names of the lines to read; default: all.

    Raises:
        ServiceError: unreadable, empty, or without a line that `only` names.
    """
    try:
        lines: dict[str, str] = dict(parse_procfile(path.read_text(encoding="utf-8")).processes)
    except (OSError, UnicodeDecodeError, AssertionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServiceError("bad-procfile", f"{path} can't be read: {reason}", "a line is 'name: command'") from None
    return selected_lines(lines, only, str(path))


def selected_lines(lines: Mapping[str, str], only: Iterable[str] | None, source: str) -> dict[str, str]:
    """The lines that are wanted.

    Args:
        lines: name to command.
        only: names; default: all.
        source: what has the lines, for messages.

    Raises:
        ServiceError: there is none, or none that `only` names.
    """
    selected = list(lines if only is None else only)
    unknown = [name for name in selected if name not in lines]
    if unknown or not selected:
        missing = f"no line {unknown[0]!r}" if unknown else "no line"
        raise ServiceError("bad-procfile", f"{source} has {missing}", f"it has: {', '.join(lines) or 'nothing'}")
    return {name: lines[name] for name in selected}


class _Part(ManagedProcess):
    """One line of the Procfile as it runs."""

    def __init__(self, name: str, line: str, output: PartOutput, *, cwd: Path, environ: Mapping[str, str]) -> None:
        command = ["/bin/sh", "-c", _shell_line(line)]
        super().__init__(name, command, stop_signal=signal.SIGTERM, waits_s=_WAITS_S, cwd=cwd, environ=environ)
        #: Why it is not started again, once that is so.
        self.refusal: ServiceError | None = None
        self._output = output
        self._reader: threading.Thread | None = None

    def _open_output(self) -> IO[bytes] | int:
        return self._output.target(self.name)

    def _on_start(self, process: subprocess.Popen[bytes]) -> None:
        self._output.say(f"{self.name} started (pid {process.pid})")
        self._reader = threading.Thread(target=self._output.follow, args=(self.name, process), daemon=True)
        self._reader.start()

    def _on_end(self, code: int | None, error: Exception | None) -> bool:
        if error is not None:
            # No memory, no process, no file left: it may pass.
            self._output.say(f"{self.name} can't be started: {getattr(error, 'strerror', None) or error}")
        if code is None:
            return error is not None
        if self._reader is not None:
            self._reader.join()
        self._output.say(f"{self.name} ended with {_meaning(code)}")
        if code in _REFUSED and not self.was_steady and not self._stopping.is_set():
            reason = self._output.last_words(self.name) or "it wrote nothing"
            self.refusal = ServiceError("part-refused", f"{self.name} ended with {_meaning(code)} at its start", reason)
        return self.refusal is None

    def _ask_to_end(self, pid: int) -> None:
        """Ask the commands, if a shell runs them, for it would not pass the signal on."""
        targets = [pid]
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.name() == "sh":
                targets = [child.pid for child in process.children()] or targets
        for target in targets:
            super()._ask_to_end(target)


class Supervisor:
    """Keeps every part running until it is stopped.

    Args:
        lines: name to shell command.
        environ: the parts' environment, whole.
        output: takes what they write.
        home: marks the parts as those of one farm; a farm has one supervisor.
        cwd: their working directory.
        grace_s: seconds they get to end when they are stopped.
    """

    def __init__(
        self,
        lines: Mapping[str, str],
        environ: Mapping[str, str],
        output: PartOutput,
        *,
        home: Path,
        cwd: Path,
        grace_s: float = GRACE_S,
    ) -> None:
        marked = {**environ, MARK: str(home), "PYTHONUNBUFFERED": "1"}
        self._parts = [_Part(name, line, output, cwd=cwd, environ=marked) for name, line in lines.items()]
        self._output = output
        self._home = home
        self._grace_s = grace_s
        self._stopping = threading.Event()

    @property
    def pids(self) -> dict[str, int]:
        """The parts that run now, by name."""
        return {part.name: pid for part in self._parts if (pid := part.pid) is not None}

    @property
    def refusal(self) -> ServiceError | None:
        """Why a part is not started again; None: none was refused."""
        return next((part.refusal for part in self._parts if part.refusal is not None), None)

    @property
    def running(self) -> bool:
        """Whether the parts are kept running: nobody has stopped them, and none was refused."""
        return not self._stopping.is_set() and self.refusal is None

    def start(self) -> None:
        """Start every part, after whatever an earlier farm left running in this home is ended."""
        self._end_leftovers()
        for part in self._parts:
            part.start()

    def wait(self, signals: list[int]) -> None:
        """Wait until a signal number stands in `signals`, or until a part is refused."""
        while not signals and self.running:
            self._stopping.wait(_POLL_S)

    def stop(self, signals: list[int] | None = None) -> bool:
        """Let the parts end, and end those that do not within the grace.

        Args:
            signals: signal numbers, as they come in; a second one ends the grace.

        Returns:
            Whether all ended by themselves.
        """
        self._stopping.set()
        for part in self._parts:
            part.request_stop()
        give_up = time.monotonic() + self._grace_s
        while remaining := [part for part in self._parts if not part.join(0)]:
            if time.monotonic() > give_up or (signals is not None and len(signals) > 1):
                for part in remaining:
                    if part.pid is not None:
                        self._output.say(f"{part.name} has not ended and is killed")
                    part.kill()
                for part in remaining:
                    part.join()
                return False
            remaining[0].join(_POLL_S)
        return True

    def _end_leftovers(self) -> None:
        this = psutil.Process()
        family = {this.pid, *(parent.pid for parent in this.parents())}
        leftovers = find_processes(
            lambda process: process.pid not in family and process.environ().get(MARK) == str(self._home)
        )
        if leftovers:
            self._output.say(f"ending {len(leftovers)} processes that an earlier farm left running")
            end_processes(leftovers, signal.SIGKILL, self._grace_s)


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """Note SIGINT, SIGTERM and SIGHUP in a list instead of obeying them; main thread only.

    Nothing else is done in the handler: it may interrupt any line of the main thread, locks held.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Who started us without a hangup signal (nohup) wants it so.
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shell_line(command: str) -> str:
    """The command line for the shell, which is to become the command rather than stand between it and us."""
    if _SHELL_OPERATOR.search(command):
        return command
    return f"exec env {command}" if _ASSIGNMENT.match(command) else f"exec {command}"


def _meaning(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
