"""Options and arguments that several commands share.  argv, environment -> [options] -> settings, facts, instants"""

import math
import os
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from rulefarm import wire
from rulefarm.errors import JobRejected, RulefarmError
from rulefarm.limits import MAX_MESSAGE_BYTES
from rulefarm.settings import Settings


class Share(click.ParamType[float]):
    """A share, like 1% or 0.5%."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share as a number from 0 to 1."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d{1,3}(\.\d{1,6})?)%", value)
        if match is None or not 0 < float(match[1]) <= 100:
            self.fail(f"{value!r} is no share, like 1% or 100%", param, ctx)
        return float(match[1]) / 100


class Instant(click.ParamType[datetime]):
    """An ISO date or time; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant that the text names."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date or time like 2026-03-01 or 2026-03-01T12:00:00+01:00", param, ctx)
        try:
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except OverflowError:
            self.fail(f"{value!r} is not within the years 1 to 9999 of UTC", param, ctx)


class Seconds(click.FloatRange):
    """A number of seconds: one that ends."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that the text names."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return found


class Age(click.ParamType[timedelta]):
    """A number of days or weeks."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The time that the text names."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([1-9]\d{0,4})([dw])", value)
        if match is None:
            self.fail(f"{value!r} is no number of days or weeks, like 90d or 12w", param, ctx)
        return timedelta(**{{"d": "days", "w": "weeks"}[match[2]]: int(match[1])})


def limit_option(what: str, default: int = 20) -> Callable[..., Any]:
    """How many are listed: no more than Postgres can count.

    Args:
        what: is said of them in the help.
        default: unless it is said.
    """
    return click.option("--limit", default=default, show_default=True, type=click.IntRange(1, 10**9), help=what)


as_of_option = click.option("--as-of", type=Instant(), help="Judge as of this instant; default: now.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


def complete_domains(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of domains that begin so, for a shell; none if the rulesets can't be read.

    Args:
        ctx: click's.
        param: click's.
        incomplete: what is typed so far.
    """
    # Most commands run without the engine, which this brings along.
    loader = import_module("rulesets.loader")
    try:
        root = ctx.params.get("rulesets") or read_settings().rulesets or loader.SHIPPED
        return [domain for domain in loader.available_domains(root) if domain.startswith(incomplete)]
    except RulefarmError:
        return []


domain_argument = click.argument("domain", shell_complete=complete_domains)
domains_argument = click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=complete_domains)
domain_option = click.option("--domain", shell_complete=complete_domains, help="Of this domain only.")

show_private_option = click.option(
    "--show-private", is_flag=True, help="Show the values of private fields, too: see domain.toml."
)

rulesets_option = click.option(
    "--rulesets", type=click.Path(path_type=Path), help="Folder with a folder per domain. Default: RULEFARM_RULESETS."
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a file is to be read: --sheet, --encoding, --decimal."""
    for option in (
        click.option("--decimal", type=click.Choice([".", ","]), help="What decimals stand behind, in csv and xlsx."),
        click.option("--encoding", metavar="NAME", help="Of csv, jsonl and sql. Default: UTF-8."),
        click.option("--sheet", metavar="NAME", help="Of a workbook. Default: the first that is not hidden."),
    ):
        command = option(command)
    return command


def serving_options(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How a server of HTTP is reached, what it asks for and what it says: --host to --loglevel.

    Args:
        port: that it listens on, unless said otherwise.
    """
    levels = click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False)
    free = "Port to listen on; 0: a free one."
    region = "Region that it is for, of those that RULEFARM_REGION_* name. Default: RULEFARM_REGION."
    tokens = "Ask for tokens on loopback, too. Elsewhere one is asked for in any case."
    options = (
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
        click.option("--port", default=port, show_default=True, type=click.IntRange(0, 65535), help=free),
        click.option("--region", help=region),
        click.option("--tokens", is_flag=True, help=tokens),
        click.option("--loglevel", type=levels, default="INFO", show_default=True, help="How much it logs."),
    )

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def read_settings() -> Settings:
    """The settings, from the environment."""
    return Settings.from_env(os.environ)


def read_facts(path: str) -> dict[str, Any]:
    """The facts of a JSON file; `-` is standard input.

    Raises:
        JobRejected: unreadable, more than MAX_MESSAGE_BYTES characters, or no JSON object.
    """
    name = "standard input" if path == "-" else path
    try:
        with nullcontext(sys.stdin) if path == "-" else Path(path).open(encoding="utf-8-sig") as file:
            # No more of it than facts can have: a device may never end.
            text = file.read(MAX_MESSAGE_BYTES + 1)
    # ValueError: bytes that are no UTF-8, a name with a NUL.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise JobRejected("unreadable-file", f"{name} can't be read: {reason}") from None
    if len(text) > MAX_MESSAGE_BYTES:
        raise JobRejected("facts-too-large", f"{name} has more than {MAX_MESSAGE_BYTES} characters")
    return wire.parse(text, source=name)
