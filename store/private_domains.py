"""Which domains have private fields.  rulesets -> [private_domains] -> store.private_view

Asked by commands that load no engine; which fields those are says the schema, to who reads it. Reads no schema."""

from sqlalchemy import Engine, Text, select

from rulefarm.database import rulesets, translate_errors


def domains_with_private_fields(engine: Engine) -> frozenset[str]:
    """The domains of which a version on record may call a field private: the word stands in its files.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(rulesets.c.domain).distinct().where(rulesets.c.source.cast(Text).contains("private"))
    with translate_errors(engine), engine.connect() as connection:
        return frozenset(connection.execute(statement).scalars())
