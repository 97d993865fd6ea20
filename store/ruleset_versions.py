"""Rulesets by their digest.  snapshots -> [ruleset_versions] -> rulesets; publications

What is published stands in the database whole, under its digest, and is never changed: a verdict names the digest that
judged it, so that an auditor can read in March what the rules said in January. Which of them is the active one of its
domain is for `store.publications` to say. Compiles and checks nothing."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Text, case, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from rulefarm.database import active_rulesets, publications, rulesets, translate_errors
from rulefarm.errors import NotFound
from rulefarm.normalize import abbreviate
from rulesets.loader import LoadedRuleset
from rulesets.source_fields import source_fields


@dataclass(frozen=True, slots=True)
class RulesetSnapshot:
    """One ruleset, as it is put on record."""

    domain: str
    #: Its version.
    digest: str
    #: File name to content.
    sources: Mapping[str, bytes]
    #: What a source of the domain may have, from `rulesets.source_fields`; None: nobody says, and none is compared.
    fields: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, loaded: LoadedRuleset) -> "RulesetSnapshot":
        """That of a ruleset which was read from its folder."""
        return cls(loaded.domain, loaded.digest, loaded.sources, source_fields(loaded))


def record_ruleset(connection: Connection, snapshot: RulesetSnapshot) -> None:
    """Put a ruleset on record, and make it no active one. Harmless when repeated; a draft is then as young as new.

    Args:
        connection: in a transaction.
        snapshot: the ruleset.
    """
    kept = {name: _to_json(content) for name, content in snapshot.sources.items()}
    record = upsert(rulesets).values(
        domain=snapshot.domain, digest=snapshot.digest, source=kept, fields=snapshot.fields
    )
    # A ruleset that the release before published has no fields.
    lacks_fields = rulesets.c.fields.is_(None) & record.excluded.fields.is_not(None)
    # One that is tried again must not go as an old one while workers judge by it.
    named = publications.c.domain == rulesets.c.domain, publications.c.digest == rulesets.c.digest
    is_draft = ~select(publications.c.id).where(*named).exists()
    record = record.on_conflict_do_update(
        index_elements=["domain", "digest"],
        set_={
            "fields": func.coalesce(rulesets.c.fields, record.excluded.fields),
            "published_at": case((is_draft, func.now()), else_=rulesets.c.published_at),
        },
        where=lacks_fields | is_draft,
    )
    connection.execute(record)


def published_within(engine: Engine, seconds: float) -> set[str]:
    """The domains whose active ruleset became it a moment ago, by Postgres's clock.

    Args:
        engine: the database.
        seconds: how long ago at most.

    Raises:
        DatabaseUnreachable: no answer.
    """
    since = func.now() - timedelta(seconds=seconds)
    statement = select(active_rulesets.c.domain).where(active_rulesets.c.activated_at > since)
    with translate_errors(engine), engine.connect() as connection:
        return set(connection.execute(statement).scalars())


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


def find_digest(engine: Engine, beginning: str, domain: str | None = None) -> tuple[str, str]:
    """The ruleset on record whose digest begins so.

    Args:
        engine: the database.
        beginning: of its digest, in hex.
        domain: whose. Default: any.

    Returns:
        Domain and whole digest.

    Raises:
        NotFound: `no-such-ruleset`: none, or several; the message names them.
        DatabaseUnreachable: no answer.
    """
    # What is no hex begins no digest, and may be text that can't be asked for.
    if not re.fullmatch("[0-9A-Fa-f]*", beginning):
        raise _no_such(beginning, domain)
    like = rulesets.c.digest.cast(Text).startswith(beginning.lower(), autoescape=True)
    statement = select(rulesets.c.domain, rulesets.c.digest).where(like).order_by(rulesets.c.published_at.desc())
    if domain is not None:
        statement = statement.where(rulesets.c.domain == domain)
    with translate_errors(engine), engine.connect() as connection:
        found = connection.execute(statement.limit(5)).all()
    if len(found) == 1:
        return found[0].domain, found[0].digest
    if not found:
        raise _no_such(beginning, domain)
    several = ", ".join(f"{digest[:12]} of {whose}" for whose, digest in found)
    raise NotFound(
        "no-such-ruleset", f"several rulesets begin with {beginning!r}: {several}", "give more of the digest"
    )


def _no_such(beginning: str, domain: str | None) -> NotFound:
    of = f" of {domain}" if domain else ""
    hint = "'rulefarm rules history' names those that are"
    return NotFound("no-such-ruleset", f"no ruleset {abbreviate(beginning)}{of} is on record", hint)


def recorded_versions(engine: Engine, domain: str, *, limit: int) -> list[tuple[str, datetime]]:
    """The versions of a domain that are on record, drafts among them, the newest first.

    Args:
        engine: the database.
        domain: whose.
        limit: at most so many.

    Returns:
        Digests, each with when it was put on record.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(rulesets.c.digest, rulesets.c.published_at).where(rulesets.c.domain == domain)
    newest = statement.order_by(rulesets.c.published_at.desc(), rulesets.c.digest).limit(limit)
    with translate_errors(engine), engine.connect() as connection:
        return [(row.digest, row.published_at) for row in connection.execute(newest)]


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
