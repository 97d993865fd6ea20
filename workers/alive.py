"""Whether the processes of a home are alive, by the files that they touch.  heartbeat -> [alive] -> rulefarm alive

An orchestrator asks every few seconds whether each worker is alive, and would spend a core on it if the answer loaded
what `rulefarm doctor` does. So this file imports what Python has loaded anyway, and no more: `pathlib`, `logging` or
`typing` would each cost as much as the answer."""

import os
import sys
import time

#: Folder in the home: one file a process, with the name that the process has.
FOLDER = "alive"
#: Seconds after which a file that nobody touched is that of a process that hangs: longer than a worker drains, and
#: than it may wait for a broker that accepts a connection and then says nothing.
SILENT_S = 60.0


def silent(home: str, *, now: float | None = None) -> str | None:
    """What is wrong with the processes of a home, as one line; None: each of them is alive.

    Args:
        home: of the farm.
        now: seconds since 1970, by this host's clock. Default: now.
    """
    now = time.time() if now is None else now
    try:
        ages = {entry.name: now - entry.stat().st_mtime for entry in os.scandir(_folder(home))}
    except OSError:
        ages = {}
    if not ages:
        return f"no worker runs in {home!r} [no-heartbeat]"
    # One that is from the future is of a clock that was set back: whoever is alive touches it again within a second.
    late = sorted(name for name, age in ages.items() if abs(age) > SILENT_S)
    if not late:
        return None
    told = ", ".join(f"{name!r} for {ages[name]:.0f} s" for name in late)
    folder = _folder(home)
    return f"no sign of life from {told}: restart it, or remove its file from {folder!r} if it is gone [heartbeat-late]"


def answer() -> None:
    """End this process with 0 if every worker of the home is alive, and with 1 and a line that says who is not."""
    # As `Settings` reads it, which loads what takes longer than all of this.
    found = silent(os.path.join(os.getcwd(), os.path.expanduser(os.environ.get("RULEFARM_HOME") or ".rulefarm")))
    sys.exit(f"rulefarm: {found}" if found else 0)


def _folder(home: str) -> str:
    return os.path.join(home, FOLDER)
