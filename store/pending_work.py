"""What has a row and no verdict.  jobs, chunks -> [pending_work] -> the reconciler

Rows that are due are locked while their messages are sent, so two reconcilers share the work instead of doubling it; if
the broker is away the transaction is undone, and they stay due. What somebody holds the lease of is never due."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Engine,
    Interval,
    case,
    cast,
    column,
    exists,
    func,
    select,
    true,
    union,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert

from rulefarm.database import active_rulesets, batches, chunks, jobs, message_of_row, reconciler, translate_errors
from rulefarm.messaging import TaskMessage, chunk_message
from store.attempts import is_free

#: Graces that a job of a busy queue waits for its turn before it is sent again all the same: its message may be lost,
#: and a queue that is always busy must not hide that for ever.
PATIENCE = 10
#: A message that brings no verdict makes the next one wait twice as long, but never longer.
LONGEST_WAIT_S = 3600.0
#: Longer ago than any patience: what is due since then is sent however long its queue is.
_LONG_AGO = timedelta(days=36500)
_SECOND = cast("1 second", Interval)
_KINDS = values(column("bulk", Boolean), name="kinds").data([(False,), (True,)])


@contextmanager
def claim_due(
    engine: Engine, domain: str, *, bulk: bool, grace_s: float, limit: int, new: int | None = None, busy: bool = False
) -> Iterator[list[TaskMessage]]:
    """The messages to send again to one queue; what was taken counts as sent if the block ends well.

    Args:
        engine: the database.
        domain: whose queue.
        bulk: whether it is the domain's bulk queue.
        grace_s: seconds that the first message gave; doubles with every message.
        limit: jobs and chunks at most.
        new: of these, jobs that nobody has begun at most: a worker that is awake takes them without a message. Default:
            as many as there are.
        busy: whether the queue has a backlog: then what was sent most likely waits there for its turn.

    Raises:
        DatabaseUnreachable: nothing was taken.
    """
    with translate_errors(engine), engine.begin() as connection:
        messages: list[TaskMessage] = []
        of_queue = (jobs.c.domain == domain) & (jobs.c.bulk == bulk) & _is_due(jobs, grace_s, busy)
        # What was begun goes first: it is judged by nobody without its message.
        for state, most in ((jobs.c.attempts > 0, limit), (jobs.c.attempts == 0, limit if new is None else new)):
            picked = select(jobs.c.id).where(of_queue, state).order_by(jobs.c.resend_at)
            picked = picked.limit(min(most, limit - len(messages))).with_for_update(skip_locked=True)
            # Not a subquery of IN: a plan may execute that more than once, and each time it locks as many again.
            locked = picked.cte("picked")
            counted = update(jobs).where(jobs.c.id == locked.c.id)
            counted = counted.values(times_sent=jobs.c.times_sent + 1, resend_at=_next(jobs, grace_s))
            messages += [message_of_row(row) for row in connection.execute(counted.returning(*jobs.columns))]
        if bulk and len(messages) < limit:
            picked = select(chunks.c.batch, chunks.c.n).join(batches)
            picked = picked.where(batches.c.domain == domain, _is_due(chunks, grace_s, busy))
            picked = picked.order_by(chunks.c.resend_at).limit(limit - len(messages))
            locked = picked.with_for_update(skip_locked=True, of=chunks).cte("picked")
            counted = update(chunks).where(chunks.c.batch == locked.c.batch, chunks.c.n == locked.c.n)
            counted = counted.values(times_sent=chunks.c.times_sent + 1, resend_at=_next(chunks, grace_s))
            places = connection.execute(counted.returning(chunks.c.batch, chunks.c.n))
            messages.extend(chunk_message(domain, place.batch, place.n) for place in places)
        yield messages


def due_queues(engine: Engine) -> set[tuple[str, bool]]:
    """Domain and bulk of every queue that something is due for.

    Raises:
        DatabaseUnreachable: no answer.
    """
    # Queue by queue, each by the first entry of an index: to look at all that is open would take as long as it is many.
    queues = select(active_rulesets.c.domain, column("bulk")).join(_KINDS, true())
    overdue = queues.where(
        exists().where(
            jobs.c.state == "open",
            jobs.c.domain == active_rulesets.c.domain,
            jobs.c.bulk == column("bulk"),
            jobs.c.resend_at <= func.now(),
        )
    )
    parts = select(batches.c.domain, true()).join(chunks)
    parts = parts.where(chunks.c.state == "open", chunks.c.resend_at <= func.now())
    with translate_errors(engine), engine.connect() as connection:
        return {(domain, bulk) for domain, bulk in connection.execute(union(overdue, parts))}


def count_open(engine: Engine, domain: str, *, bulk: bool, limit: int) -> int:
    """How many jobs and chunks of one queue wait for a verdict: it never needs more messages than that.

    Args:
        engine: the database.
        domain: whose queue.
        bulk: whether it is the domain's bulk queue.
        limit: counted up to this, jobs and chunks each.

    Raises:
        DatabaseUnreachable: no answer.
    """
    waiting = [select(jobs.c.id).where(jobs.c.state == "open", jobs.c.domain == domain, jobs.c.bulk == bulk)]
    if bulk:
        waiting.append(select(chunks.c.n).join(batches).where(chunks.c.state == "open", batches.c.domain == domain))
    with translate_errors(engine), engine.connect() as connection:
        counts = (select(func.count()).select_from(each.limit(limit).subquery()) for each in waiting)
        return sum(connection.execute(count).scalar_one() for count in counts)


def mark_all_due(engine: Engine) -> int:
    """Mark every open, unleased job and chunk due now: the broker has lost its messages.

    Returns:
        How many jobs and chunks.

    Raises:
        DatabaseUnreachable: nothing was changed.
    """
    long_ago = func.now() - _LONG_AGO
    marked = 0
    with translate_errors(engine), engine.begin() as connection:
        for table in (jobs, chunks):
            waiting = update(table).where(table.c.state == "open", is_free(table), table.c.resend_at > long_ago)
            marked += connection.execute(waiting.values(resend_at=long_ago)).rowcount
    return marked


def record_run(engine: Engine, *, sent: int, broker_lost: bool) -> None:
    """Record what the reconciler did, for `rulefarm status` and `rulefarm doctor`.

    Args:
        engine: the database.
        sent: jobs and chunks whose message it sent again.
        broker_lost: whether it found the broker without its data.
    """
    values: dict[str, Any] = {"ran_at": func.now(), "sent": sent}
    if broker_lost:
        values["broker_lost_at"] = func.now()
    statement = insert(reconciler).values(id=1, **values)
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def has_run_within(engine: Engine, seconds: float) -> bool:
    """Whether the reconciler has come to the end of a run not long ago, by the clock of Postgres.

    Args:
        engine: the database.
        seconds: how long ago at most.

    Raises:
        DatabaseUnreachable: no answer.
    """
    recent = select(reconciler.c.id).where(reconciler.c.ran_at > func.now() - timedelta(seconds=seconds))
    with translate_errors(engine), engine.connect() as connection:
        return connection.execute(recent).first() is not None


def _is_due(table: Any, grace_s: float, busy: bool) -> Any:
    is_due = (table.c.state == "open") & (table.c.resend_at <= func.now())
    if not busy:
        return is_due
    # What was never sent waits for a free slot, not for its turn.
    return is_due & (
        (table.c.times_sent == 0) | (table.c.resend_at <= func.now() - timedelta(seconds=PATIENCE * grace_s))
    )


def _next(table: Any, grace_s: float) -> Any:
    # 2**times_sent overflows long before anybody gives up on a job.
    doublings = case((table.c.times_sent < 20, table.c.times_sent), else_=20)
    return func.now() + cast(func.least(grace_s * func.power(2, doublings), LONGEST_WAIT_S) * _SECOND, Interval)
