"""A process that is kept running: started again, ended with its group, not started once its end was asked for."""

import signal
import subprocess
import threading
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests.processes import until
from workers.managed_process import MAX_LOG_BYTES, ManagedProcess, end_processes, find_processes, open_log

WAITS_S = (0.01, 0.05)


class Shell(ManagedProcess):
    """A shell command; notes how its lives ended, and ends after so many."""

    def __init__(self, line: str, log: Path, *, lives: int = 1_000, fails: bool = False) -> None:
        command = ["/bin/sh", "-c", line]
        super().__init__("shell", command, stop_signal=signal.SIGTERM, waits_s=WAITS_S, cwd=log.parent)
        self.log, self.lives, self.fails = log, lives, fails
        self.ends: list[tuple[int | None, str]] = []

    def _open_output(self) -> IO[bytes]:
        return open_log(self.log)

    def _on_start(self, process: subprocess.Popen[bytes]) -> None:
        if self.fails:
            until(lambda: self.log.stat().st_size > 0)
            raise RuntimeError("it does not come up")

    def _on_end(self, code: int | None, error: Exception | None) -> bool:
        self.ends.append((code, str(error or "")))
        return len(self.ends) < self.lives


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "shell.log"


def test_it_is_started_again_until_it_is_not_to_be(log: Path) -> None:
    shell = Shell("exit 3", log, lives=3)
    shell.start()
    assert shell.join(60)
    assert shell.ends == [(3, "")] * 3
    assert shell.pid is None
    assert not shell.was_steady


def test_what_can_not_be_started_is_tried_again(log: Path) -> None:
    log.mkdir()
    shell = Shell("true", log, lives=2)
    shell.start()
    assert shell.join(60)
    assert [code for code, _ in shell.ends] == [None, None]
    assert "Is a directory" in shell.ends[0][1]
    assert shell.last_pid is None


def test_what_does_not_come_up_is_killed_with_its_group(log: Path) -> None:
    shell = Shell("sleep 600 & echo $!; wait", log, lives=1, fails=True)
    shell.start()
    assert shell.join(60)
    assert shell.ends == [(-signal.SIGKILL, "it does not come up")]
    child = int(log.read_text())
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_nothing_starts_after_the_end_was_asked_for(log: Path) -> None:
    shell = Shell("sleep 600", log, lives=1)
    shell.request_stop()
    shell.start()
    assert shell.join(60)
    assert shell.ends == [(None, "")]
    assert not log.exists()


def test_it_is_asked_to_end_and_may_be_killed(log: Path) -> None:
    shell = Shell("trap '' TERM; echo ready; while true; do sleep 0.05; done", log)
    shell.start()
    until(lambda: log.exists() and "ready" in log.read_text())
    shell.request_stop()
    assert not shell.join(0.3)
    shell.kill()
    assert shell.join(60)
    assert shell.ends == [(-signal.SIGKILL, "")]


def test_what_others_left_is_found_and_ended(log: Path) -> None:
    mark = f"RULEFARM_TEST_OF={log}"
    with subprocess.Popen(["/usr/bin/env", mark, "sleep", "600"]) as child:
        reaper = threading.Thread(target=child.wait)
        reaper.start()
        [found] = until(lambda: find_processes(lambda process: process.environ().get("RULEFARM_TEST_OF") == str(log)))
        assert found.pid == child.pid
        assert end_processes([found], signal.SIGTERM, 30) == []
        reaper.join(30)
        # Whoever of the two collected it has its exit code; what counts is that it is gone.
        assert not found.is_running()


def test_a_big_log_is_moved_aside(log: Path) -> None:
    with log.open("wb") as file:
        file.truncate(MAX_LOG_BYTES + 1)
    with open_log(log) as file:
        file.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert log.with_suffix(".log.1").stat().st_size == MAX_LOG_BYTES + 1
