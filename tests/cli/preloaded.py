"""What the server of `tests.cli.forked` imports before it forks: every command."""

from importlib import import_module

from cli.main import COMMANDS

for _module, _ in COMMANDS.values():
    import_module(_module)
