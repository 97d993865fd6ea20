"""The facts that a verdict was reached with.  verdict -> job or chunk row -> [judged_facts] -> explain

Reads a row of a chunk as `tasks.judge` does, so what is explained is what was judged."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from engine import Schema
from rulefarm.batch import SUBJECT_COLUMN, decode
from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from store.job_status import chunks_of, job_facts
from tasks.judge import facts_of


def chunk_of(engine: Engine, verdict: Verdict) -> dict[str, Any] | None:
    """The chunk in which a row of a batch was judged: its row, with its facts and the seconds of a job's row.

    Args:
        engine: the database.
        verdict: of a row of a batch.

    Returns:
        None when the batch is no longer on record.

    Raises:
        DatabaseUnreachable: no answer.
    """
    found = chunks_of(engine, verdict)
    return next((row for row in found if verdict.subject in decode(row["facts"])[SUBJECT_COLUMN]), None)


def judged_facts(
    engine: Engine, verdict: Verdict, schema: Schema, *, chunk: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The facts that were judged, with the shared ones as they were then.

    Args:
        engine: the database.
        verdict: of a job, or of a row of a batch.
        schema: of the domain, as it was then.
        chunk: in which a row of a batch stands, as `chunk_of` gave it. Default: it is looked for.

    Raises:
        NotFound: the job or its batch is no longer on record.
        DatabaseUnreachable: no answer.
    """
    if verdict.batch is None:
        facts = job_facts(engine, verdict.id)
    else:
        chunk = chunk or chunk_of(engine, verdict)
        facts = None if chunk is None else facts_of(chunk, verdict.subject, schema)
    if facts is None:
        raise NotFound("no-such-facts", f"the facts of {verdict.id} are no longer on record")
    return facts | (verdict.shared_facts or {})
