"""`rulefarm metrics` answers scrapes until it is told to stop."""

import signal
import urllib.request
from pathlib import Path

from rulefarm.settings import Settings
from tests.cli.conftest import Run, settings_only
from tests.commands import rulefarm
from tests.processes import until


def test_the_exporter_answers_and_stops(settings: Settings, domain: str, run: Run) -> None:
    with rulefarm(settings, "metrics", "--port", "0") as process:
        log = settings.home / "metrics---port-0.log"
        url = until(lambda: next((line for line in log.read_text().splitlines() if line.startswith("http://")), ""))
        for _ in range(2):
            with urllib.request.urlopen(url, timeout=60) as answer:
                assert f'rulefarm_open_jobs{{domain="{domain}",queue="bulk"}} 0.0' in answer.read().decode()
        port = url.rpartition(":")[2].partition("/")[0]
        done = run("metrics", "--port", port, **settings_only(settings))
        assert (done.returncode, "give it another --port) [bad-setting]" in done.stderr) == (1, True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert "Traceback" not in Path(log).read_text()


def test_without_a_database_it_starts_all_the_same_and_says_so(settings: Settings, run: Run) -> None:
    environ = settings_only(settings) | {"RULEFARM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    # An address that is nobody's here, so that it ends.
    done = run("metrics", "--address", "203.0.113.1", **environ)
    assert done.returncode == 1
    assert "each scrape tries again [database-unreachable]" in done.stderr
    assert "give it an --address of this machine) [bad-setting]" in done.stderr
    assert run("metrics").returncode == 1
    assert run("metrics", "--address", "", **environ).returncode == 2
