"""Who runs a command.  the process -> [who] -> what stands on a trail

For every command that puts on record who did something. Asks no database and loads no engine."""

import getpass
import os
import socket


def this_user() -> str:
    """This user, on this host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as an id without a name.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
