"""Jobs that were judged before they were on record.  gateway -> [judged_jobs] -> job rows and verdicts, one commit

Whoever judges where the request came in writes the job and its verdict together, of many requests in one statement: a
job is on record with its verdict, or not at all. A job that was there already keeps its row and its verdict; it is
told apart, for its verdict is of the instant that stands in its row. Judges nothing, and counts no attempt."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select

from rulefarm.database import execute_alone, jobs, translate_errors
from rulefarm.verdict import Verdict
from store.verdict_columns import COLUMNS
from store.verdicts import SQL_TYPES, row_json

_FACTS = "job_facts"
#: One parameter, whatever the number of jobs: a temporary table would cost more than all the rest.
_ROWS = ", ".join([*(f"{name} {SQL_TYPES[name]}" for name in COLUMNS), f"{_FACTS} jsonb"])
# In the order of their ids, so that two that write the same jobs never wait for each other. Of a job that somebody else
# writes at this very moment the end is waited for; then it is there, and nothing of this one is kept.
_RECORD = (
    f"with judged as (select * from json_to_recordset(cast(%(judged)s as json)) as each({_ROWS})),"
    " added as (insert into jobs (id, domain, subject, facts, as_of, enqueued_at, state, times_sent)"
    f" select id, domain, subject, {_FACTS}, as_of, enqueued_at, 'done', 0 from judged order by id"
    " on conflict (id) do nothing returning id)"
    f" insert into verdicts ({', '.join(COLUMNS)}) select {', '.join(f'judged.{name}' for name in COLUMNS)}"
    " from judged join added on added.id = judged.id returning id"
)


@dataclass(frozen=True, slots=True)
class JudgedJob:
    """A job and its verdict, neither of which is on record."""

    verdict: Verdict
    #: Its canonical facts.
    facts: str


def record_judged(engine: Engine, judged: Sequence[JudgedJob]) -> set[uuid.UUID]:
    """Write jobs with their verdicts, in one commit.

    Args:
        engine: the database.
        judged: no two of one id.

    Returns:
        The ids of those that were not on record before, and are now; of the others nothing was written.

    Raises:
        DatabaseUnreachable, DatabaseRejected: nothing was written.
    """
    if not judged:
        return set()
    # The facts are JSON already: to read them and write them again would take as long as to judge them.
    rows = ",".join(f'{row_json(each.verdict)[:-1]},"{_FACTS}":{each.facts}}}' for each in judged)
    # Done a second time it finds on record what it wrote the first time, and so does its caller.
    found = execute_alone(engine, _RECORD, {"judged": f"[{rows}]"}, repeatable=True, prepared=True)
    return {job_id for (job_id,) in found}


def jobs_on_record(engine: Engine, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[datetime, datetime]]:
    """Of jobs that are on record: as of when they are judged, and when they were submitted.

    Args:
        engine: the database.
        ids: of jobs, on record or not.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(jobs.c.id, jobs.c.as_of, jobs.c.enqueued_at).where(jobs.c.id.in_(ids))
    with translate_errors(engine), engine.connect() as connection:
        rows: Sequence[Any] = connection.execute(statement).all()
    return {row.id: (row.as_of, row.enqueued_at) for row in rows}
