"""Run a command that ends when its parent dies, as another user if asked.  managed_process -> [child_process] -> exec

`die_with_parent` gives the command line. It starts this file by a bare interpreter, before anything of rulefarm is
imported: `python -I -S child_process.py PARENT SIGNAL UID GID COMMAND…`. That replaces itself by the command, so the
parent waits for the command itself. Where the kernel can't send a signal on the parent's death (anywhere but Linux)
the command outlives it, and the next start cleans up."""

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
#: Exit code when the command can't be run, as in a shell.
CANNOT_RUN = 126


def die_with_parent(command: list[str], on_death: signal.Signals, user: tuple[int, int] | None = None) -> list[str]:
    """The command line that runs a command which gets a signal when this process dies.

    The kernel watches the thread that starts it, so that thread has to live as long as the command.

    Args:
        command: program and arguments.
        on_death: sent to the command when this process is gone.
        user: ids of the user and the group it runs as; default: those of this process.

    Returns:
        For `subprocess.Popen`.
    """
    uid, gid = user or (-1, -1)
    head = [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), str(int(on_death))]
    return [*head, str(uid), str(gid), *command]


def main(arguments: list[str]) -> None:
    """Become the command."""
    parent, on_death, uid, gid = (int(text) for text in arguments[:4])
    command = arguments[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.umask(0o077)
    # A change of user clears the death signal, so it comes before.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, on_death, 0, 0, 0)
    if os.getppid() != parent:
        # The parent died before the death signal was set.
        raise SystemExit(128 + on_death)
    os.execv(command[0], command)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as failure:
        sys.stderr.write(f"{sys.argv[5]}: {failure.strerror}\n")
        raise SystemExit(CANNOT_RUN) from None
