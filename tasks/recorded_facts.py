"""Facts on record, if they still are.  verdict -> [recorded_facts] -> commands and pages that show them"""

from typing import Any

from sqlalchemy import Engine

from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from rulesets.recorded import recorded_schema
from store.ruleset_versions import source_of
from tasks.judged_facts import judged_facts


def facts_on_record(engine: Engine, verdict: Verdict) -> dict[str, Any] | None:
    """The facts that a verdict was reached with; None when they are no longer on record.

    Args:
        engine: the database.
        verdict: of a job, or of a row of a batch.

    Raises:
        DatabaseUnreachable: no answer.
    """
    try:
        schema = recorded_schema(source_of(engine, verdict.domain, verdict.ruleset_digest))
        return None if schema is None else judged_facts(engine, verdict, schema)
    except NotFound:
        return None
