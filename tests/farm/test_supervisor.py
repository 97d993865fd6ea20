"""The parts of a farm: kept running, told to end, ended; with real processes."""

import io
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

import psutil
import psycopg2
import pytest

from cli.main import COMMANDS, cli
from rulefarm.errors import ServiceError
from rulefarm.ledger import connect
from rulefarm.settings import Settings
from rulesets.loader import SHIPPED, available_domains
from store.migrate import migrate
from tests.farm.processes import python, says, until
from workers.farm import environ_of, running_farm, shipped_procfile
from workers.output import Console, LogFolder
from workers.supervisor import Supervisor, read_procfile

#: A part that says when it is ready and what it is told, and ends when it is told to.
POLITE = """
import signal, sys
def leave(number, frame):
    print('told', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print('ready', flush=True)
while True:
    signal.pause()
"""
#: A part that does not care.
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('ready', flush=True)
while True:
    signal.pause()
"""
#: The farm as `rulefarm up` runs it: home, Procfile.
FARM = """
import os, sys
from pathlib import Path
from rulefarm.settings import Settings
from workers.farm import run_farm

settings = Settings.from_env({**os.environ, "RULEFARM_HOME": sys.argv[1]})
sys.exit(run_farm(settings, lambda known: None, environ=os.environ, procfile=Path(sys.argv[2])))
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.mkdir()
    return path


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], str]:
    """Turns a program into a shell command."""

    def write(name: str, code: str) -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(code)
        return f"python {path}"

    return write


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


def test_the_shipped_procfile_names_real_commands_and_every_domain() -> None:
    served = {False: set[str](), True: set[str]()}
    for line in read_procfile(shipped_procfile()).values():
        program, name, *arguments = line.split()
        assert program == "rulefarm"
        assert name in COMMANDS
        command = cli.get_command(cli.make_context("rulefarm", ["--help"], resilient_parsing=True), name)
        assert command is not None
        parsed = command.make_context(name, arguments).params
        if name == "worker":
            served[parsed["queue"] == "bulk"] |= set(parsed["domains"].split(","))
    assert served[False] == served[True] == set(available_domains(SHIPPED))


def test_settings_survive_the_environment(tmp_path: Path) -> None:
    text = {"broker_url": "redis://x", "database_url": "postgresql://y", "flower_password": "a:b"}
    settings = Settings(home=tmp_path, rulesets=tmp_path / "rules", chunk_rows=7, reconcile_interval_s=0.5, **text)
    environ = environ_of(settings, {"RULEFARM_CHUNK_ROWS": "9", "RULEFARM_NIGHTLY_SOURCE": "x", "OTHER": "kept"})
    assert Settings.from_env(environ) == settings
    assert environ["OTHER"] == "kept"
    assert {name.removeprefix("RULEFARM_").lower() for name in environ if name.startswith("RULEFARM_")} <= {
        field.name for field in fields(Settings)
    }


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
        supervisor.wait(asked=[])
        assert str(supervisor.refusal) == "bad ended with code 1 at its start (no broker)"
    assert supervisor.pids == {}


def test_the_end_is_told_to_the_command_alone(log: Path, script: Callable[[str, str], str]) -> None:
    # As a Celery worker: its children must go on until the parent has drained.
    parent = f"""
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {POLITE.replace("told", "child told")!r}])
def drain(number, frame):
    print("child runs" if child.poll() is None else "child is gone", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
print("ready", child.pid, flush=True)
while True:
    signal.pause()
"""
    with supervised(log, worker=script("parent", parent)) as supervisor:
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


def test_a_deaf_part_is_killed_after_the_grace(log: Path, script: Callable[[str, str], str]) -> None:
    with supervised(log, grace_s=0.3, deaf=script("deaf", DEAF), good=script("polite", POLITE)) as supervisor:
        until(lambda: wrote(log, "deaf", "ready") and wrote(log, "good", "ready"))
        pid = supervisor.pids["deaf"]
        assert not supervisor.stop()
        assert not psutil.pid_exists(pid)
    assert "deaf has not ended and is killed" in (log / "farm.log").read_text()
    assert wrote(log, "good", "told")


def test_a_second_signal_ends_the_grace(log: Path, script: Callable[[str, str], str]) -> None:
    with supervised(log, grace_s=600.0, deaf=script("deaf", DEAF)) as supervisor:
        until(lambda: wrote(log, "deaf", "ready"))
        assert not supervisor.stop(asked=[signal.SIGINT, signal.SIGINT])


