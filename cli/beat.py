"""`rulefarm beat`: Celery beat, which starts the reconciler."""

import sys

import click

from cli.options import read_settings
from workers.beat import run_beat


@click.command("beat")
@click.option("--loglevel", default="INFO", show_default=True, help="How much it logs.")
def command(loglevel: str) -> None:
    """Run beat in the foreground: it starts the reconciler, which sends what is due. A second one is harmless."""
    sys.exit(run_beat(read_settings(), loglevel=loglevel))
