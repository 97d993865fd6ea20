"""Published rulesets by their digest.  loaded ruleset -> [ruleset_versions] -> rulesets, active_rulesets

A verdict names the digest that judged it; here is the source behind every digest, so that an auditor can read in March
what the rules said in January."""

import base64
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from rulefarm.database import active_rulesets, rulesets, translate_errors
from rulefarm.errors import NotFound


def publish(
    engine: Engine, domain: str, digest: str, sources: Mapping[str, bytes], fields: Mapping[str, Any] | None = None
) -> None:
    """Put a ruleset on record and make it the domain's active one. Harmless when repeated.

    Args:
        engine: the database.
        domain: whose ruleset.
        digest: its version.
        sources: file name to content.
        fields: what a source of the domain may have, from `rulesets.source_fields`; default: nobody says, and no source
            is compared with it.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    kept = {name: _to_json(content) for name, content in sources.items()}
    record = insert(rulesets).values(domain=domain, digest=digest, source=kept, fields=fields)
    # A ruleset that the release before published has none.
    record = record.on_conflict_do_update(
        index_elements=["domain", "digest"],
        set_={"fields": record.excluded.fields},
        where=rulesets.c.fields.is_(None) & record.excluded.fields.is_not(None),
    )
    active = insert(active_rulesets).values(domain=domain, digest=digest)
    active = active.on_conflict_do_update(
        index_elements=["domain"],
        set_={"digest": active.excluded.digest, "activated_at": func.now()},
        where=active_rulesets.c.digest != active.excluded.digest,
    )
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(record)
        connection.execute(active)


def source_of(engine: Engine, domain: str, digest: str) -> dict[str, bytes]:
    """The files of a ruleset by its digest.

    Args:
        engine: the database.
        domain: whose ruleset.
        digest: its version.

    Returns:
        File name to content, byte for byte what was published.

    Raises:
        NotFound: never published.
    """
    statement = select(rulesets.c.source).where(rulesets.c.domain == domain, rulesets.c.digest == digest)
    with translate_errors(engine), engine.connect() as connection:
        source: dict[str, str | dict[str, str]] | None = connection.execute(statement).scalar()
    if source is None:
        raise NotFound("no-such-ruleset", f"no ruleset {digest[:12]} of {domain} is on record")
    return {name: _from_json(content) for name, content in source.items()}


def active_sources(engine: Engine) -> dict[str, dict[str, bytes]]:
    """The files of the rulesets that judge now.

    Args:
        engine: the database.

    Returns:
        Domain to file name to content, domains in order.

    Raises:
        DatabaseUnreachable: no answer.
    """
    active = rulesets.join(
        active_rulesets,
        (rulesets.c.domain == active_rulesets.c.domain) & (rulesets.c.digest == active_rulesets.c.digest),
    )
    statement = select(rulesets.c.domain, rulesets.c.source).select_from(active).order_by(rulesets.c.domain)
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(statement).all()
    return {domain: {name: _from_json(content) for name, content in source.items()} for domain, source in rows}


def _to_json(content: bytes) -> str | dict[str, str]:
    """Text as text, which an auditor can read in the table; a workbook, and what JSON can't hold, as base64."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    return text if "\0" not in text else {"base64": base64.b64encode(content).decode()}


def _from_json(kept: str | dict[str, str]) -> bytes:
    return kept.encode() if isinstance(kept, str) else base64.b64decode(kept["base64"])
