"""What is to judge from a later moment on.  publications -> [schedules] -> publication_trail

A schedule is a row of the trail, and so is what becomes of it: carried out, cancelled, or skipped. One a domain at a
time, and it holds only until something else becomes active, which it was not made for. Changes nothing that is
active: `store.publications` carries out what is due."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, literal, select

from rulefarm.database import publications, translate_errors
from rulefarm.errors import NotFound, RulefarmError
from store.publication_trail import Publication, add_publication, lock_trail


class PublicationRefused(RulefarmError):
    """A change of what judges does not fit what is on record; nothing was changed."""


def pending_schedules(engine: Engine) -> list[Publication]:
    """What is to become active later, the next first.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        return pending_in(connection, literal(True))


def cancel_schedule(engine: Engine, domain: str, *, by: str | None = None, note: str | None = None) -> Publication:
    """Drop what was to become the active ruleset of a domain at a later moment.

    Args:
        engine: the database.
        domain: whose.
        by: who does so. Default: nobody knows.
        note: why. Default: nothing is said.

    Returns:
        The schedule.

    Raises:
        NotFound: `no-schedule`.
        DatabaseUnreachable: nothing was written.
    """
    with translate_errors(engine), engine.begin() as connection:
        lock_trail(connection)
        pending = pending_in(connection, publications.c.domain == domain)
        if not pending:
            raise NotFound("no-schedule", f"nothing is to become active for {domain} later")
        end_schedule(connection, pending[0], "cancel", by, note)
    return pending[0]


def add_schedule(connection: Connection, domain: str, digest: str, at: datetime, said: Mapping[str, Any]) -> None:
    """Have a ruleset become the active one later.

    Args:
        connection: in a transaction that has locked the trail.
        domain: whose.
        digest: its version, which is on record.
        at: from when on.
        said: what else the row says: parent, who, why.

    Raises:
        PublicationRefused: `schedule-pending`.
    """
    for pending in pending_in(connection, publications.c.domain == domain):
        message = f"{pending.digest[:12]} of {domain} is to become active at {pending.active_from} already"
        raise PublicationRefused("schedule-pending", message, f"'rulefarm rules cancel {domain}' drops that")
    add_publication(connection, domain, digest, action="schedule", active_from=at, **said)


def end_schedule(connection: Connection, one: Publication, action: str, by: str | None, note: str | None) -> None:
    """Say what became of a schedule.

    Args:
        connection: in a transaction that has locked the trail.
        one: the schedule.
        action: `cancel`, or `skip` when its moment came and did not fit.
        by: who.
        note: why.
    """
    said = {"action": action, "parent": one.parent, "published_by": by, "note": note, "follows": one.id}
    add_publication(connection, one.domain, one.digest, **said)


def pending_in(connection: Connection, condition: ColumnElement[bool]) -> list[Publication]:
    """Schedules that nothing follows yet, the next first.

    Args:
        connection: the database.
        condition: on their rows.
    """
    after = publications.alias()
    ended = select(after.c.follows).where(after.c.follows == publications.c.id).exists()
    statement = (
        select(publications)
        .where(publications.c.action == "schedule", condition, ~ended)
        .order_by(publications.c.active_from, publications.c.id)
    )
    return [Publication(**row) for row in connection.execute(statement).mappings()]