def test_parts_of_a_killed_farm_end(tmp_path: Path, settings: Settings, script: Callable[[str, str], str]) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text(f"polite: {script('polite', POLITE)}\ndeaf: {script('deaf', DEAF)}\n")
    home = tmp_path / "home"
    environ = environ_of(replace(settings, home=home), os.environ)
    with python(FARM, home, procfile, environ=environ) as farm:
        for _ in range(2):
            says(farm, containing="ready")
        left = psutil.Process(farm.pid).children()
        farm.kill()
        farm.wait()
    # The polite one was told by the kernel, the deaf one is found by the next farm.
    until(lambda: len(psutil.wait_procs(left, timeout=0)[1]) == 1)
    with running_farm(
        replace(settings, home=home), lambda _: None, environ=os.environ, procfile=procfile, processes=["polite"]
    ):
        until(lambda: psutil.wait_procs(left, timeout=0)[1] == [])


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_farm_in_the_foreground(
    tmp_path: Path, settings: Settings, script: Callable[[str, str], str], number: signal.Signals
) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text(f"env: env | grep ^RULEFARM_BROKER; exec sleep 600\npolite: {script('polite', POLITE)}\n")
    home = tmp_path / "home"
    environ = environ_of(replace(settings, home=home), os.environ)
    with python(FARM, home, procfile, environ=environ) as farm:
        assert farm.stdout is not None
        seen = ""
        while not ("RULEFARM_BROKER" in seen and "ready" in seen):
            seen += says(farm) + "\n"
        assert f"RULEFARM_BROKER_URL={settings.broker_url}" in seen
        document = json.loads((home / "services.json").read_text())
        assert document["database_url"] == settings.database_url
        assert document["pids"] == {"farm": farm.pid}
        farm.send_signal(number)
        rest = farm.stdout.read()
        assert farm.wait(30) == 0
    assert "polite | told" in rest
    assert "env    | " not in rest
    assert not (home / "services.json").exists()


def test_a_refused_part_ends_the_foreground_farm_with_an_error(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("bad: echo wrong; exit 2\ngood: sleep 600\n")
    environ = environ_of(replace(settings, home=tmp_path / "home"), os.environ)
    with python(FARM, tmp_path / "home", procfile, environ=environ) as farm:
        assert farm.stderr is not None
        assert "bad ended with code 2 at its start (wrong)" in farm.stderr.read()
        assert farm.wait(30) == 1


def test_embedded_services_belong_to_the_farm() -> None:
    with tempfile.TemporaryDirectory(prefix="rulefarm-test-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        procfile = Path(folder) / "Procfile"
        procfile.write_text("part: echo $RULEFARM_DATABASE_URL; exec sleep 600\n")
        for round_ in range(2):
            with python(FARM, home, procfile) as farm:
                url = says(farm, containing="postgresql://").rpartition(" ")[2]
                psycopg2.connect(url).close()
                if round_ == 0:
                    # The URLs in the file it leaves are those of a dead farm: the next one starts its own.
                    farm.kill()
                else:
                    farm.send_signal(signal.SIGTERM)
                    assert farm.stdout is not None
                    farm.stdout.read()
                    assert farm.wait(30) == 0
            assert (home / "services.json").exists() == (round_ == 0)


def make_tables(known: Settings) -> None:
    ledger = connect(known)
    migrate(ledger)
    ledger.dispose()


def test_a_real_worker_answers_dies_and_answers_again(tmp_path: Path, settings: Settings) -> None:
    mine = replace(settings, home=tmp_path / "home")
    with running_farm(mine, make_tables, environ=os.environ, processes=["payment", "beat"]) as farm:
        before = farm.pids
        os.kill(before["payment"], signal.SIGKILL)
        until(lambda: farm.pids.get("payment") not in (None, before["payment"]))
        until(lambda: (farm.log / "payment.log").read_text().count(" ready.") == 2, deadline_s=60)
        assert farm.pids["beat"] == before["beat"]
    said = (farm.log / "farm.log").read_text()
    assert "payment ended with code 0" in said
    assert "killed" not in said


def test_a_worker_that_never_answers(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("dumb: sh -c 'sleep 600' a worker\n")
    mine = replace(settings, home=tmp_path / "home")
    with (
        pytest.raises(ServiceError, match=r"the worker dumb does not answer within 0\.5 s") as caught,
        running_farm(mine, lambda _: None, environ=os.environ, procfile=procfile, ready_s=0.5),
    ):
        pytest.fail("ready")
    assert caught.value.hint == f"its log is {tmp_path / 'home' / 'log' / 'dumb.log'}"


def test_a_worker_that_is_refused(tmp_path: Path, settings: Settings) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("nobody: rulefarm worker --domains no-such-domain\n")
    mine = replace(settings, home=tmp_path / "home")
    with (
        pytest.raises(ServiceError, match=r"nobody ended with code 1 at its start .*no-such-domain"),
        running_farm(mine, lambda _: None, environ=os.environ, procfile=procfile),
    ):
        pytest.fail("ready")
