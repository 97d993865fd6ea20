"""`rulefarm up`: the whole farm, in the foreground."""

import os
import sys
from pathlib import Path

import click

from cli.options import read_settings
from rulefarm.database import LONG_S, connect
from rulefarm.settings import Settings
from rulesets.loader import SHIPPED, chosen_domains
from store.migrate import migrate
from workers.local import run_farm


@click.command("up")
@click.option("--procfile", type=click.Path(path_type=Path), help="The parts to run. Default: see above.")
@click.option("--only", help="Names of parts in the Procfile, with commas between. Default: all.")
def command(procfile: Path | None, only: str | None) -> None:
    """Run the whole farm in the foreground: services, workers, beat and Flower. Ctrl-C stops it.

    Services that RULEFARM_BROKER_URL and RULEFARM_DATABASE_URL name are used; the others are embedded ones, with their
    data in RULEFARM_HOME.

    The parts are those of the Procfile that ships; of the rulesets that RULEFARM_RULESETS names: a worker a domain, one
    for their batches, beat and Flower.
    """
    parts = [name.strip() for name in only.split(",")] if only else None
    settings = read_settings()
    is_own = settings.rulesets is not None and settings.rulesets.resolve() != SHIPPED
    domains = chosen_domains(settings.rulesets) if settings.rulesets and is_own and procfile is None else ()
    code = run_farm(settings, migrate_tables, environ=os.environ, procfile=procfile, domains=domains, only=parts)
    sys.exit(code)


def migrate_tables(settings: Settings) -> None:
    """Bring the tables of a farm up to date."""
    engine = connect(settings, silence_s=LONG_S)
    migrate(engine)
    engine.dispose()
