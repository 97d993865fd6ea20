"""Groups of jobs: claimed in one commit, stored in one, and given back.  due rows -> [job_groups] -> tasks.drain

Only a job that nobody has begun is claimed with others. The claim counts its first attempt and takes its lease, so that
a job that kills its process finds itself, and its neighbours, begun: whatever is tried again is tried alone, by
`store.attempts`. The holder is a process, not a worker: when it dies, its worker gives back what it held."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Engine, Row, bindparam, func, select, text, update

from rulefarm.database import jobs, translate_errors
from rulefarm.verdict import Verdict
from store.attempts import LeaseTerms, leased
from store.dead_letters import Failure, storable
from store.verdict_columns import COLUMNS, VerdictColumns
from store.verdicts import stage

#: Those that were judged, on their way into the table.
_STAGED = tuple(name for name in COLUMNS if name != "enqueued_at")
# As for one: the job's row decides. It is locked and closed here, and what a later attempt has overtaken is left alone.
_STORE = (
    "with closed as (update jobs set state = 'done', lease_until = null from staged"
    " where jobs.id = staged.id and jobs.state = 'open' and jobs.as_of = staged.as_of and jobs.attempts <= 1"
    " returning jobs.id, jobs.enqueued_at)"
    f" insert into verdicts ({', '.join(COLUMNS)})"
    f" select {', '.join('closed.enqueued_at' if name == 'enqueued_at' else f'staged.{name}' for name in COLUMNS)}"
    " from staged join closed on closed.id = staged.id on conflict do nothing returning id"
)
_PICKED = (
    select(jobs.c.id)
    .where(jobs.c.state == "open", jobs.c.domain == bindparam("of_domain"), jobs.c.bulk == bindparam("is_bulk"))
    .where(jobs.c.attempts == 0, jobs.c.lease_until.is_(None), jobs.c.resend_at <= func.now())
    .order_by(jobs.c.resend_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    # Not a subquery of IN: a plan may execute that more than once, and each time it locks as many again.
    .cte("picked")
)
_GIVEN = (jobs.c.id, jobs.c.domain, jobs.c.subject, jobs.c.facts, jobs.c.as_of, jobs.c.enqueued_at)


def holder(worker: str, pid: int) -> str:
    """The name of a process of a worker, as the rows of a group have it.

    Args:
        worker: name of the worker.
        pid: of the process.
    """
    return f"{worker}/{pid}"


def claim_group(engine: Engine, domain: str, terms: LeaseTerms, *, bulk: bool, most: int) -> Sequence[Row[Any]]:
    """Count the first attempt at jobs that are due, and take their leases, in one commit.

    Args:
        engine: the database.
        domain: whose jobs.
        terms: of the attempt; `worker` is the `holder`.
        bulk: whether those of its bulk queue.
        most: jobs at most.

    Returns:
        Id, domain, subject, facts, as_of and enqueued_at of each; none when nothing is due, or others have it.

    Raises:
        DatabaseUnreachable: nothing was claimed.
    """
    claimed = update(jobs).where(jobs.c.id == _PICKED.c.id).values(attempts=1, **leased(terms)).returning(*_GIVEN)
    with translate_errors(engine), engine.begin() as connection:
        return connection.execute(claimed, {"of_domain": domain, "is_bulk": bulk, "most": most}).all()


def store_group(engine: Engine, rows: Sequence[Verdict]) -> set[uuid.UUID]:
    """Record the verdicts of a group and close its jobs, in one commit.

    Args:
        engine: the database.
        rows: the verdicts.

    Returns:
        The ids of those that are on record now; a job that has its verdict already, is dead, or was begun again, is
        not among them.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    if not rows:
        return set()
    with translate_errors(engine), engine.begin() as connection:
        stage(connection, VerdictColumns.of(rows), _STAGED)
        return {row.id for row in connection.execute(text(_STORE))}


def give_back(engine: Engine, ids: Collection[uuid.UUID], terms: LeaseTerms) -> None:
    """Give back jobs of a group that were not begun: they are as they were.

    Args:
        engine: the database.
        ids: of the jobs.
        terms: that they were claimed on.

    Raises:
        DatabaseUnreachable: nothing was given back; their leases expire.
    """
    if not ids:
        return
    given = update(jobs).where(jobs.c.id.in_(ids), jobs.c.state == "open", jobs.c.worker == terms.worker)
    given = given.where(jobs.c.attempts == 1).values(attempts=0, worker=None, lease_until=None, resend_at=func.now())
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(given)


def free_lost_group(engine: Engine, process: str, failure: Failure) -> int:
    """Free the jobs of a group whose process died; each is due now, and tried alone from here on.

    Args:
        engine: the database.
        process: the `holder`.
        failure: how it died.

    Returns:
        How many.

    Raises:
        DatabaseUnreachable: nothing was freed; their leases expire.
    """
    lost = update(jobs).where(jobs.c.state == "open", jobs.c.worker == process, jobs.c.lease_until.is_not(None))
    told = {"code": failure.code, "reason": storable(failure.reason)}
    with translate_errors(engine), engine.begin() as connection:
        return connection.execute(lost.values(lease_until=None, resend_at=func.now(), **told)).rowcount
