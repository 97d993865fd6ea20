"""`rulefarm up`: the whole farm, in the foreground."""

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click
from sqlalchemy import Engine

from cli.display.terminal import echo
from cli.options import read_settings
from cli.who import this_user
from rulefarm.database import LONG_S, active_digests, connect
from rulefarm.errors import RulefarmError
from rulefarm.settings import Settings
from rulesets.candidates import check_candidates
from rulesets.folders import RulesetUnreadable
from rulesets.loader import SHIPPED, available_domains, by_file_name, chosen_domains, ruleset_files
from store.migrate import migrate
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot, active_sources
from workers.local import run_farm


@click.command("up")
@click.option("--procfile", type=click.Path(path_type=Path), help="The parts to run. Default: see above.")
@click.option("--only", help="Names of parts in the Procfile, with commas between. Default: all.")
def command(procfile: Path | None, only: str | None) -> None:
    """Run the whole farm in the foreground: services, workers, beat and Flower. Ctrl-C stops it.

    Services that RULEFARM_BROKER_URL and RULEFARM_DATABASE_URL name are used; the others are embedded ones, with their
    data in RULEFARM_HOME.

    The parts are those of the Procfile that ships; of the rulesets that RULEFARM_RULESETS names: a worker a domain, one
    for their batches, beat and Flower. What was edited goes live if it is in order and its cases pass; else the farm
    judges as before, and it says what is wrong.
    """
    parts = [name.strip() for name in only.split(",")] if only else None
    settings = read_settings()
    is_own = settings.rulesets is not None and settings.rulesets.resolve() != SHIPPED and procfile is None
    code = run_farm(
        settings,
        partial(prepare_database, every=is_own and parts is None),
        environ=os.environ,
        procfile=procfile,
        domains=_domains if is_own else None,
        only=parts,
    )
    sys.exit(code)


def migrate_tables(settings: Settings) -> None:
    """Bring the tables of a farm up to date."""
    engine = connect(settings, silence_s=LONG_S)
    migrate(engine)
    engine.dispose()


def prepare_database(settings: Settings, *, every: bool = False) -> None:
    """Bring the tables up to date, and publish what was edited in the folder of rulesets and is in order.

    Args:
        settings: of the farm; both servers run.
        every: whether domains that are not published yet are, too. Default: their first worker does that.

    Raises:
        NotFound, RulesetUnreadable, NotFit, CasesRejected, engine.SchemaRejected, engine.RulesetRejected: of a domain
            that is not published yet.
    """
    migrate_tables(settings)
    engine = connect(settings)
    try:
        _publish_edited(engine, settings.rulesets or SHIPPED, every)
    finally:
        engine.dispose()


def _publish_edited(engine: Engine, root: Path, every: bool) -> None:
    published = active_sources(engine)
    try:
        names = [domain for domain in chosen_domains(root) if every or domain in published]
    except RulefarmError as error:
        if not published:
            raise
        echo(f"rulesets: {error} [{error.code}]; the farm judges by what is published", err=True)
        return
    candidates = check_candidates(
        root, [domain for domain in names if _is_edited(root, domain, published.get(domain, {}))]
    )
    for domain, refusal in candidates.refused.items():
        if domain not in published:
            raise refusal
        echo(f"{domain}: {refusal} [{refusal.code}]", err=True, lines=hasattr(refusal, "diagnostics"))
        echo(f"{domain}: not published; the farm judges by what was published before", err=True)
    fit = {domain: candidate.ruleset for domain, candidate in candidates.fit.items()}
    for domain in publish(
        engine, [RulesetSnapshot.of(one) for one in fit.values()], by=this_user(), note="rulefarm up"
    ):
        echo(f"{domain}: published {fit[domain].digest[:12]}")


def _is_edited(root: Path, domain: str, published: Mapping[str, bytes]) -> bool:
    try:
        return ruleset_files(root, domain) != by_file_name(published)
    except RulefarmError:
        # What is wrong with it is said when it is checked.
        return True


def _domains(settings: Settings) -> list[str]:
    """The domains that need workers: those of the folder, and whatever else is published, for its jobs would wait."""
    engine = connect(settings)
    active = active_digests(engine)
    engine.dispose()
    try:
        return sorted({*active, *available_domains(settings.rulesets or SHIPPED)})
    except RulesetUnreadable:
        return sorted(active)
