"""From a verdict back to the facts that were judged.  verdict -> job or chunk row -> [recall] -> explain

Reads a row of a chunk as `tasks.judge` does, so what is explained is what was judged."""

from typing import Any

from sqlalchemy import Engine

from engine import Schema
from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from store.job_status import chunks_of, job_facts
from tasks.judge import facts_of


def judged_facts(engine: Engine, verdict: Verdict, schema: Schema) -> dict[str, Any]:
    """The facts that a verdict is about, with the shared ones that were seen then.

    Args:
        engine: the database.
        verdict: of a job, or of a row of a batch.
        schema: of the domain, as it was then.

    Raises:
        NotFound: the job or its batch is no longer on record.
        DatabaseUnreachable: no answer.
    """
    if verdict.batch is None:
        found = job_facts(engine, verdict.id)
    else:
        rows = (facts_of(chunk, verdict.subject, schema) for chunk in chunks_of(engine, verdict.batch))
        found = next((facts for facts in rows if facts is not None), None)
    if found is None:
        raise NotFound("no-such-facts", f"the facts of {verdict.id} are no longer on record")
    return found | (verdict.shared_facts or {})
