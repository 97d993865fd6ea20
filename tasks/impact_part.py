"""Task: what a draft does to one part of the facts on record.  rulefarm rules impact -> [impact_part] -> an Impact

Idle bulk workers share what a change of rules is tried on. Both versions are named by their digests, and kept compiled
as those of pinned jobs are. Nothing is written, so that a part which is lost, or judged twice, does no harm: whoever
asks for it judges it, in the end, himself, with the same function."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from cachetools import LRUCache
from celery import Task
from sqlalchemy import Engine

from rulefarm.batch import SUBJECT_COLUMN, decode
from rulesets.flips import Impact
from store.facts_on_record import FactsPart, Wanted, chunk_of, jobs_of, verdicts_of_rows
from tasks.judge import row_ids
from tasks.shared_facts import REFUSALS
from tasks.version_impact import RecordedJob, VersionImpact
from tasks.worker_context import current

#: Name of the task.
IMPACT_PART = "rules.impact_part"

#: What rules of a version are called in another, by both digests: to find it out takes as long as to judge a part.
_names: LRUCache[tuple[str, str], dict[str, str]] = LRUCache(2)


def judge_impact_part(
    task: Task, domain: str, before: str, after: str, summed: str | None, since: str | None, part: dict[str, Any]
) -> dict[str, Any]:
    """Judge one part by both versions.

    Args:
        task: the running Celery task.
        domain: whose facts.
        before: digest of the version that facts are judged by now.
        after: digest of the draft, which is on record.
        summed: `Fact.field` to sum over the rows that flip.
        since: as of `Wanted`, as ISO text.
        part: as `FactsPart.to_json` gives it.

    Returns:
        As `Impact.to_json` gives it.

    Raises:
        NotFound: this worker does not serve the domain.
        RulesetUnusable: it can't judge by a version.
        DatabaseUnreachable: no answer.
    """
    context = current()
    versions = VersionImpact(
        context.ruleset(domain, before), context.ruleset(domain, after), summed, renamed=_names.get((before, after))
    )
    _names[before, after] = versions.renamed
    wanted = Wanted(domain, None if since is None else datetime.fromisoformat(since))
    return part_impact(context.database, versions, wanted, FactsPart.from_json(part)).to_json()


def part_impact(engine: Engine, versions: VersionImpact, wanted: Wanted, part: FactsPart) -> Impact:
    """What comes of one part.

    Args:
        engine: the database.
        versions: both.
        wanted: which facts.
        part: of them.

    Raises:
        DatabaseUnreachable: no answer.
    """
    if part.batch is not None:
        return _of_chunk(engine, versions, part, part.batch)
    impact = Impact()
    for page in jobs_of(engine, wanted, part, shared=versions.is_shared):
        shares = [_shared(row._asdict()) for row in page] if versions.is_shared else [None] * len(page)
        known = (
            RecordedJob(row.subject, row.facts, row.as_of, shared, row.id)
            for row, shared in zip(page, shares, strict=True)
        )
        impact.add(versions.of_jobs(list(known)))
    return impact


def _of_chunk(engine: Engine, versions: VersionImpact, part: FactsPart, batch: UUID) -> Impact:
    chunk = chunk_of(engine, part)
    if chunk is None:
        return Impact()
    frame = decode(chunk["facts"])
    if part.share < 1:
        drawn = np.random.default_rng([part.n, batch.int]).random(len(frame)) < part.share
        frame = frame.filter(drawn)
    shared = None
    if versions.is_shared:
        ids = row_ids(batch, frame[SUBJECT_COLUMN].to_list())
        known = verdicts_of_rows(engine, chunk["enqueued_at"], ids)
        shared = [_shared(known.get(id_, {})) for id_ in ids]
    return versions.of_rows(frame, chunk["form"], chunk["as_of"], shared, batch=batch)


def _shared(verdict: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The shared facts that a verdict has on record; None: there is no verdict, or they could not be had then."""
    reasons = verdict.get("reasons")
    if reasons is None or {reason["code"] for reason in reasons} & set(REFUSALS):
        return None
    return verdict["shared_facts"] or {}
