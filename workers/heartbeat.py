"""A file that says that a worker is alive, touched by its main process.  consumer -> [heartbeat] -> rulefarm alive

An orchestrator asks every few seconds whether each worker is alive, and would spend a core on it if the answer loaded
what `rulefarm doctor` does. So this file imports nothing but Python's own. That a worker which touches its file also
takes messages is its own liveness check's affair; whether the farm is well, the doctor's."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

log = logging.getLogger("rulefarm.workers")

#: Folder in the home: one file a process, with the name that the process has.
FOLDER = "alive"
#: Seconds between two touches.
BEAT_S = 1.0
#: Seconds after which a file that nobody touched is that of a process that hangs: longer than a worker drains, and
#: than it may wait for a broker that accepts a connection and then says nothing.
SILENT_S = 60.0


class Heartbeat:
    """Touches the file of one process.

    Args:
        home: of the farm.
        name: of the process: a worker's node name, or `beat`.
    """

    def __init__(self, home: Path, name: str) -> None:
        self._path = home / FOLDER / name
        self._touched_at = float("-inf")
        self._failed = False

    def beat(self) -> None:
        """Touch the file, if that was not done a moment ago. A folder that can't be written to is told once."""
        now = time.monotonic()
        if now - self._touched_at < BEAT_S:
            return
        self._touched_at = now
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError as error:
            if not self._failed:
                log.warning("'rulefarm alive' will not see this process: %s can't be written: %s", self._path, error)
            self._failed = True

    def end(self, **_: object) -> None:
        """Remove the file: the process ends, and is not asked for any more."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s can't be removed: %s", self._path, error)


def silent(home: Path, *, now: float | None = None) -> str | None:
    """What is wrong with the processes of a home, as one line; None: each of them is alive.

    Args:
        home: of the farm.
        now: seconds since 1970, by this host's clock. Default: now.
    """
    now = time.time() if now is None else now
    try:
        ages = {entry.name: now - entry.stat().st_mtime for entry in os.scandir(home / FOLDER)}
    except OSError:
        ages = {}
    if not ages:
        return f"no worker runs in {str(home)!r} [no-heartbeat]"
    # One that is from the future is of a clock that was set back: whoever is alive touches it again within a second.
    late = sorted(name for name, age in ages.items() if abs(age) > SILENT_S)
    if not late:
        return None
    told = ", ".join(f"{name!r} for {ages[name]:.0f} s" for name in late)
    folder = str(home / FOLDER)
    return f"no sign of life from {told}: restart it, or remove its file from {folder!r} if it is gone [heartbeat-late]"


def answer(environ: Mapping[str, str]) -> NoReturn:
    """End this process with 0 if every worker of the home is alive, and with 1 and a line that says who is not."""
    # As `Settings` reads it, which loads what takes longer than all of this.
    home = Path(environ.get("RULEFARM_HOME") or ".rulefarm").expanduser().absolute()
    found = silent(home)
    sys.exit(f"rulefarm: {found}" if found else 0)
