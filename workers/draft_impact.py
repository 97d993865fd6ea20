"""Try a draft on facts.  versions, facts on record or a source -> [draft_impact] -> Impact

The bulk workers of the domain share the facts on record, if any answers; otherwise, and for a source that only this
host has, this process does it all. A draft is put on record under its digest so that workers can read it, and becomes
the active ruleset of nothing by that."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from rulefarm.batch import SourceOptions, open_source, subject_names
from rulefarm.database import active_digests, translate_errors
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.settings import Settings
from rulesets.flips import Impact
from rulesets.folders import SCHEMA_FILE
from rulesets.loader import LoadedRuleset, load_domain
from rulesets.recorded import load_recorded
from rulesets.source_fields import source_fields
from store.facts_on_record import FactsPart, Wanted, facts_on_record, recent_facts
from store.ruleset_versions import RulesetSnapshot, record_ruleset, source_of
from tasks.impact_part import IMPACT_PART, part_impact
from tasks.version_impact import VersionImpact
from workers.bulk_parts import bulk_workers, done_alone

#: Is told how many facts are done, of how many; None: nobody knows.
OnProgress = Callable[[int, int | None], None]
#: Rows of a source that are judged at once.
_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Versions:
    """What judges a domain now, and a draft of it."""

    domain: str
    before: LoadedRuleset
    after: LoadedRuleset


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it."""

    impact: Impact
    #: Processes of workers that took part; 0: this process did it alone.
    processes: int


def versions_of(engine: Engine, domain: str, draft: LoadedRuleset) -> Versions:
    """A draft beside what judges now.

    Args:
        engine: the database.
        domain: whose draft it is.
        draft: compiled, from whatever folder.

    Raises:
        NotFound: `nothing-published`: nothing judges the domain yet.
        DatabaseUnreachable: no answer.
    """
    digest = active_digests(engine).get(domain)
    if digest is None:
        raise NotFound("nothing-published", f"nothing judges {domain!r} yet, so that a draft has nothing to change")
    before = load_recorded(domain, digest, source_of(engine, domain, digest))
    return Versions(domain, before, replace(draft, domain=domain))


def load_draft(folder: Path, domain: str) -> LoadedRuleset:
    """The draft of a domain: in its own folder, or in one with a folder per domain.

    Args:
        folder: the one or the other.
        domain: its name.

    Raises:
        NotFound, RulesetUnreadable, engine.SchemaRejected, engine.RulesetRejected: as `rulesets.loader.load_domain`.
    """
    whole = folder.resolve()
    if os.path.isfile(whole / SCHEMA_FILE):
        return load_domain(whole.parent, whole.name)
    return load_domain(folder, domain)


def try_on_record(
    settings: Settings,
    engine: Engine,
    versions: Versions,
    wanted: Wanted,
    on_progress: OnProgress,
    *,
    sample: int | None = None,
    summed: str | None = None,
    here: bool = False,
) -> Tried:
    """Judge facts on record by both versions.

    Args:
        settings: where the broker is.
        engine: the database; allows long statements.
        versions: both.
        wanted: which facts.
        on_progress: is told.
        sample: about so many of them. Default: all.
        summed: `Fact.field` to sum over those that flip. Default: none.
        here: ask no worker. Default: those that there are.

    Raises:
        NotFound: `no-such-batch`; `no-such-facts`: there are none.
        RulefarmError: `summed` is no number.
        DatabaseUnreachable: no answer.
    """
    compared = VersionImpact(versions.before, versions.after, summed)
    parts = facts_on_record(engine, wanted, sample=sample)
    if not parts:
        raise NotFound("no-such-facts", f"no facts of {versions.domain} are on record", "choose others, or a --file")
    documents = [part.to_json() for part in parts]
    total, done = sum(part.rows for part in parts), 0

    def do_here(place: int) -> Mapping[str, Any]:
        return part_impact(engine, compared, wanted, FactsPart.from_json(documents[place])).to_json()

    impact, processes = Impact(), 0
    bulk = None if here else bulk_workers(settings, engine, versions.domain, IMPACT_PART)
    if bulk is not None and (processes := bulk.processes()):
        with translate_errors(engine), engine.begin() as connection:
            record_ruleset(connection, RulesetSnapshot.of(versions.after))
    about = {
        "domain": versions.domain,
        "before": versions.before.digest,
        "after": versions.after.digest,
        "summed": summed,
        "since": wanted.since and wanted.since.isoformat(),
    }
    arguments = [about | {"part": document} for document in documents]
    answers = bulk.run(arguments, do_here, processes=processes) if bulk else done_alone(len(parts), do_here)
    took_part = False
    for answer in answers:
        took_part = took_part or answer.by_worker
        impact.add(Impact.from_json(answer.document))
        done += parts[answer.place].rows
        on_progress(done, total)
    return Tried(impact, processes if took_part else 0)


def try_on_sample(engine: Engine, versions: Versions, since: datetime | None, *, most: int) -> Tried:
    """Judge a few recent facts on record by both versions, in this process.

    Args:
        engine: the database.
        versions: both.
        since: how recent they are at least; None: whenever.
        most: jobs, and rows of the newest batch about.

    Raises:
        DatabaseUnreachable: no answer.
    """
    compared, wanted, impact = VersionImpact(versions.before, versions.after), Wanted(versions.domain, since), Impact()
    for part in recent_facts(engine, wanted, most=most):
        impact.add(part_impact(engine, compared, wanted, part))
    return Tried(impact, 0)


def try_on_source(
    settings: Settings,
    versions: Versions,
    source: str,
    options: SourceOptions,
    on_progress: OnProgress,
    *,
    as_of: datetime | None = None,
    sample: int | None = None,
    summed: str | None = None,
) -> Tried:
    """Judge the rows of a source by both versions, in this process.

    Args:
        settings: where a query is asked.
        versions: both; neither may share facts, which a source has not.
        source: path of a file or folder that a batch could be.
        options: how it is to be read; its subject is by default the domain's key.
        on_progress: is told.
        as_of: the instant to judge at. Default: now.
        sample: the first rows, so many. Default: all.
        summed: `Fact.field` to sum over those that flip. Default: none.

    Raises:
        RulefarmError: `needs-shared-facts`; or `summed` is no number.
        SourceRejected: the source can't be read.
    """
    compared = VersionImpact(versions.before, versions.after, summed)
    if compared.is_shared:
        message = f"{versions.domain} shares facts, and a file has none of them"
        raise RulefarmError("needs-shared-facts", message, "take facts on record: --last or --batch")
    moment, impact, left = as_of or datetime.now(UTC), Impact(), sample
    names = subject_names(options.subject or versions.before.schema.key, source_fields(versions.before))
    options = replace(options, subject=names[0] if names else None, subject_elsewhere=names[1:])
    opened = open_source(source, options, rows=_ROWS, database_url=settings.source_url)
    for frame in opened.portions:
        part = frame if left is None else frame.head(left)
        impact.add(compared.of_rows(part, opened.form, moment))
        on_progress(impact.rows, sample)
        if left is not None:
            left -= len(part)
            if left <= 0:
                break
    return Tried(impact, 0)
