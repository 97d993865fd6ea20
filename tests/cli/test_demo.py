"""`rulefarm demo`: a file to draw into is drawn into, and whoever interrupts it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import psutil
import pytest

from cli.display.routing_picture import routing_picture
from cli.display.routing_report import markdown
from tests.processes import CHECKOUT, until
from tests.workers.demo.reports import REPORT


def test_the_picture_has_every_comparison_and_needs_nothing_from_elsewhere() -> None:
    picture = routing_picture(REPORT)
    texts = " ".join(ET.fromstring(picture).itertext())
    for row in REPORT.rows():
        assert row.what in texts
        assert f"{row.ratio:.2f} x" in texts
    assert b"<script" not in picture
    assert b"href=" not in picture


def test_the_page_has_the_table_that_the_command_prints() -> None:
    page = (CHECKOUT / "docs" / "scaling.md").read_text(encoding="utf-8")
    printed = markdown(REPORT).splitlines()
    for line in printed[: len(REPORT.rows()) + 2]:
        assert line.split(" | ")[0] in page
    for sentence in REPORT.limits():
        assert f"\n- {sentence.partition(':')[0]}: " in page
    assert (CHECKOUT / "docs" / "scaling.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.usefixtures("real_services")
def test_ctrl_c_stops_all_that_was_started() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        command = [sys.executable, "-m", "cli.main", "demo", "routing", "--quick"]
        environ = os.environ | {"TMPDIR": name}
        with subprocess.Popen(command, env=environ, cwd=CHECKOUT, stderr=subprocess.PIPE) as demo:
            family = psutil.Process(demo.pid)
            until(lambda: any("worker" in child.cmdline() for child in family.children()), 120)
            children = family.children(recursive=True)
            demo.send_signal(signal.SIGINT)
            said = demo.communicate(timeout=120)[1].decode()
        assert demo.returncode == 130, said
        assert "Traceback" not in said
        assert len(children) >= 3  # Postgres, Valkey, a worker
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        assert not list(folder.iterdir())
