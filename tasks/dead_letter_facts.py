"""The facts that a dead letter is about.  dead letter -> job or chunk row -> [dead_letter_facts] -> who shows it

Of a row of a batch as the version that is active now reads it: none has judged it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulesets.recorded import recorded_schema
from store.facts_on_record import FactsPart, chunk_of
from store.job_status import job_facts
from store.ruleset_versions import source_of
from tasks.judge import facts_of


def dead_letter_facts(engine: Engine, letter: Mapping[str, Any]) -> dict[str, Any] | None:
    """The facts of a job or of a row of a batch; None: it is about a message, or they are no longer on record.

    Args:
        engine: the database.
        letter: as `store.dead_letter_retry.find_letters` gives it.

    Raises:
        DatabaseUnreachable: no answer.
    """
    if letter["kind"] == "job":
        return job_facts(engine, letter["id"])
    if letter["kind"] != "row":
        return None
    chunk = chunk_of(engine, FactsPart(1, letter["batch"], letter["chunk"]))
    digest = active_digests(engine).get(letter["domain"])
    if chunk is None or digest is None:
        return None
    try:
        schema = recorded_schema(source_of(engine, letter["domain"], digest))
    except NotFound:
        return None
    return None if schema is None else facts_of(chunk, letter["subject"], schema)
