"""Judge a sample of what was judged again.  settings, database -> [verified_sample] -> Verified

The bulk workers of each domain share it, if any answers; where none does, this process judges it, and says so. Which
chunks of batches are drawn is decided here, which jobs where they are judged; each time others."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from rulefarm.settings import Settings
from store.facts_on_record import FactsPart, Wanted, domains_on_record, facts_on_record
from tasks.verify_part import VERIFY_PART
from tasks.verify_verdicts import VerdictVerifier, Verified
from workers.bulk_parts import bulk_workers, done_alone

#: Parts of jobs that are made one at most, so that a task of it takes seconds.
_MOST_TOGETHER = 20
#: Is told how many verdicts are done, of how many, about.
OnProgress = Callable[[int, int], None]
#: Is told of a domain whose verdicts this process judges, for no bulk worker of it answers.
OnAlone = Callable[[str], None]


def verify_sample(
    settings: Settings,
    engine: Engine,
    on_progress: OnProgress,
    on_alone: OnAlone,
    *,
    share: float,
    since: datetime | None = None,
    domain: str | None = None,
) -> Verified:
    """Judge a sample again.

    Args:
        settings: where the broker is.
        engine: the database; allows long statements.
        on_progress: is told.
        on_alone: is told.
        share: as of `VerdictVerifier`.
        since: likewise.
        domain: of this domain only. Default: of all.

    Raises:
        DatabaseUnreachable: no answer.
    """
    drawn = {each: _drawn(engine, each, share) for each in ([domain] if domain else domains_on_record(engine))}
    total, done, found = sum(part.rows for parts in drawn.values() for part in parts), 0, Verified()
    for each, parts in drawn.items():
        if not parts:
            continue
        for place, verified in _of_domain(settings, engine, each, parts, on_alone, share=share, since=since):
            found.add(verified)
            done += parts[place].rows
            on_progress(done, total)
    return found


def _drawn(engine: Engine, domain: str, share: float) -> list[FactsPart]:
    parts = facts_on_record(engine, Wanted(domain))
    chunks = [part for part in parts if part.batch is not None and random.random() < share]
    # Of few jobs each is judged by itself, so that parts of which few are drawn are made one.
    together = max(1, round(1 / share)) if share * _MOST_TOGETHER > 1 else _MOST_TOGETHER
    ranges = [part for part in parts if part.batch is None]
    some = [ranges[first : first + together] for first in range(0, len(ranges), together)]
    return chunks + [
        replace(each[0], end=each[-1].end, rows=round(sum(part.rows for part in each) * share)) for each in some
    ]


def _of_domain(
    settings: Settings,
    engine: Engine,
    domain: str,
    parts: list[FactsPart],
    on_alone: OnAlone,
    *,
    share: float,
    since: datetime | None,
) -> Iterator[tuple[int, Verified]]:
    verifier = VerdictVerifier(engine, share=share, since=since, domain=domain)

    def here(place: int) -> Mapping[str, Any]:
        return verifier.run_part(parts[place]).to_json()

    bulk = bulk_workers(settings, engine, domain, VERIFY_PART)
    processes = bulk.processes() if bulk is not None else 0
    if not processes:
        on_alone(domain)
    about = {"domain": domain, "share": share, "since": since and since.isoformat()}
    arguments = [about | {"part": part.to_json()} for part in parts]
    if bulk is None:
        answers = done_alone(len(parts), here)
    else:
        answers = bulk.run(arguments, here, processes=processes)
    for answer in answers:
        yield answer.place, Verified.from_json(answer.document)
