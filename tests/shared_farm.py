"""The farm that files of tests share: started by the first that needs it, stopped by the first that does not."""

from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from rulefarm.settings import Settings
from tests.commands import rulefarm
from tests.processes import until
from workers.monitoring import worker_states


class SharedFarm:
    """A worker a kind of queue and beat, for the files that need them: at rest they take a twentieth of a core."""

    #: The files that do.
    files: ClassVar[set[Path]] = set()

    def __init__(self) -> None:
        self._parts: ExitStack | None = None

    def start(self, settings: Settings) -> None:
        """Have it ready to take work."""
        if self._parts is not None:
            return
        commands = (
            ["worker", "--domains", "payment,pricing", "--autoscale", "3,1"],
            ["worker", "--domains", "payment,pricing", "--queue", "bulk", "--autoscale", "2,1"],
            ["beat"],
        )
        with ExitStack() as stack:
            for command in commands:
                stack.enter_context(rulefarm(settings, *command))
            until(lambda: len(worker_states(settings)) == 2, 60)
            self._parts = stack.pop_all()

    def stop(self) -> None:
        """End it, if it runs."""
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.close()
