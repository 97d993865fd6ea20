"""What falls due by the calendar, a row for each instant.  cron -> [duties] -> reconciler, nightly; doctor, status

Postgres's clock says what is due. The next instant always has its row, so that whoever looks sees what was missed,
though no worker and no beat has run since. Several may do all of this at once: an instant has one row. Carries out
nothing and sends nothing."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, Float, Interval, and_, cast, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from rulefarm.database import batches, duties, translate_errors
from store.cron import Cron

#: The one kind there is: the batch that is submitted at RULEFARM_NIGHTLY_CRON.
NIGHTLY_DUTY = "nightly"
#: Code of one that was given up because no worker had RULEFARM_NIGHTLY_SOURCE: there is to be no nightly any more.
NO_SOURCE = "no-nightly-source"
#: A duty is given up when the next one is due: it would read the same source again. But not within an hour, which a
#: source that comes late may take; and after 12 hours in any case.
SHORTEST_LIFE, LONGEST_LIFE = timedelta(hours=1), timedelta(hours=12)
#: How far back missed instants get a row, and how many of them; how long one that expired is shown, unless a later one
#: is done; and how long what is closed is kept.
_SHOWN, _MOST_MISSED, _KEPT = timedelta(days=7), 1000, timedelta(days=90)
#: Seconds at most between two messages for a duty that gives no sign.
_LONGEST_WAIT_S = 600.0
#: A try may take so long, for it reads a whole source: what is under way is not yet overdue.
_TRY = timedelta(minutes=15)
_SECOND = cast("1 second", Interval)
#: Characters of a reason that are kept.
_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty, as it is on record."""

    kind: str
    domain: str
    #: The instant that the calendar names.
    due_at: datetime
    #: When it is given up.
    expires_at: datetime
    #: open, done, failed or expired.
    state: str
    #: Tries that failed; code and reason of the last one that did.
    attempts: int
    code: str | None
    reason: str | None
    #: What came of it.
    batch: UUID | None
    #: Seconds since it fell due, by the clock of Postgres; negative: it is to come.
    age_s: float

    @property
    def is_open(self) -> bool:
        """Whether it is still tried; one whose time is up is not, though nobody has put that on record yet."""
        return self.state == "open" and self.age_s < (self.expires_at - self.due_at).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


_COLUMNS = [
    *(duties.c[name] for name in ("kind", "domain", "due_at", "expires_at", "state", "attempts", "code", "reason")),
    duties.c.batch,
    cast(func.extract("epoch", func.now() - duties.c.due_at), Float).label("age_s"),
]
_KEY = tuple_(duties.c.kind, duties.c.domain, duties.c.due_at)


def plan(engine: Engine, kind: str, domain: str, cron: Cron) -> None:
    """Give the coming instant a row, and all that were missed since the last one that has.

    Args:
        engine: the database.
        kind: of the duties.
        domain: that they are for.
        cron: when they fall due. What another one had named, and what is still to come, is forgotten.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    mine = and_(duties.c.kind == kind, duties.c.domain == domain)
    with translate_errors(engine), engine.begin() as connection:
        now, known = connection.execute(select(func.now(), func.max(duties.c.due_at)).where(mine)).one()
        coming = cron.after(now)
        if known == coming:
            return
        # The first time of all nothing was missed; nor while what is known is still to come.
        missed = cron.between(max(known, now - _SHOWN), now) if known is not None and known <= now else ()
        for due_at in (*deque(missed, _MOST_MISSED), coming):
            connection.execute(_new(kind, domain, due_at, cron).on_conflict_do_nothing())
        others = and_(duties.c.state == "open", duties.c.due_at > now, duties.c.due_at != coming)
        old = and_(duties.c.state != "open", duties.c.due_at < now - _KEPT)
        connection.execute(delete(duties).where(mine, or_(others, old)))


def add(engine: Engine, kind: str, domain: str, cron: Cron, *, ahead_s: float) -> Duty:
    """The duty of the last instant there was, with a row if it has none.

    Args:
        engine: the database.
        kind: of the duty.
        domain: that it is for.
        cron: when it fell due.
        ahead_s: seconds that Postgres's clock may be behind that of whoever says that it is due.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    with translate_errors(engine), engine.begin() as connection:
        due_at = cron.latest(connection.execute(select(func.now())).scalar_one() + timedelta(seconds=ahead_s))
        statement = _new(kind, domain, due_at, cron)
        statement = statement.on_conflict_do_update(index_elements=_KEY.clauses, set_={"kind": kind})
        return Duty(**connection.execute(statement.returning(*_COLUMNS)).mappings().one())


def find(engine: Engine, kind: str, domain: str, due_at: datetime) -> Duty | None:
    """The duty of an instant, if it has a row.

    Args:
        engine: the database.
        kind: of the duty.
        domain: that it is for.
        due_at: the instant.
    """
    this = (duties.c.kind == kind, duties.c.domain == domain, duties.c.due_at == due_at)
    with translate_errors(engine), engine.connect() as connection:
        row = connection.execute(select(*_COLUMNS).where(*this)).mappings().first()
        return Duty(**row) if row else None


