"""Run the parts of a farm and keep them running.  Procfile -> [supervisor] -> one process a line

honcho reads the Procfile, but its own manager stops everything when one process ends; here a part that dies is started
again, for the farm must outlive any of its parts. SIGTERM goes to the command of a line alone: a Celery worker that is
to drain must not have its children shot from under it. Starts no services and knows nothing of what the parts do."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psutil
from honcho.environ import parse_procfile
from honcho.process import Popen

from rulefarm.errors import ServiceError
from workers.child_process import die_with_parent
from workers.local.output import Output

#: Seconds that a part has to finish what it has begun: a Celery worker now and then takes 32 to drain.
GRACE_S = 45.0
#: Seconds a part must live to count as one that works.
_STEADY_S = 10.0
#: Exit codes of a part that was refused: wrong settings, wrong usage. To start it again would not help.
_REFUSED = (1, 2)
#: Seconds before a part that died is started again: the first time, and at most; it doubles in between.
_BACKOFF_S = (0.5, 30.0)
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
        only: names of the lines wanted; default: all.

    Raises:
        ServiceError: unreadable, empty, or without a line that is wanted.
    """
    try:
        lines: dict[str, str] = dict(parse_procfile(path.read_text(encoding="utf-8")).processes)
    except (OSError, UnicodeDecodeError, AssertionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServiceError("bad-procfile", f"{path} can't be read: {reason}", "a line is 'name: command'") from None
    wanted = list(lines if only is None else only)
    unknown = [name for name in wanted if name not in lines]
    if unknown or not wanted:
        missing = f"no line {unknown[0]!r}" if unknown else "no line"
        raise ServiceError("bad-procfile", f"{path} has {missing}", f"it has: {', '.join(lines) or 'nothing'}")
    return {name: lines[name] for name in wanted}


@dataclass(slots=True)
class _Part:
    """One line of the Procfile as it runs."""

    command: str
    #: Its process, which leads a group of its own. None: between two lives.
    pid: int | None = None
    #: Whether it ever lived long enough to count as one that works.
    worked: bool = False
    thread: threading.Thread | None = field(default=None, repr=False)


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
        output: Output,
        *,
        home: Path,
        cwd: Path,
        grace_s: float = GRACE_S,
    ) -> None:
        self._parts = {name: _Part(command) for name, command in lines.items()}
        self._environ = {**environ, MARK: str(home), "PYTHONUNBUFFERED": "1"}
        self._output = output
        self._home = home
        self._cwd = cwd
        self._grace_s = grace_s
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self.refusal: ServiceError | None = None

    @property
    def pids(self) -> dict[str, int]:
        """The parts that run now, by name."""
        with self._guard:
            return {name: part.pid for name, part in self._parts.items() if part.pid is not None}

    @property
    def running(self) -> bool:
        """Whether the parts are kept running: nobody has stopped them, and none was refused."""
        return not self._stopping.is_set() and self.refusal is None

    def start(self) -> None:
        """Start every part, after whatever an earlier farm left running in this home is ended."""
        self._end_leftovers()
        for name, part in self._parts.items():
            # A thread each: a tethered process lives as long as the thread that started it.
            part.thread = threading.Thread(target=self._keep, args=(name, part), name=f"keep-{name}", daemon=True)
            part.thread.start()

    def wait(self, asked: list[int]) -> None:
        """Wait until a signal number stands in `asked`, or until a part is refused."""
        while not asked and self.running:
            self._stopping.wait(_POLL_S)

    def stop(self, asked: list[int] | None = None) -> bool:
        """Let the parts end, and end those that do not within the grace.

        Args:
            asked: signal numbers, as they come in; a second one ends the grace.

        Returns:
            Whether all ended by themselves.
        """
        with self._guard:
            self._stopping.set()
            for part in self._parts.values():
                if part.pid is not None:
                    _end(part.pid)
        give_up = time.monotonic() + self._grace_s
        threads = [part.thread for part in self._parts.values() if part.thread is not None]
        while any(thread.is_alive() for thread in threads):
            if time.monotonic() > give_up or (asked is not None and len(asked) > 1):
                for name in self.pids:
                    self._output.say(f"{name} has not ended and is killed")
                self._kill()
                return False
            for thread in threads:
                thread.join(_POLL_S / len(threads))
        return True

    def _kill(self) -> None:
        with self._guard:
            for part in self._parts.values():
                if part.pid is not None:
                    os.killpg(part.pid, signal.SIGKILL)
        for part in self._parts.values():
            if part.thread is not None:
                part.thread.join()

    def _keep(self, name: str, part: _Part) -> None:
        backoff = _BACKOFF_S[0]
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                code = self._live(name, part)
            except OSError as error:
                # No memory, no process, no file left: it may pass.
                self._output.say(f"{name} can't be started: {error.strerror}")
                code = None
            if time.monotonic() - began >= _STEADY_S:
                part.worked, backoff = True, _BACKOFF_S[0]
            if code in _REFUSED and not part.worked and not self._stopping.is_set():
                words = self._output.last_words(name) or "it said nothing"
                self.refusal = ServiceError("part-refused", f"{name} ended with {_meaning(code)} at its start", words)
                return
            self._stopping.wait(backoff)
            backoff = min(backoff * 2, _BACKOFF_S[1])

    def _live(self, name: str, part: _Part) -> int | None:
        """One life of a part, from its start to its exit code; None if the farm stops before."""
        process = self._spawn(name, part)
        if process is None:
            return None
        self._output.say(f"{name} started (pid {process.pid})")
        reader = threading.Thread(target=self._output.follow, args=(name, process), daemon=True)
        reader.start()
        code = self._outlive(part, process)
        reader.join()
        self._output.say(f"{name} ended with {_meaning(code)}")
        return code

    def _spawn(self, name: str, part: _Part) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            target = self._output.target(name)
            try:
                process: subprocess.Popen[bytes] = Popen(
                    die_with_parent(["/bin/sh", "-c", _shell_line(part.command)], signal.SIGTERM),
                    shell=False,
                    env=self._environ,
                    cwd=self._cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=target,
                )
            finally:
                if not isinstance(target, int):
                    target.close()
            part.pid = process.pid
            return process

    def _outlive(self, part: _Part, process: subprocess.Popen[bytes]) -> int:
        """Wait for the process, and end what is left of its group."""
        # The process is not reaped yet, so nobody else can have its id when its group is ended.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._guard:
            part.pid = None
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def _end_leftovers(self) -> None:
        leftovers = []
        myself = psutil.Process()
        mine = {myself.pid, *(parent.pid for parent in myself.parents())}
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid not in mine and process.environ().get(MARK) == str(self._home):
                    process.kill()
                    leftovers.append(process)
        if leftovers:
            self._output.say(f"ended {len(leftovers)} processes that an earlier farm left running")
            psutil.wait_procs(leftovers, timeout=self._grace_s)


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """Note SIGINT, SIGTERM and SIGHUP in a list instead of obeying them; main thread only.

    Nothing else is done in the handler: it may interrupt any line of the main thread, locks held.
    """
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Who started us without a hangup signal (nohup) wants it so.
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shell_line(command: str) -> str:
    """The command line for the shell, which is to become the command rather than stand between it and us."""
    if _SHELL_OPERATOR.search(command):
        return command
    return f"exec env {command}" if _ASSIGNMENT.match(command) else f"exec {command}"


def _end(pid: int) -> None:
    """Send SIGTERM to a part: to the commands, if a shell runs them, for it would not pass the signal on."""
    targets = [pid]
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.name() == "sh":
            targets = [child.pid for child in process.children()] or targets
    for target in targets:
        with suppress(ProcessLookupError):
            os.kill(target, signal.SIGTERM)


def _meaning(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
