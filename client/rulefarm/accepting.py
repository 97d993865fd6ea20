"""Turn what a producer hands over into jobs.  facts, keys -> [accepting] -> jobs with their canonical facts

Pure but for the clock: ids, instants and limits are settled here; nothing is written and nothing is sent."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rulefarm import wire
from rulefarm.jobs import AnswersFor, Job
from rulefarm.routing import checked_domain


def accept(
    domain: str,
    items: Iterable[tuple[Mapping[str, Any], str | None]],
    *,
    as_of: datetime | None,
    on_record: bool,
    farm: AnswersFor,
) -> list[tuple[Job, str]]:
    """Jobs that can be taken.

    Args:
        domain: who judges.
        items: facts and key, or None, of each.
        as_of: the instant to judge at; None: now.
        on_record: whether a row will be written for them.
        farm: who answers for them.

    Returns:
        Each job with its canonical facts.

    Raises:
        JobRejected: one of them can't be taken.
    """
    checked_domain(domain)
    moment = wire.instant(as_of) if as_of else None
    now = datetime.now(UTC)
    jobs = []
    for facts, key in items:
        text = wire.canonical(facts)
        if key is None:
            job_id = uuid.uuid4()
        else:
            job_id = wire.job_id(domain, wire.checked_key(key), wire.digest(text), moment)
        job = Job(
            id=job_id,
            domain=domain,
            subject=str(job_id) if key is None else key,
            as_of=moment or now,
            enqueued_at=now,
            on_record=on_record,
            farm=farm,
        )
        jobs.append((job, text))
    return jobs
