"""The console on what `make run` judged: `make look`.  what is on record -> [look] -> pages, until it is told to end

Starts the same farm on the same data, and has it judge the day first if nothing is on record. The console runs in this
process, on loopback: nobody is asked for a token. Opens a browser where there is a screen."""

import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path

import click
from sqlalchemy import select

from examples.nightly_run import console_address, farm_of_the_day, judge_the_day
from gateway.serve import GatewayOptions, listen, open_gateway, server_of
from rulefarm.database import connect, verdicts
from rulefarm.settings import Settings


def look(products: Path, orders: Path, port: int) -> None:
    """Run the farm and its console until Ctrl-C or SIGTERM.

    Args:
        products: one row a product.
        orders: one order a line.
        port: where the console listens; 0: any that is free.

    Raises:
        RulefarmError: the farm can't be started, the day failed, or the port is taken.
    """
    with farm_of_the_day(products) as settings:
        if not _has_verdicts(settings):
            judge_the_day(settings, orders)
        options = GatewayOptions(is_console=True)
        with listen("127.0.0.1", port) as listener, open_gateway(settings, options) as application:
            address = console_address(listener.getsockname()[1])
            click.echo(f"look at {address}\nCtrl-C stops everything")
            if _has_screen():
                webbrowser.open(address)
            # The server hands a signal on to whoever had it before.
            with suppress(KeyboardInterrupt):
                server_of(application).run(sockets=[listener])
        click.echo("\nstopping everything ...")


def _has_verdicts(settings: Settings) -> bool:
    engine = connect(settings)
    try:
        with engine.connect() as connection:
            return connection.execute(select(verdicts.c.id).limit(1)).first() is not None
    finally:
        engine.dispose()


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or any(os.environ.get(one) for one in ("DISPLAY", "WAYLAND_DISPLAY"))
