"""The private fields of versions on record.  domain, digests -> [hidden_fields] -> store.private_view

Apart from `store.private_view`, for it loads the engine."""

from collections.abc import Collection
from contextlib import suppress

from sqlalchemy import Engine

from engine import PrivateFields
from rulefarm.errors import NotFound
from rulesets.recorded import recorded_schema
from store.ruleset_versions import source_of


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
