"""`rulefarm rules publish`: make the rulesets of a folder the ones that judge."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import Engine

from cli.display.output import print_json
from cli.display.progress import progress
from cli.display.terminal import echo
from cli.impact import budget_option, recorded_words
from cli.options import Age, Instant, complete_domains, json_option, read_settings
from cli.who import this_user
from rulefarm.database import LONG_S, active_digests, connect
from rulefarm.errors import DatabaseUnreachable, RulefarmError, SettingsError
from rulefarm.plurals import counted
from rulefarm.settings import Settings
from rulesets.budget import Limit, broken, parse_budget
from rulesets.candidates import check_candidates
from rulesets.folders import SCHEMA_FILE
from rulesets.loader import SHIPPED, LoadedRuleset, available_domains, chosen_domains
from store.facts_on_record import Wanted, instant_before
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot, find_digest
from tasks.published_rulesets import WITHIN_S
from workers.draft_impact import try_on_record, versions_of


@click.command("publish")
@click.argument("folder", type=click.Path(path_type=Path), metavar="[DIR]", required=False)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=complete_domains)
@click.option("--note", help="Why: kept beside who and when.")
@click.option("--at", type=Instant(), help="From this instant on, if nothing else is published before. Default: now.")
@click.option("--parent", metavar="DIGEST", help="Only if the active one begins so: what the draft was made from.")
@budget_option
@click.option("--last", type=Age(), default="7d", show_default=True, help="The facts that a --budget is about.")
@json_option
def command(
    folder: Path | None,
    domains: tuple[str, ...],
    note: str | None,
    at: datetime | None,
    parent: str | None,
    budget: str | None,
    last: timedelta,
    as_json: bool,
) -> None:
    """Make the rulesets in DIR the ones that judge: all domains in it, or those that are named.

    DIR has a folder per domain, or is the folder of one. Default: RULEFARM_RULESETS, or what is published of the
    rulesets that ship. Each is checked, and its cases are run; nothing goes live unless all are in order. Workers go
    over to them within seconds, without a restart. Exit code 1 if something is refused; then the farm judges as before.
    Refused is, too, what somebody else was quicker with: if another ruleset became active since this command began.
    With --budget the facts on record are judged by it first, as by 'rulefarm rules impact'.
    """
    settings = read_settings()
    limits = parse_budget(budget) if budget is not None else []
    engine = connect(settings)
    given = folder or settings.rulesets
    root, names = (SHIPPED, domains or _shipped(engine)) if given is None else place(given, domains)
    names = chosen_domains(root, names)
    away, parents = None, {}
    try:
        active = active_digests(engine)
        parents = {domain: find_digest(engine, parent, domain)[1] if parent else active.get(domain) for domain in names}
    except DatabaseUnreachable as unreachable:
        # What is wrong with the rules is said even so.
        away = unreachable
    candidates = check_candidates(root, names)
    for domain, error in candidates.refused.items():
        echo(f"{domain}: {error} [{error.code}]", err=True, lines=hasattr(error, "diagnostics"))
    if candidates.refused:
        echo(f"rulefarm: nothing is published: {', '.join(candidates.refused)} can't be", err=True)
        sys.exit(1)
    if away is not None:
        raise away
    if limits:
        _check_budget(settings, [one.ruleset for one in candidates.fit.values()], limits, last)
    snapshots = [RulesetSnapshot.of(candidate.ruleset) for candidate in candidates.fit.values()]
    changed = publish(engine, snapshots, by=this_user(), note=note, parents=parents, at=at)
    if as_json:
        print_json(
            [
                {"domain": domain, "digest": one.ruleset.digest, "published": domain in changed, "cases": one.cases}
                for domain, one in candidates.fit.items()
            ]
        )
        return
    for domain, one in candidates.fit.items():
        state = "was published already" if domain not in changed else f"is active from {at} on" if at else "published"
        tested = f"{counted(one.cases, 'case')} passed" if one.cases else "it has no cases"
        echo(f"{domain}: {one.ruleset.digest[:12]} {state}; {tested}")
    if changed and not at:
        echo(f"workers judge by it within {WITHIN_S:g} s; 'rulefarm doctor' names who does not")


def _check_budget(
    settings: Settings, drafts: Sequence[LoadedRuleset], limits: Sequence[Limit], last: timedelta
) -> None:
    """Refuse drafts that would flip more of the facts on record than they may.

    Raises:
        RulefarmError: `over-budget`.
        NotFound: there is nothing to compare with, or no fact; so nobody can say what a draft does.
    """
    engine = connect(settings, silence_s=LONG_S)
    since = instant_before(engine, last)
    for draft in drafts:
        versions = versions_of(engine, draft.domain, draft)
        with progress(f"{draft.domain} impact") as on_progress:
            tried = try_on_record(settings, engine, versions, Wanted(draft.domain, since), on_progress)
        if beyond := broken(limits, tried.impact):
            message = f"{draft.domain}: over budget {recorded_words(last)}: {'; '.join(beyond)}"
            raise RulefarmError(
                "over-budget", message, "'rulefarm rules impact' shows what flips; nothing is published"
            )


def _shipped(engine: Engine) -> tuple[str, ...]:
    """The domains that ship and are published: the others nobody has asked for."""
    published = active_digests(engine)
    if names := tuple(domain for domain in available_domains(SHIPPED) if domain in published):
        return names
    hint = "name the folder of your rulesets, or set RULEFARM_RULESETS"
    raise SettingsError("no-rulesets", "nothing says what to publish", hint)


def place(given: Path, domains: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """The folder with a folder per domain, and the names of domains: none means all.

    Args:
        given: that folder, or the folder of one domain.
        domains: those that are named.
    """
    if not domains and os.path.isfile(given / SCHEMA_FILE):
        folder = given.resolve()
        return folder.parent, (folder.name,)
    return given, domains
