"""`rulefarm up`: the whole farm, in the foreground."""

import os
import sys
from pathlib import Path

import click

from cli.options import read_settings
from rulefarm.database import connect
from rulefarm.settings import Settings
from store.migrate import migrate
from workers.local import run_farm


@click.command("up")
@click.option("--procfile", type=click.Path(path_type=Path), help="The parts to run. Default: the Procfile that ships.")
@click.option("--only", help="Names of parts in the Procfile, with commas between. Default: all.")
def command(procfile: Path | None, only: str | None) -> None:
    """Run the whole farm in the foreground: services, workers, beat and Flower. Ctrl-C stops it.

    Services that RULEFARM_BROKER_URL and RULEFARM_DATABASE_URL name are used; the others are embedded ones, with their
    data in RULEFARM_HOME.
    """
    parts = [name.strip() for name in only.split(",")] if only else None
    sys.exit(run_farm(read_settings(), migrate_tables, environ=os.environ, procfile=procfile, only=parts))


def migrate_tables(settings: Settings) -> None:
    """Bring the tables of a farm up to date."""
    engine = connect(settings)
    migrate(engine)
    engine.dispose()
