"""Every publication is chained by hash to the one before.  ruleset_versions, publications -> [publication_trail]

A row's hash covers the hash of the row before, what the row says, and the files of the ruleset that it names. So who
changes one word of an old row or of old rules, or takes a row out, has to write anew the hash of every row since, and
an auditor who noted one of them sees it. Decides nothing: what is active is for whoever adds a row."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, func, insert, select, text

from rulefarm.database import active_rulesets, publications, rulesets, translate_errors

#: Key of the advisory lock under which a row is added: there is one newest row.
_LOCK = 7_226_553_910_442_001
#: What of a row its hash covers, beside the hash of the row before and the files.
COVERED = ("domain", "digest", "action", "parent", "published_at", "published_by", "note", "active_from", "follows")
#: What a row says that makes its digest the active one.
ACTIVATING = ("publish", "activate", "rollback")


@dataclass(frozen=True, slots=True)
class Publication:
    """One row of the trail."""

    id: int
    domain: str
    digest: str
    #: `publish`, `activate`, `rollback`, `schedule`, `cancel` or `skip`.
    action: str
    #: The digest that was active before; None: there was none.
    parent: str | None
    published_at: datetime
    #: Who; None: nobody knows.
    published_by: str | None
    note: str | None
    #: From when on, for a schedule.
    active_from: datetime | None
    #: The schedule that this carries out or drops; for a rollback what it takes back.
    follows: int | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class Trail:
    """What was found when the trail was gone through."""

    #: How many rows.
    length: int
    #: Of the last row; an auditor who keeps it can tell later that nothing up to it was changed. None: there is no row.
    hash: str | None
    #: What is wrong, a line each, in order.
    problems: tuple[str, ...]


def chained_hash(before: str | None, row: Mapping[str, Any] | RowMapping, source: Mapping[str, Any]) -> str:
    """The hash of a row.

    Args:
        before: that of the row before it; None: there is none, or it has none.
        row: at least what `COVERED` names; instants have a zone.
        source: of its ruleset, as the column has it.

    Returns:
        sha256 in hex, of canonical JSON.
    """
    said = [_plain(row[name]) for name in COVERED]
    canonical = json.dumps([before, *said, source], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def verify_trail(engine: Engine) -> Trail:
    """Go through all publications, and hold them against what is active.

    Args:
        engine: the database.

    Raises:
        DatabaseUnreachable: no answer.
    """
    before, length, problems, active = None, 0, [], {}
    # One snapshot: whoever publishes meanwhile would look like a gap between the rows and what is active.
    with translate_errors(engine), engine.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        for row, source in _rows(connection):
            length += 1
            place = (
                f"publication {row['id']} ({row['domain']} {row['digest'][:12]}, {row['published_at']:%Y-%m-%d %H:%M})"
            )
            if row["hash"] is None:
                problems.append(f"{place} has no hash: a worker of an older release wrote it, or somebody else did")
            elif row["hash"] != chained_hash(before, row, source):
                problems.append(f"{place}, the rules that it names, or the row before it is not what it was")
            if row["action"] in ACTIVATING:
                active[row["domain"]] = row["digest"]
            before = row["hash"]
        statement = select(active_rulesets.c.domain, active_rulesets.c.digest)
        now = {row.domain: row.digest for row in connection.execute(statement)}
    problems += [
        f"{domain} is judged by {now[domain][:12] if domain in now else 'nothing'}, and the trail ends with "
        f"{active[domain][:12] if domain in active else 'nothing'}"
        for domain in sorted(now.keys() | active.keys())
        if now.get(domain) != active.get(domain)
    ]
    return Trail(length, before, tuple(problems))


def lock_trail(connection: Connection) -> None:
    """Have nobody else add to the trail, or change what is active, until the transaction ends."""
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def add_publication(connection: Connection, domain: str, digest: str, **said: Any) -> int:
    """Add a row to the trail.

    Args:
        connection: in a transaction that has locked the trail.
        domain: whose ruleset.
        digest: its version, which is on record.
        said: of the other columns that `COVERED` names, but for the time, those that are not NULL.

    Returns:
        The id of the row.
    """
    newest = select(publications.c.hash).order_by(publications.c.id.desc()).limit(1).scalar_subquery()
    # Not now(), which is when the transaction began, maybe before another published.
    moment, before = connection.execute(select(func.clock_timestamp(), newest)).one()
    row = dict.fromkeys(COVERED) | said | {"domain": domain, "digest": digest, "published_at": moment}
    row["hash"] = chained_hash(before, row, connection.execute(_source(domain, digest)).scalar_one())
    added: int = connection.execute(insert(publications).values(row).returning(publications.c.id)).scalar_one()
    return added


def history(
    engine: Engine, domain: str | None = None, *, limit: int | None = None, before: int | None = None
) -> list[Publication]:
    """The trail, the newest first.

    Args:
        engine: the database.
        domain: whose. Default: of all.
        limit: rows at most. Default: all.
        before: the id of the last row of the page before. Default: from the newest on.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        wanted = publications_of(domain).limit(limit)
        wanted = wanted if before is None else wanted.where(publications.c.id < before)
        return [Publication(**row) for row in connection.execute(wanted).mappings()]


def newest_by_domain(engine: Engine) -> dict[str, Publication]:
    """What made the active ruleset of each domain that: the newest row that did.

    Args:
        engine: the database.

    Raises:
        DatabaseUnreachable: no answer.
    """
    newest = (
        select(func.max(publications.c.id)).where(publications.c.action.in_(ACTIVATING)).group_by(publications.c.domain)
    )
    statement = select(publications).where(publications.c.id.in_(newest))
    with translate_errors(engine), engine.connect() as connection:
        return {row["domain"]: Publication(**row) for row in connection.execute(statement).mappings()}


def publications_of(domain: str | None) -> Select[Any]:
    """Selects the rows of a domain, None for all, the newest first."""
    newest_first = select(publications).order_by(publications.c.id.desc())
    return newest_first if domain is None else newest_first.where(publications.c.domain == domain)


def _rows(connection: Connection) -> Iterator[tuple[RowMapping, Mapping[str, Any]]]:
    """Each row with the files of its ruleset, oldest first. The files come once a ruleset, a few at a time."""
    rows = connection.execute(select(publications).order_by(publications.c.id)).mappings().all()
    kept: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = (row["domain"], row["digest"])
        if key not in kept:
            kept = {key: connection.execute(_source(*key)).scalar_one()}
        yield row, kept[key]


def _source(domain: str, digest: str) -> Any:
    return select(rulesets.c.source).where(rulesets.c.domain == domain, rulesets.c.digest == digest)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
