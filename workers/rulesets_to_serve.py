"""The rulesets that a worker starts with.  settings, Postgres -> [rulesets_to_serve] -> start

What is published is served, whatever lies in the folder of the rulesets: that may be gone, half saved, or ahead of what
was meant to go live. Only a domain that has never been published is published from the folder, by the first
worker that starts for it. Says when folder and record differ; changes nothing else."""

import logging
import socket
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from sqlalchemy import Engine

from engine import EngineError
from rulefarm.database import active_digests
from rulefarm.errors import DatabaseUnreachable, RulefarmError
from rulefarm.settings import Settings
from rulesets.candidates import load_candidate
from rulesets.folders import RulesetUnreadable
from rulesets.loader import (
    SHIPPED,
    DomainsCollide,
    LoadedRuleset,
    available_domains,
    check_separate,
    load_domain,
    ruleset_files,
)
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.published_rulesets import Prepare, PublishedRulesets
from tasks.retry import pause_s

log = logging.getLogger("rulefarm.workers")

#: Seconds between two tries to reach Postgres at the start: the first time, and at most.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 15.0


def rulesets_to_serve(
    database: Engine, settings: Settings, domains: Sequence[str], *, has_facts: bool, prepare: Prepare | None = None
) -> PublishedRulesets:
    """The rulesets of a worker; waits for Postgres as long as that is away.

    Args:
        database: where they are published.
        settings: name the folder of the rulesets.
        domains: which ones; none: all that are published, and all of the folder.
        has_facts: whether shared facts can be reached.
        prepare: changes each before it is judged by. Default: nothing.

    Raises:
        SettingsError, NotFound, RulesetUnreadable, engine.SchemaRejected, engine.RulesetRejected: as
            `PublishedRulesets`.
        NotFit, DomainsCollide, CasesRejected: a domain that is not published yet can't be, either.
    """
    for retries in count():
        try:
            served = _published(database, settings, domains, has_facts, prepare)
        except DatabaseUnreachable as error:
            pause = pause_s(retries, first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
            log.warning("%s; trying again in %g s", error, pause)
            time.sleep(pause)
        else:
            break
    try:
        check_separate(tuple(served.by_domain.values()))
    except DomainsCollide as error:
        # They are live already, and a worker that does not start would judge neither.
        log.warning("%s", error)
    if settings.rulesets is not None:
        _compare(settings.rulesets, served.by_domain)
    return served


def _published(
    database: Engine, settings: Settings, domains: Sequence[str], has_facts: bool, prepare: Prepare | None
) -> PublishedRulesets:
    active = active_digests(database)
    wanted, compiled = domains or _every_domain(settings, active), []
    if missing := [domain for domain in wanted if domain not in active]:
        root = settings.rulesets or SHIPPED
        compiled = [load_candidate(root, domain).ruleset for domain in missing]
        check_separate(compiled)
        # Whoever was quicker is right: all workers of a domain judge by the same.
        snapshots = [RulesetSnapshot.of(one) for one in compiled]
        for domain in publish(database, snapshots, by=f"worker@{socket.gethostname()}", only_first=True):
            log.info("%s was not published yet, and is now, from %s", domain, root)
    return PublishedRulesets(database, wanted, has_facts=has_facts, prepare=prepare, compiled=compiled)


def _every_domain(settings: Settings, active: Mapping[str, str]) -> list[str]:
    if active and settings.rulesets is None:
        return sorted(active)
    try:
        return sorted({*active, *available_domains(settings.rulesets or SHIPPED)})
    except RulesetUnreadable:
        if not active:
            raise
        return sorted(active)


def _compare(root: Path, published: Mapping[str, LoadedRuleset]) -> None:
    """Say of which domains the folder holds something else than what is judged by."""
    for domain, ruleset in published.items():
        try:
            if ruleset_files(root, domain) == ruleset.files:
                continue
            # Comments are no difference.
            differs = load_domain(root, domain).digest != ruleset.digest
        except (EngineError, RulefarmError) as error:
            log.warning(
                "%s: judged by %s, which is published; what is in %s can't be used: %s",
                domain, ruleset.digest[:12], root, error,
            )  # fmt: skip
            continue
        if differs:
            log.warning(
                "%s: judged by %s, which is published; what is in %s is not, and goes live by 'rulefarm rules publish'",
                domain, ruleset.digest[:12], root,
            )  # fmt: skip
