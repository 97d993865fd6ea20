"""Published rulesets by their digest.  snapshots -> [ruleset_versions] -> rulesets, active_rulesets, publications

What is published stands in the database whole, under its digest, and is never changed: a verdict names the digest that
judged it, so that an auditor can read in March what the rules said in January. One row a domain says which digest is
the active one, and one a publishing says who made it so, and when. Compiles and checks nothing."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from rulefarm.database import active_rulesets, publications, rulesets, translate_errors
from rulefarm.errors import NotFound
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


def publish(
    engine: Engine,
    snapshots: Sequence[RulesetSnapshot],
    *,
    by: str | None = None,
    note: str | None = None,
    only_first: bool = False,
) -> list[str]:
    """Put rulesets on record and make them the active ones of their domains: all or none. Harmless when repeated.

    Args:
        engine: the database.
        snapshots: one a domain.
        by: who does so. Default: nobody knows.
        note: why. Default: nothing is said.
        only_first: whether a domain that has an active one already keeps it. Default: it does not.

    Returns:
        The domains that have another active ruleset now than before.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    changed = []
    with translate_errors(engine), engine.begin() as connection:
        # In one order: of two who publish the same domains at once one waits, and not each for the other.
        for snapshot in sorted(snapshots, key=lambda one: one.domain):
            is_new = _activate(connection, snapshot, only_first=only_first)
            if is_new or not only_first:
                _record(connection, snapshot)
            if is_new:
                said = {"domain": snapshot.domain, "digest": snapshot.digest, "published_by": by, "note": note}
                connection.execute(insert(publications).values(said))
                changed.append(snapshot.domain)
    return changed


def _record(connection: Connection, snapshot: RulesetSnapshot) -> None:
    kept = {name: _to_json(content) for name, content in snapshot.sources.items()}
    record = upsert(rulesets).values(
        domain=snapshot.domain, digest=snapshot.digest, source=kept, fields=snapshot.fields
    )
    # A ruleset that the release before published has no fields.
    record = record.on_conflict_do_update(
        index_elements=["domain", "digest"],
        set_={"fields": record.excluded.fields},
        where=rulesets.c.fields.is_(None) & record.excluded.fields.is_not(None),
    )
    connection.execute(record)


def _activate(connection: Connection, snapshot: RulesetSnapshot, *, only_first: bool) -> bool:
    """Make it the active one; whether it was another before."""
    active = upsert(active_rulesets).values(domain=snapshot.domain, digest=snapshot.digest)
    if only_first:
        active = active.on_conflict_do_nothing()
    else:
        active = active.on_conflict_do_update(
            index_elements=["domain"],
            set_={"digest": active.excluded.digest, "activated_at": func.now()},
            where=active_rulesets.c.digest != active.excluded.digest,
        )
    return connection.execute(active.returning(active_rulesets.c.domain)).first() is not None


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
