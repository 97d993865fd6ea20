"""Rulesets on record.  loaded ruleset -> [published] -> rulesets, active_rulesets

A verdict names the digest that judged it; here is the source behind every digest, so that an auditor can read in March
what the rules said in January."""

from collections.abc import Mapping

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from rulefarm.errors import NotFound
from rulefarm.ledger import reachable
from rulefarm.tables import active_rulesets, rulesets


def publish(engine: Engine, domain: str, digest: str, sources: Mapping[str, bytes]) -> None:
    """Put a ruleset on record and make it the domain's active one. Harmless when repeated.

    Args:
        engine: the database.
        domain: whose ruleset.
        digest: its version.
        sources: file name to content, UTF-8.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    texts = {name: content.decode() for name, content in sources.items()}
    record = insert(rulesets).values(domain=domain, digest=digest, source=texts).on_conflict_do_nothing()
    active = insert(active_rulesets).values(domain=domain, digest=digest)
    active = active.on_conflict_do_update(
        index_elements=["domain"],
        set_={"digest": active.excluded.digest, "activated_at": func.now()},
        where=active_rulesets.c.digest != active.excluded.digest,
    )
    with reachable(engine), engine.begin() as connection:
        connection.execute(record)
        connection.execute(active)


def source_of(engine: Engine, domain: str, digest: str) -> dict[str, str]:
    """The files of a ruleset by its digest.

    Raises:
        NotFound: never published.
    """
    statement = select(rulesets.c.source).where(rulesets.c.domain == domain, rulesets.c.digest == digest)
    with reachable(engine), engine.connect() as connection:
        source: dict[str, str] | None = connection.execute(statement).scalar()
    if source is None:
        raise NotFound("no-such-ruleset", f"no ruleset {digest[:12]} of {domain} is on record")
    return source
