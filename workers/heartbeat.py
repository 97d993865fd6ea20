"""A file that says that a worker is alive, touched by its main process.  consumer -> [heartbeat] -> alive

That a worker which touches its file also takes messages is its own liveness check's affair; whether the farm is well,
the doctor's."""

import logging
import time
from pathlib import Path

from workers.alive import FOLDER

log = logging.getLogger("rulefarm.workers")

#: Seconds between two touches.
BEAT_S = 1.0


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
