"""The door: finds the command, turns errors into one line and an exit code.  argv -> [main] -> one cli module

A command's module is imported when the command is asked for, so `rulefarm rules check` loads neither Celery nor
SQLAlchemy. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 broker or database away, 4 no verdict yet."""

from importlib import import_module
from typing import Any, NoReturn

import click

#: Command name to the module whose `command` it is, in the order of `--help`.
COMMANDS = {
    "up": "cli.up",
    "status": "cli.status",
    "doctor": "cli.doctor",
    "submit": "cli.submit",
    "batch": "cli.batch",
    "nightly": "cli.nightly",
    "jobs": "cli.jobs",
    "verdicts": "cli.verdicts",
    "explain": "cli.explain",
    "dead": "cli.dead",
    "facts": "cli.facts",
    "prune": "cli.prune",
    "eval": "cli.evaluate",
    "rules": "cli.rules",
    "worker": "cli.worker",
    "beat": "cli.beat",
    "flower": "cli.flower",
    "migrate": "cli.migrate",
    "drill": "cli.drill",
}

_EXIT_CODES = {"BrokerUnreachable": 3, "DatabaseUnreachable": 3, "FarmUnreachable": 3, "VerdictPending": 4}


class Door(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that is ours becomes one line on stderr."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # By its shape, not by its class: neither tree of errors need be loaded to find out that none occurred.
            if not hasattr(error, "to_json") or not hasattr(error, "code"):
                raise
            fail(error)


def fail(error: Any) -> NoReturn:
    """Print one of our errors and leave with its exit code."""
    click.echo(f"rulefarm: {error} [{error.code}]", err=True)
    names = {kind.__name__ for kind in type(error).__mro__}
    raise SystemExit(max((code for name, code in _EXIT_CODES.items() if name in names), default=1))


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="rulefarm-server", prog_name="rulefarm")
def cli() -> None:
    """Judge orders and products against business rules, on as many machines as it takes."""


def main() -> None:
    """Entry point of the console command."""
    cli(prog_name="rulefarm")


if __name__ == "__main__":
    main()
