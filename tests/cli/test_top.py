"""`rulefarm top` shows what the exporter tells, on a terminal again and again."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from cli.top import _watch
from rulefarm.database import active_rulesets
from rulefarm.errors import DatabaseUnreachable
from rulefarm.settings import Settings
from tests.cli.conftest import Run, settings_only
from tests.commands import environment
from tests.processes import until
from tests.rows import add_job
from workers.monitoring import SignalReader, Signals, in_words


def test_a_farm_that_stands_still_is_shown(settings: Settings, database: Engine, run: Run) -> None:
    with database.begin() as connection:
        connection.execute(insert(active_rulesets).values(domain="payment", digest="d" * 64))
    add_job(settings)
    # Nobody ever takes it.
    environ = settings_only(settings) | {"RULEFARM_BROKER_URL": "redis://127.0.0.1:1/0"}
    lines = [line.split("\t") for line in run("top", "--once", **environ).stdout.splitlines()]
    shown = dict(zip(lines[0], lines[1], strict=True))
    assert (shown["domain"], shown["open"], shown["drained in"]) == ("payment", "1", "never")
    assert ["no worker answers"] in lines
    assert "the reconciler has never run; the broker does not answer" in lines[-1][0]
    assert json.loads(run("top", "--json", **environ).stdout)["domains"]["payment"]["drain_s"] is None


def test_on_a_terminal_it_looks_again_until_ctrl_c(settings: Settings, database: Engine) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "top", "--every", "0.1"],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment(settings) | {"TERM": "xterm", "COLUMNS": "120"},
        cwd=Path(__file__).parents[2],
    )
    with process:
        os.close(theirs)
        seen = bytearray()

        def shows(text: bytes, times: int) -> bool:
            if select.select([ours], [], [], 1)[0]:
                seen.extend(os.read(ours, 65536))
            return seen.count(text) >= times

        until(lambda: shows(b"no domain is active", 1))
        with database.begin() as connection:
            connection.execute(insert(active_rulesets).values(domain="payment", digest="d" * 64))
        until(lambda: shows(b"drained in", 2))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(ours)


def test_what_does_not_answer_is_named_once_below_what_was_seen(
    settings: Settings, database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = iter([False, False, True, False, False])

    class Away(SignalReader):
        def read(self) -> Signals:
            is_there = next(looks, None)
            if is_there is None:
                raise KeyboardInterrupt
            if not is_there:
                raise DatabaseUnreachable("database-unreachable", "Postgres is away")
            return super().read()

    reader = Away(settings)
    _watch(reader, settings, 0)
    reader.close()
    assert capsys.readouterr().out.count("[database-unreachable]") == 2


def test_a_time_is_told_in_the_unit_that_fits() -> None:
    told = [in_words(seconds) for seconds in (0, 0.9994, 1, 119.4, 120, 3599, 3600, 86_400 * 3)]
    assert told == ["0 ms", "999 ms", "1 s", "119 s", "2 min", "60 min", "1 h 0 min", "72 h 0 min"]
