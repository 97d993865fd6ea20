"""What the server of `tests.cli.forked` imports before it forks: every command.

All of it stays, in every process that is forked: it is searched for garbage by none, which would copy it besides."""

import gc
from importlib import import_module

from cli.main import COMMANDS

gc.disable()
for _module, _ in COMMANDS.values():
    import_module(_module)
gc.freeze()
gc.enable()
