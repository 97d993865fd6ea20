"""State of the farm in its rows.  reconciler, dead_letters -> [health] -> `rulefarm doctor`, `rulefarm status`

Reads only."""

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select, text

from rulefarm.database import dead_letters, reconciler, translate_errors


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the reconciler did last."""

    ran_at: datetime
    #: Seconds since, by the clock of Postgres.
    age_s: float
    #: Messages that it sent again.
    sent: int
    #: When it last found the broker without its data; None if never.
    broker_lost_at: datetime | None


def answer_ms(engine: Engine) -> float:
    """Milliseconds that Postgres takes to answer.

    Raises:
        DatabaseUnreachable: it does not.
    """
    with translate_errors(engine), engine.connect() as connection:
        began = time.perf_counter()
        connection.execute(text("select 1"))
        return (time.perf_counter() - began) * 1000


def clock_of(engine: Engine) -> datetime:
    """What Postgres's clock shows.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment


def last_reconciled(engine: Engine) -> LastRun | None:
    """The reconciler's last run; None if it never ran.

    Raises:
        DatabaseUnreachable: no answer.
    """
    age = func.extract("epoch", func.now() - reconciler.c.ran_at)
    statement = select(reconciler.c.ran_at, age, reconciler.c.sent, reconciler.c.broker_lost_at)
    with translate_errors(engine), engine.connect() as connection:
        row = connection.execute(statement).first()
    return LastRun(row[0], float(row[1]), row[2], row[3]) if row else None


def count_dead_letters(engine: Engine, *, kind: str | None = None) -> dict[str, int]:
    """Dead letters by domain; those of messages that came from no domain's queue under "".

    Args:
        engine: the database.
        kind: of this kind only: job, row or message. Default: of any.

    Raises:
        DatabaseUnreachable: no answer.
    """
    domain = func.coalesce(dead_letters.c.domain, "")
    statement = select(domain, func.count()).group_by(domain).order_by(domain)
    if kind is not None:
        statement = statement.where(dead_letters.c.kind == kind)
    with translate_errors(engine), engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(statement)}
