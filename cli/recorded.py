"""What is published and takes a ruleset to read.  a domain -> [recorded] -> its key

Apart from `cli.lookup`, for it loads the engine."""

from sqlalchemy import Engine

from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from rulesets.recorded import recorded_schema
from store.ruleset_versions import source_of


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
