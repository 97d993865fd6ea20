"""`rulefarm migrate`: make or upgrade the tables."""

import click

from cli.display.terminal import echo
from cli.options import read_settings
from rulefarm.database import LONG_S, connect
from store.migrate import migrate


@click.command("migrate")
def command() -> None:
    """Bring the tables in Postgres up to date. Safe to repeat, and to run from several machines at once."""
    migrate(connect(read_settings(), silence_s=LONG_S))
    echo("the tables are up to date")