@contextmanager
def claim(engine: Engine, *, grace_s: float) -> Iterator[list[Duty]]:
    """The duties that a message is to be sent for; they count as sent if the block ends well.

    Args:
        engine: the database.
        grace_s: seconds that the first message gives; doubles with every one that gave no sign.

    Raises:
        DatabaseUnreachable: nothing was taken.
    """
    silent = func.least(func.greatest(duties.c.times_sent - duties.c.attempts, 0), 20)
    wait = cast(func.least(grace_s * func.power(2, silent), _LONGEST_WAIT_S) * _SECOND, Interval)
    with translate_errors(engine), engine.begin() as connection:
        late = update(duties).where(duties.c.state == "open", duties.c.expires_at <= func.now())
        connection.execute(late.values(state="expired", finished_at=func.now()))
        picked = select(duties.c.kind, duties.c.domain, duties.c.due_at).where(duties.c.state == "open")
        picked = picked.where(duties.c.due_at <= func.now(), duties.c.resend_at <= func.now())
        taken = update(duties).where(_KEY.in_(picked.with_for_update(skip_locked=True)))
        taken = taken.values(times_sent=duties.c.times_sent + 1, resend_at=func.now() + wait)
        rows = connection.execute(taken.returning(*_COLUMNS)).mappings()
        yield sorted((Duty(**row) for row in rows), key=lambda duty: duty.due_at)


def mark_due(engine: Engine) -> None:
    """Have a message sent again for every open duty: the broker has lost those that it had.

    Raises:
        DatabaseUnreachable: nothing was changed.
    """
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(update(duties).where(duties.c.state == "open").values(resend_at=duties.c.due_at))


def note_start(engine: Engine, duty: Duty) -> None:
    """Put on record that a try begins.

    Args:
        engine: the database.
        duty: that is tried.
    """
    _change(engine, duty, ("open", "expired"), started_at=func.now())


def note_failure(engine: Engine, duty: Duty, *, code: str, reason: str, pause_s: float | None) -> None:
    """Put on record that a try failed.

    Args:
        engine: the database.
        duty: that was tried.
        code: why, for programs.
        reason: why, for people.
        pause_s: seconds until it is tried again; None: never.
    """
    reason = reason[:_REASON].replace("\x00", "\ufffd").encode(errors="replace").decode()
    failed: dict[str, Any] = {"attempts": duties.c.attempts + 1, "code": code, "reason": reason, "started_at": None}
    if pause_s is None:
        failed |= {"state": "failed", "finished_at": func.now()}
    else:
        failed["resend_at"] = func.now() + timedelta(seconds=pause_s)
    _change(engine, duty, ("open",), **failed)


def close(engine: Engine, duty: Duty, batch: UUID) -> None:
    """Put on record that a duty is done; whether or not it has expired meanwhile.

    Args:
        engine: the database.
        duty: that was carried out.
        batch: that came of it.
    """
    done = {"state": "done", "finished_at": func.now(), "batch": batch, "code": None, "reason": None}
    _change(engine, duty, ("open", "expired", "failed"), **done)


def unmet(engine: Engine, *, late_s: float) -> list[Duty]:
    """The duties that are overdue, and those that expired since the last one was done, the oldest first.

    Args:
        engine: the database.
        late_s: seconds after which an open duty is overdue.

    Raises:
        DatabaseUnreachable: no answer.
    """
    now, later = func.now(), duties.alias("later")
    under_way = and_(duties.c.started_at.is_not(None), duties.c.started_at > now - _TRY)
    overdue = and_(
        duties.c.state == "open",
        duties.c.expires_at > now,
        duties.c.due_at < now - timedelta(seconds=late_s),
        ~func.coalesce(under_way, False),
    )
    same = (later.c.kind == duties.c.kind, later.c.domain == duties.c.domain, later.c.due_at > duties.c.due_at)
    done = select(later.c.due_at).where(*same, later.c.state == "done").exists()
    # Somebody's `rulefarm nightly run` makes up for it, too.
    by_hand = select(batches.c.id).where(
        duties.c.kind == NIGHTLY_DUTY, batches.c.nightly, batches.c.domain == duties.c.domain,
        batches.c.enqueued_at > duties.c.due_at, batches.c.state != "failed",
    ).exists()  # fmt: skip
    given_up = or_(duties.c.state == "expired", and_(duties.c.state == "open", duties.c.expires_at <= now))
    wanted = duties.c.code.is_distinct_from(NO_SOURCE)
    expired = and_(given_up, wanted, duties.c.due_at > now - _SHOWN, ~done, ~by_hand)
    return _found(engine, or_(overdue, expired))


def coming(engine: Engine) -> list[Duty]:
    """The duties that are still to come, the next first.

    Raises:
        DatabaseUnreachable: no answer.
    """
    return _found(engine, and_(duties.c.state == "open", duties.c.due_at > func.now()))


def _found(engine: Engine, condition: ColumnElement[bool]) -> list[Duty]:
    statement = select(*_COLUMNS).where(condition).order_by(duties.c.due_at, duties.c.domain)
    with translate_errors(engine), engine.connect() as connection:
        return [Duty(**row) for row in connection.execute(statement).mappings()]


def _new(kind: str, domain: str, due_at: datetime, cron: Cron) -> Any:
    life = min(max(cron.after(due_at) - due_at, SHORTEST_LIFE), LONGEST_LIFE)
    return insert(duties).values(kind=kind, domain=domain, due_at=due_at, expires_at=due_at + life, resend_at=due_at)


def _change(engine: Engine, duty: Duty, states: tuple[str, ...], **values: Any) -> None:
    this = (duties.c.kind == duty.kind, duties.c.domain == duty.domain, duties.c.due_at == duty.due_at)
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(update(duties).where(*this, duties.c.state.in_(states)).values(values))
