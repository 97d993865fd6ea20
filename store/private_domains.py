"""Which domains have private fields.  rulesets -> [private_domains] -> private_view

Asked by commands that load no engine; which fields those are says the schema, to who reads it. Reads no schema."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, Text, select

from rulefarm.database import rulesets, translate_errors


@dataclass(frozen=True, slots=True)
class VersionsLookedAt:
    """What some versions on record say of private fields."""

    #: Of all versions.
    digests: frozenset[str]
    #: The domains of those that may call a field private: the word stands in their files.
    domains: frozenset[str]


def look_for_private_fields(engine: Engine, besides: Collection[str] = ()) -> VersionsLookedAt:
    """Look at the versions on record.

    Args:
        engine: the database.
        besides: digests of versions that were looked at before: a version never changes. Default: none was.

    Raises:
        DatabaseUnreachable: no answer.
    """
    is_private = rulesets.c.source.cast(Text).contains("private")
    statement = select(rulesets.c.domain, rulesets.c.digest, is_private)
    if besides:
        statement = statement.where(rulesets.c.digest.not_in(besides))
    with translate_errors(engine), engine.connect() as connection:
        found = connection.execute(statement).all()
    return VersionsLookedAt(
        frozenset(digest for _, digest, _ in found), frozenset(domain for domain, _, says_so in found if says_so)
    )
