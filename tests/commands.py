"""Run the farm's own commands beside a test, as processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rulefarm.region_places import variables
from rulefarm.settings import Settings

#: Small rules that the tests know by heart.
RULESETS = Path(__file__).parent / "acceptance" / "rulesets"
#: Domains that share facts.
SHARING = RULESETS.parent / "shared_facts" / "rulesets"


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment of a process."""
    names = (
        "home",
        "broker_url",
        "database_url",
        "facts_url",
        "queue_prefix",
        "region",
        "rulesets",
        "chunk_rows",
        "reconcile_interval_s",
        "reconcile_grace_s",
        "scale_pause_s",
    )
    given = {f"RULEFARM_{name.upper()}": str(getattr(settings, name)) for name in names}
    given = {name: value for name, value in given.items() if value != "None"}
    return {**os.environ, **given, **variables(settings.regions)}


@contextmanager
def rulefarm(settings: Settings, *arguments: str, module: str = "cli.main") -> Iterator[subprocess.Popen[bytes]]:
    """Run the command beside the test and stop it as a supervisor does."""
    log = settings.home / f"{'-'.join(arguments).replace('/', '_')}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) is not None
