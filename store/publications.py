"""Which ruleset judges, since when, and who made it so.  [publications] -> active_rulesets, publications

One row a domain names the active digest, which workers ask for; each change of it, and what is to change at a later
moment, is a row of the trail, written in the same transaction. Whoever changes something locks the trail, so there is
one version or the other and never a mixture. Compiles and checks nothing: a digest that is named here is on record."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from rulefarm.database import active_rulesets, publications, rulesets, translate_errors
from rulefarm.errors import NotFound
from store.publication_trail import Publication, add_publication, lock_trail, publications_of
from store.ruleset_versions import RulesetSnapshot, record_ruleset
from store.schedules import PublicationRefused, add_schedule, end_schedule, pending_in

log = logging.getLogger("rulefarm.store")

#: Rows that what was made active by them can be taken back.
_CAN_BE_TAKEN_BACK = ("publish", "activate")


def publish(
    engine: Engine,
    snapshots: Sequence[RulesetSnapshot],
    *,
    by: str | None = None,
    note: str | None = None,
    only_first: bool = False,
    parents: Mapping[str, str | None] | None = None,
    at: datetime | None = None,
) -> list[str]:
    """Put rulesets on record and make them the active ones of their domains: all or none. Harmless when repeated.

    Args:
        engine: the database.
        snapshots: one a domain.
        by: who does so. Default: nobody knows.
        note: why. Default: nothing is said.
        only_first: whether a domain that has an active one already keeps it. Default: it does not.
        parents: domain to the digest that has to be its active one, None for none. Default: any may be.
        at: from when on, by Postgres's clock: a schedule holds until something else becomes active. Default: now.

    Returns:
        The domains that have, or with `at` will have, another active ruleset than before.

    Raises:
        PublicationRefused: `published-meanwhile`: another is active than `parents` says; `schedule-pending`.
        DatabaseUnreachable: nothing was written.
    """
    changed = []
    with translate_errors(engine), engine.begin() as connection:
        lock_trail(connection)
        for snapshot in snapshots:
            domain = snapshot.domain
            active = _active(connection, domain)
            if only_first and active is not None:
                continue
            if parents is not None and active != parents.get(domain):
                raise _meanwhile(domain, active)
            record_ruleset(connection, snapshot)
            said = {"parent": active, "published_by": by, "note": note}
            if active != snapshot.digest:
                if at is None:
                    _make_active(connection, domain, snapshot.digest, {"action": "publish", **said})
                else:
                    add_schedule(connection, domain, snapshot.digest, at, said)
                changed.append(domain)
    return changed


def activate(
    engine: Engine,
    domain: str,
    digest: str,
    *,
    by: str | None = None,
    note: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Make a ruleset that is on record the active one again.

    Args:
        engine: the database.
        domain: whose.
        digest: its version, whole.
        by: who does so. Default: nobody knows.
        note: why. Default: nothing is said.
        at: from when on. Default: now.

    Returns:
        Whether another was active.

    Raises:
        NotFound: `no-such-ruleset`.
        PublicationRefused: `schedule-pending`.
        DatabaseUnreachable: nothing was written.
    """
    with translate_errors(engine), engine.begin() as connection:
        lock_trail(connection)
        _check_on_record(connection, domain, digest)
        active = _active(connection, domain)
        if active == digest:
            return False
        said = {"parent": active, "published_by": by, "note": note}
        if at is None:
            _make_active(connection, domain, digest, {"action": "activate", **said})
        else:
            add_schedule(connection, domain, digest, at, said)
    return True


def rollback(engine: Engine, domain: str, *, by: str | None = None, note: str | None = None) -> Publication:
    """Take back the newest change of what judges that was not taken back yet: what was active before it is again.

    Args:
        engine: the database.
        domain: whose.
        by: who does so. Default: nobody knows.
        note: why. Default: nothing is said.

    Returns:
        What was taken back.

    Raises:
        PublicationRefused: `nothing-before`: there was none before it.
        DatabaseUnreachable: nothing was written.
    """
    undoing = publications.alias()
    taken_back = select(undoing.c.follows).where(undoing.c.domain == domain, undoing.c.action == "rollback")
    newest = (
        publications_of(domain)
        .where(publications.c.action.in_(_CAN_BE_TAKEN_BACK), publications.c.id.not_in(taken_back))
        .limit(1)
    )
    with translate_errors(engine), engine.begin() as connection:
        lock_trail(connection)
        row = connection.execute(newest).mappings().first()
        if row is None or row["parent"] is None:
            message = f"no other ruleset of {domain} judged before"
            raise PublicationRefused("nothing-before", message, "'rulefarm rules history' shows what is on record")
        said = {"published_by": by, "note": note, "follows": row["id"], "parent": _active(connection, domain)}
        _make_active(connection, domain, row["parent"], {"action": "rollback", **said})
    return Publication(**row)


def activate_due(engine: Engine) -> list[Publication]:
    """Make active what was to be by now. Harmless when repeated, and when others do so at once.

    Args:
        engine: the database.

    Returns:
        The schedules that were carried out.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    due = publications.c.active_from <= func.now()
    with translate_errors(engine), engine.connect() as connection:
        if not pending_in(connection, due):
            return []
    done = []
    with translate_errors(engine), engine.begin() as connection:
        lock_trail(connection)
        for one in pending_in(connection, due):
            active = _active(connection, one.domain)
            if active != one.parent:
                # Only a worker of an older release changes what is active and leaves a schedule pending.
                end_schedule(connection, one, "skip", one.published_by, f"{(active or 'nothing')[:12]} is active")
                log.warning("%s: %s does not become active: another did meanwhile", one.domain, one.digest[:12])
                continue
            said = {"parent": active, "published_by": one.published_by, "note": one.note, "follows": one.id}
            _make_active(connection, one.domain, one.digest, {"action": "activate", **said})
            done.append(one)
    return done


def _active(connection: Connection, domain: str) -> str | None:
    active = select(active_rulesets.c.digest).where(active_rulesets.c.domain == domain).with_for_update()
    return connection.execute(active).scalar()


def _make_active(connection: Connection, domain: str, digest: str, said: Mapping[str, Any]) -> None:
    """Change what is active; a schedule of the domain, which was made for what was active before, is dropped."""
    for pending in pending_in(connection, publications.c.domain == domain):
        if pending.id != said.get("follows"):
            end_schedule(connection, pending, "cancel", said["published_by"], f"{digest[:12]} became active before")
    active = upsert(active_rulesets).values(domain=domain, digest=digest)
    connection.execute(
        active.on_conflict_do_update(
            index_elements=["domain"], set_={"digest": active.excluded.digest, "activated_at": func.now()}
        )
    )
    add_publication(connection, domain, digest, **said)


def _check_on_record(connection: Connection, domain: str, digest: str) -> None:
    there = select(rulesets.c.digest).where(rulesets.c.domain == domain, rulesets.c.digest == digest)
    if connection.execute(there).first() is None:
        raise NotFound("no-such-ruleset", f"no ruleset {digest[:12]} of {domain} is on record")


def _meanwhile(domain: str, active: str | None) -> PublicationRefused:
    judged = f"{active[:12]} is active" if active else "nothing is active"
    message = f"another ruleset of {domain} was published meanwhile: {judged}; nothing was changed"
    return PublicationRefused("published-meanwhile", message, "see what it changes: 'rulefarm rules diff'")
