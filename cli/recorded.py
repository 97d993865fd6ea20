"""What is on record and takes a ruleset to read.  a domain, a verdict -> [recorded] -> its key, its facts

Apart from `cli.lookup`, for it loads the engine."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from engine import PrivateFields
from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from rulesets.recorded import recorded_schema
from store.ruleset_versions import source_of
from tasks.judged_facts import judged_facts


def published_key(engine: Engine, domain: str) -> str | None:
    """The field that names what a domain judges, by what is published; None if nothing is.

    Args:
        engine: the database.
        domain: its name.

    Raises:
        DatabaseUnreachable: no answer.
    """
    digest = active_digests(engine).get(domain)
    try:
        schema = recorded_schema(source_of(engine, domain, digest)) if digest else None
    except NotFound:
        return None
    return schema.key if schema else None


def private_fields(engine: Engine, domain: str, digests: Collection[str]) -> PrivateFields:
    """The fields that some versions of a domain call private.

    Args:
        engine: the database.
        domain: whose.
        digests: of the versions; one that is not on record has none.

    Raises:
        DatabaseUnreachable: no answer.
    """
    schemas = []
    for digest in digests:
        with suppress(NotFound):
            schemas.append(recorded_schema(source_of(engine, domain, digest)))
    return PrivateFields([schema for schema in schemas if schema is not None])


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
