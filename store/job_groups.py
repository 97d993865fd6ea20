"""Groups of jobs: claimed in one commit, stored in one, and given back.  due rows -> [job_groups] -> tasks.drain

Only a job that nobody has begun is claimed with others. The claim counts its first attempt and takes its lease, so that
a job that kills its process finds itself, and its neighbours, begun: whatever is tried again is tried alone, by
`store.attempts`. The holder is a process, not a worker: when it dies, its worker gives back what it held."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, func, update

from rulefarm.database import STILL_OPEN, execute_alone, jobs, still_open, translate_errors
from rulefarm.verdict import Verdict
from store.attempts import LeaseTerms
from store.dead_letters import Failure, storable
from store.verdict_columns import VerdictColumns
from store.verdicts import add_verdicts

# As for one: the job's row decides. It is locked and closed here, and what a later attempt has overtaken is left alone.
_CLOSE = (
    "update jobs set state = 'done', lease_until = null"
    " from unnest(%(ids)s::uuid[], %(moments)s::timestamptz[]) as judged (id, as_of)"
    f" where jobs.id = judged.id and jobs.{STILL_OPEN} and jobs.as_of = judged.as_of and jobs.attempts <= 1"
    " returning jobs.id"
)
_NEW = (
    "select id from jobs where state = 'open' and domain = %(domain)s and bulk = %(bulk)s"
    " and attempts = 0 and lease_until is null"
)
_WITHIN = "resend_at <= now() + %(ahead_s)s * interval '1 second'"
# Asked after every message, and mostly there is none: to plan the claim would take Postgres several times as long.
# In order, so that it is the first entry of an index that is looked at.
_ANY = f"{_NEW} and {_WITHIN} order by resend_at limit 1"
# First those whose message waits somewhere: they are few, and else a backlog that was sent none would keep passing
# them. Not subqueries of IN: a plan may execute those more than once, and each time it locks as many again.
_CLAIM = (
    f"with late as ({_NEW} and resend_at > now() and {_WITHIN}"
    " order by resend_at limit %(most)s for update skip locked),"
    f" due as ({_NEW} and resend_at <= now()"
    " order by resend_at limit %(most)s - (select count(*) from late) for update skip locked),"
    " picked as (select id from late union all select id from due)"
    " update jobs set attempts = 1, worker = %(holder)s,"
    " lease_until = now() + %(lease_s)s * interval '1 second', resend_at = now() + %(lease_s)s * interval '1 second'"
    " from picked where jobs.id = picked.id"
    " returning jobs.id, jobs.domain, jobs.subject, jobs.facts::text, jobs.as_of, jobs.enqueued_at,"
    " jobs.traceparent, jobs.digest"
)


class ClaimedJob(NamedTuple):
    """A job of a group, as its row has it."""

    id: uuid.UUID
    domain: str
    subject: str
    #: As Postgres writes them.
    facts: str
    as_of: datetime
    enqueued_at: datetime
    traceparent: str | None
    digest: str | None


def holder(worker: str, pid: int) -> str:
    """The name of a process of a worker, as the rows of a group have it.

    Args:
        worker: name of the worker.
        pid: of the process.
    """
    return f"{worker}/{pid}"


def claim_group(
    engine: Engine, domain: str, terms: LeaseTerms, *, bulk: bool, most: int, ahead_s: float = 0.0
) -> list[ClaimedJob]:
    """Count the first attempt at jobs that are due, or soon will be, and take their leases, in one commit.

    Args:
        engine: the database.
        domain: whose jobs.
        terms: of the attempt; `worker` is the `holder`.
        bulk: whether those of its bulk queue.
        most: jobs at most.
        ahead_s: seconds until a job would be sent again, at most: whose message is on its way is due after its grace.
            Default: none, only what is due.

    Returns:
        The jobs; none when nothing is due, or others have it.

    Raises:
        DatabaseUnreachable: nothing was claimed; or, if the answer was lost, what was is due when its leases end.
    """
    values = {"domain": domain, "bulk": bulk, "most": most, "holder": terms.worker, "lease_s": terms.lease_s}
    values["ahead_s"] = max(0.0, ahead_s)
    if not execute_alone(engine, _ANY, values, repeatable=True):
        return []
    # Not repeatable: what the first had claimed would be left to its leases all the same.
    rows = execute_alone(engine, _CLAIM, values)
    return [ClaimedJob(*row) for row in rows]


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
    # As text of arrays: the driver would write each of their values by itself.
    judged = {"ids": f"{{{','.join(str(row.id) for row in rows)}}}"}
    judged["moments"] = "{" + ",".join(f'"{row.as_of}"' for row in rows) + "}"
    with translate_errors(engine), engine.begin() as connection:
        closed = {row.id for row in connection.exec_driver_sql(_CLOSE, judged)}
        return closed - add_verdicts(connection, VerdictColumns.of([row for row in rows if row.id in closed]))


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
    given = update(jobs).where(jobs.c.id.in_(ids), still_open(jobs), jobs.c.worker == terms.worker)
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
