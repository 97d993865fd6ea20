"""The parts of a farm: kept running, told to end, ended; with real processes."""

import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from rulefarm.errors import ServiceError
from rulefarm.settings import Settings
from tests.processes import until
from tests.workers.local.parts import PARENT, POLITE, UNRESPONSIVE
from workers.local import environ_of
from workers.local.output import Console, LogFolder
from workers.local.supervisor import Supervisor, read_procfile


@contextmanager
def supervised(log: Path, *, grace_s: float = 20.0, **lines: str) -> Iterator[Supervisor]:
    environ = environ_of(Settings(home=log), os.environ)
    supervisor = Supervisor(lines, environ, LogFolder(log), home=log, cwd=log, grace_s=grace_s)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def wrote(log: Path, part: str, words: str) -> bool:
    path = log / f"{part}.log"
    return path.exists() and words in path.read_text()


def test_a_procfile_is_read(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("# a comment\none: echo 1\ntwo: echo 2 && true\n")
    assert read_procfile(path) == {"one": "echo 1", "two": "echo 2 && true"}
    assert read_procfile(path, ["two"]) == {"two": "echo 2 && true"}


@pytest.mark.parametrize(
    ("text", "only", "words"),
    [
        ("one: echo 1\n", ["two"], "has no line 'two' (it has: one)"),
        ("", None, "has no line (it has: nothing)"),
        ("one: echo 1\none: echo 2\n", None, "process names must be unique"),
        (None, None, "can't be read: No such file or directory"),
    ],
)
def test_a_bad_procfile_is_refused(tmp_path: Path, text: str | None, only: list[str] | None, words: str) -> None:
    path = tmp_path / "Procfile"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ServiceError) as caught:
        read_procfile(path, only)
    assert caught.value.code == "bad-procfile"
    assert words in str(caught.value)


def test_a_part_that_dies_is_started_again_and_the_others_stay(log: Path, script: Callable[[str, str], str]) -> None:
    polite = script("polite", POLITE)
    with supervised(log, one=polite, two=polite) as supervisor:
        until(lambda: wrote(log, "one", "ready") and wrote(log, "two", "ready"))
        before = supervisor.pids
        os.kill(before["one"], signal.SIGKILL)
        until(lambda: supervisor.pids.get("one") not in (None, before["one"]))
        assert supervisor.pids["two"] == before["two"]
        until(lambda: (log / "one.log").read_text().count("ready") == 2)
    assert "one ended with signal SIGKILL" in (log / "farm.log").read_text()
    assert (log / "two.log").read_text() == "ready\ntold\n"
    assert not any(psutil.pid_exists(pid) for pid in before.values())


def test_a_part_that_crashes_at_its_start_is_tried_again(log: Path) -> None:
    with supervised(log, crash="kill -9 $$") as supervisor:
        until(lambda: wrote(log, "farm", "crash ended with signal SIGKILL"))
        until(lambda: (log / "farm.log").read_text().count("crash started") >= 2)
        assert supervisor.refusal is None


def test_a_part_that_is_refused_stops_the_farm(log: Path, script: Callable[[str, str], str]) -> None:
    with supervised(log, good=script("polite", POLITE), bad="echo no broker; exit 1") as supervisor:
        supervisor.wait(signals=[])
        assert str(supervisor.refusal) == "bad ended with code 1 at its start (no broker)"
    assert supervisor.pids == {}


def test_the_end_is_asked_of_the_command_alone(log: Path, script: Callable[[str, str], str]) -> None:
    with supervised(log, worker=script("parent", PARENT)) as supervisor:
        until(lambda: wrote(log, "worker", "ready") and (log / "worker.log").read_text().count("ready") == 2)
        assert supervisor.stop()
    text = (log / "worker.log").read_text()
    assert "child runs" in text
    assert "child told" not in text
    # What the parent left behind is ended with it.
    orphan = int(text.split("ready ")[1].split()[0])
    until(lambda: not psutil.pid_exists(orphan) or psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("line", ["{}", "GREETING=hello {}", "true && {}", "{} > out.txt 2>&1", "cd . ; {}"])
def test_every_kind_of_line_can_be_ended(log: Path, script: Callable[[str, str], str], line: str) -> None:
    target = log / ("out.txt" if ">" in line else "part.log")
    with supervised(log, part=line.format(script("polite", POLITE))) as supervisor:
        until(lambda: target.exists() and "ready" in target.read_text())
        assert supervisor.stop()
    assert "told" in target.read_text()


def test_an_unresponsive_part_is_killed_after_the_grace(log: Path, script: Callable[[str, str], str]) -> None:
    with supervised(
        log, grace_s=10.0, unresponsive=script("unresponsive", UNRESPONSIVE), good=script("polite", POLITE)
    ) as supervisor:
        until(lambda: wrote(log, "unresponsive", "ready") and wrote(log, "good", "ready"))
        pid = supervisor.pids["unresponsive"]
        assert not supervisor.stop()
        assert not psutil.pid_exists(pid)
    assert "unresponsive has not ended and is killed" in (log / "farm.log").read_text()
    assert wrote(log, "good", "told")


def test_a_second_signal_ends_the_grace(log: Path, script: Callable[[str, str], str]) -> None:
    with supervised(log, grace_s=600.0, unresponsive=script("unresponsive", UNRESPONSIVE)) as supervisor:
        until(lambda: wrote(log, "unresponsive", "ready"))
        assert not supervisor.stop(signals=[signal.SIGINT, signal.SIGINT])


def test_the_console_names_the_parts(log: Path) -> None:
    stream = io.StringIO()
    environ = environ_of(Settings(home=log), os.environ)
    lines = {
        "one": "echo first; echo second >&2; sleep 600",
        "other": "printf 'no end of line'; touch said; exec sleep 600",
    }
    supervisor = Supervisor(lines, environ, Console(stream, list(lines)), home=log, cwd=log)
    supervisor.start()
    until(lambda: "second" in stream.getvalue() and (log / "said").exists())
    supervisor.stop()
    text = [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]
    assert {"one   | first", "one   | second", "other | no end of line"} <= set(text)
    assert any(line.startswith("farm  | one started (pid ") for line in text)


def test_a_console_that_nobody_reads_stops_nothing(log: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environ = environ_of(Settings(home=log), os.environ)
    lines = {"part": "seq 20000; touch done; exec sleep 600"}
    with suppress(BrokenPipeError), os.fdopen(writer, "w", buffering=1) as stream:
        supervisor = Supervisor(lines, environ, Console(stream, list(lines)), home=log, cwd=log)
        supervisor.start()
        until(lambda: (log / "done").exists())
        assert supervisor.stop()
