"""Find the command, and turn errors into one line and an exit code.  argv -> [main] -> one cli module

A command's module is imported when the command is asked for, so `rulefarm rules check` loads neither Celery nor
SQLAlchemy. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 broker or database away, 4 no verdict yet, 130
interrupted."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click

from cli.start import INTERRUPTED, hand_over

#: Command name to the module whose `command` it is, and what `--help` says of it, in the order of `--help`. The lines
#: stand here because gathering them would load everything: two seconds for a page of text.
COMMANDS = {
    "up": ("cli.up", "Run the whole farm in the foreground."),
    "status": ("cli.status", "Show queues, jobs that wait, dead letters and workers."),
    "top": ("cli.top", "Show live what each domain and worker does."),
    "alive": ("cli.alive", "Say by the exit code whether this home's workers are alive."),
    "doctor": ("cli.doctor", "Try everything that a job needs on its way to a verdict."),
    "submit": ("cli.submit", "Submit the facts in a file as a job."),
    "batch": ("cli.batch", "Judge every row of a csv, parquet, jsonl or sql file."),
    "nightly": ("cli.nightly", "Run the nightly batch now."),
    "jobs": ("cli.jobs", "List open jobs, or show where one stands."),
    "verdicts": ("cli.verdicts", "List verdicts, newest first."),
    "explain": ("cli.explain", "Explain the verdict of a job, or of one row of a batch."),
    "dead-letters": ("cli.dead_letters", "List, show, retry or drop dead letters."),
    "prune": ("cli.prune", "Drop old months of jobs and verdicts."),
    "eval": ("cli.evaluate", "Judge facts here and now, without a farm."),
    "facts": ("cli.facts", "Keep reference facts that domains look up."),
    "rules": ("cli.rules", "Check, test, format, publish, compare and roll back the rules."),
    "verify": ("cli.verify", "Check that what is on record is what it was."),
    "regions": ("cli.regions", "Copy verdicts between regions, so that each has all."),
    "worker": ("cli.worker", "Run a worker in the foreground."),
    "gateway": ("cli.gateway", "Run an HTTP gateway in the foreground: evaluate, submit, read."),
    "console": ("cli.console", "Run the console in the foreground: pages for people."),
    "tokens": ("cli.tokens", "Make, list and revoke tokens of whoever uses a gateway."),
    "beat": ("cli.beat", "Run beat in the foreground: it starts the reconciler."),
    "flower": ("cli.flower", "Run Flower in the foreground: a page to watch the farm."),
    "metrics": ("cli.metrics", "Run the exporter that Prometheus scrapes in the foreground."),
    "migrate": ("cli.migrate", "Bring the tables in Postgres up to date."),
    "completion": ("cli.completion", "Print what completes commands and domains in a shell."),
    "plan": ("cli.plan", "Say how large a farm has to be, and what it costs."),
    "demo": ("cli.demo", "Measure what nodes that each serve a domain are worth."),
    "drill": ("cli.drill", "Inject faults into a farm of its own, and check its promises."),
}

#: Old names of commands, which go on working for a release and are not listed.
_ALIASES = {"dead": "dead-letters"}

_EXIT_CODES = {"BrokerUnreachable": 3, "DatabaseUnreachable": 3, "FarmUnreachable": 3, "VerdictPending": 4}


def _load(module: str) -> click.Command:
    """The command of a module.

    What is loaded stays, so the garbage collector never looks at it: not while it comes, nor again and again while the
    command prints a hundred thousand rows."""
    gc.disable()
    try:
        command: click.Command = import_module(module).command
    finally:
        gc.freeze()
        gc.enable()
    return command


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or of an old name of it; None if there is none.

        Args:
            ctx: click's.
            cmd_name: as it was typed.
        """
        name = _ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        module, _ = COMMANDS[name]
        command = _load(module)
        hand_over()
        if name == cmd_name:
            return command
        alias = copy(command)
        alias.name = cmd_name
        alias.deprecated = f"now 'rulefarm {name}'; the old name goes with a later release"
        return alias

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name.

        Args:
            ctx: click's.
            args: the name first.
        """
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"No such command {args[0]!r}.{f' Did you mean {near[0]!r}?' if near else ''}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in `--help`, without importing them.

        Args:
            ctx: click's.
            formatter: takes the lines.
        """
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """The context of the arguments; what is wrong with them is said in escaped text.

        Args:
            args: as click gives them.
            extra: likewise.
        """
        with _usage_errors_escaped():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error that is ours becomes one line on stderr, and Ctrl-C none."""
        logging.setLogRecordFactory(import_module("cli.display.log_records").VisibleRecord)
        try:
            with _usage_errors_escaped():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None
        except Exception as error:
            # By its shape, not by its class: neither tree of errors need be loaded to find out that none occurred.
            if not hasattr(error, "to_json") or not hasattr(error, "code"):
                raise
            fail(error)


def _terminal() -> Any:
    """`cli.display.terminal`, which `--help` does without."""
    return import_module("cli.display.terminal")


@contextmanager
def _usage_errors_escaped() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        # click declares it final, and prints it as it is.
        vars(error)["message"] = _terminal().visible(error.message)
        raise


def fail(error: Any) -> NoReturn:
    """Print one of our errors and exit with its code."""
    # What a ruleset is rejected for has many lines, its source among them.
    lines = hasattr(error, "diagnostics")
    _terminal().echo(f"rulefarm: {error} [{error.code}]", err=True, lines=lines)
    names = {kind.__name__ for kind in type(error).__mro__}
    raise SystemExit(max((code for name, code in _EXIT_CODES.items() if name in names), default=1))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="rulefarm-server", prog_name="rulefarm")
def cli() -> None:
    """Judge orders and products against business rules, on as many machines as it takes."""


def main() -> None:
    """Run the command that the arguments name; never returns."""
    cli(prog_name="rulefarm")


if __name__ == "__main__":
    main()
