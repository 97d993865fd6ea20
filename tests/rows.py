"""Rows of the ledger, made and read by tests: everything but what a test is about is filled in."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Table, func, select

from rulefarm import wire
from rulefarm.database import Ledger, batches, chunks, duties, jobs
from rulefarm.jobs import Job
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)


def key() -> str:
    """A key that no other test uses."""
    return uuid.uuid4().hex


def rows(engine: Engine, table: Table, *conditions: ColumnElement[bool]) -> list[Any]:
    """The rows of a table that meet the conditions, in the order of the primary key."""
    with engine.connect() as connection:
        return list(connection.execute(select(table).where(*conditions).order_by(*table.primary_key)))


def row(engine: Engine, job: Job) -> Any:
    """What is on record for a job."""
    [found] = rows(engine, jobs, jobs.c.id == job.id)
    return found


def add_job(settings: Settings, *, subject: str = "4711", facts: dict[str, Any] | None = None) -> Job:
    """A recorded job."""
    job = Job(id=uuid.uuid4(), domain="payment", subject=subject, as_of=AS_OF, enqueued_at=datetime.now(UTC))
    ledger = Ledger(settings)
    recorded = ledger.add(job, wire.canonical(facts or {"Order": {"total": 12.5}}))
    ledger.engine.dispose()
    return recorded


def add_batch(engine: Engine, *, count: int) -> tuple[uuid.UUID, datetime]:
    """A recorded batch of `count` chunks of two rows each."""
    batch, now = uuid.uuid4(), datetime.now(UTC)
    with engine.begin() as connection:
        connection.execute(
            batches.insert().values(
                id=batch,
                domain="pricing",
                source="x.csv",
                rows=2 * count,
                chunks=count,
                as_of=AS_OF,
                enqueued_at=now,
            )
        )
        for n in range(count):
            connection.execute(chunks.insert().values(batch=batch, n=n, rows=2, form="text", facts=b"-"))
    return batch, now


def add_duty(engine: Engine, *, minutes_ago: int, domain: str = "shop", lives_min: int = 720, **other: Any) -> datetime:
    """A nightly that fell due so many whole minutes ago, by Postgres's clock, or that is to come; its instant."""
    due_at = func.date_trunc("minute", func.now()) - timedelta(minutes=minutes_ago)
    row = {"kind": "nightly", "domain": domain, "due_at": due_at, "resend_at": due_at}
    row["expires_at"] = due_at + timedelta(minutes=lives_min)
    with engine.begin() as connection:
        statement = duties.insert().values(row | other).returning(duties.c.due_at)
        return connection.execute(statement).scalar_one()


def duty_row(engine: Engine, due_at: datetime) -> Any:
    """What is on record for an instant, and in how many seconds from its last try the next message is due."""
    pause = func.round(func.extract("epoch", duties.c.resend_at - func.now())).label("pause_s")
    with engine.connect() as connection:
        return connection.execute(select(duties, pause).where(duties.c.due_at == due_at)).one()


def verdict(job_id: uuid.UUID, enqueued_at: datetime, **other: Any) -> Verdict:
    """A verdict."""
    values: dict[str, Any] = {
        "domain": "payment",
        "subject": "4711",
        "batch": None,
        "outcome": "review",
        "fired": ["Late", 'odd "name", {with} \\ everything'],
        "reasons": [{"rule": "Late", "outcome": "review", "text": "überfällig", "code": None}],
        "changes": {"Order.flag": "late", "Order.score": 0.3},
        "ruleset_digest": "d" * 64,
        "facts_digest": "f" * 64,
        "as_of": AS_OF,
        "worker": "payment@here",
        "evaluated_at": datetime.now(UTC),
        "micros": 12,
        "logs": ["seen", "überfällig"],
        "events": [{"name": "SendAlert", "arguments": ["x", 0.3, None, ["a"]], "rule": "Late"}],
        "warnings": ["Order has no field 'totl' (did you mean 'total'?)"],
    }
    return Verdict(id=job_id, enqueued_at=enqueued_at, **(values | other))
