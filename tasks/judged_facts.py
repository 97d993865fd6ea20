"""The facts that a verdict was reached with.  verdict -> job or chunk row -> [judged_facts] -> explain

Reads a row of a chunk as `tasks.judge` does, so what is explained is what was judged."""

from typing import Any

from sqlalchemy import Engine

from engine import Schema
from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from store.job_status import chunks_of, job_facts
from tasks.judge import facts_of


def judged_facts(engine: Engine, verdict: Verdict, schema: Schema) -> dict[str, Any]:
    """The facts that were judged, with the shared ones as they were then.

    Args:
        engine: the database.
        verdict: of a job, or of a row of a batch.
        schema: of the domain, as it was then.

    Raises:
        NotFound: the job or its batch is no longer on record.
        DatabaseUnreachable: no answer.
    """
    if verdict.batch is None:
        facts = job_facts(engine, verdict.id)
    else:
        rows = (facts_of(chunk, verdict.subject, schema) for chunk in chunks_of(engine, verdict))
        facts = next((row for row in rows if row is not None), None)
    if facts is None:
        raise NotFound("no-such-facts", f"the facts of {verdict.id} are no longer on record")
    return facts | (verdict.shared_facts or {})
