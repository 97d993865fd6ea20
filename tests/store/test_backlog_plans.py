"""A backlog after a quiet night, of which Postgres's statistics know nothing: what has a key goes through no others."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from rulefarm.database import Ledger
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, begin_job, claim_job, fail_job
from store.chunk_attempts import claim_chunk
from store.dead_letters import Failure
from store.job_groups import claim_group, give_back, store_group
from store.verdicts import store_verdict
from tests.processes import until
from tests.rows import verdict

#: Jobs, and as many chunks, that came in the night before and are closed; and that wait now.
CLOSED, OPEN = 30_000, 3_000
TERMS = LeaseTerms(worker="payment@here", lease_s=60, max_attempts=3)
BATCH = uuid.UUID(int=7)
_FILL = """
insert into jobs (id, domain, subject, facts, as_of, state, enqueued_at, resend_at)
select gen_random_uuid(), 'payment', n::text, '{"Order": {"total": 1}}', now(), :state, now(), now()
from generate_series(1, :rows) n;
insert into chunks (batch, n, rows, form, facts, state, resend_at)
select :batch, n, 1, 'text', '-', :state, now() from generate_series(:first, :first + :rows - 1) n;
"""


@pytest.fixture
def overnight(database: Engine) -> Engine:
    """A database that was analysed when nothing was open, and not since."""

    def fill(first: int, rows: int, state: str) -> None:
        values = {"rows": rows, "state": state, "batch": BATCH, "first": first}
        with database.begin() as connection:
            for statement in _FILL.split(";\n")[:2]:
                connection.execute(text(statement), values)

    with database.begin() as connection:
        for table in ("jobs", "chunks"):
            connection.execute(text(f"alter table {table} set (autovacuum_enabled = false)"))
        connection.execute(
            text(
                "insert into batches (id, domain, source, rows, chunks, as_of) select :id, 'payment', 'x', 1, 1, now()"
            ),
            {"id": BATCH},
        )
    fill(0, CLOSED, "done")
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum (analyze) jobs, chunks"))
    fill(CLOSED, OPEN, "open")
    return database


def entries_read(engine: Engine) -> int:
    """Entries of the indexes of open rows that were read so far."""
    # A session tells at its end what it has counted.
    engine.dispose()
    told = "select sum(idx_tup_read) from pg_stat_user_indexes where indexrelname in ('ix_jobs_due', 'ix_chunks_open')"
    others = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    # A transaction looks at what others do once.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        until(lambda: connection.execute(text(others)).scalar() == 0)
        return int(connection.execute(text(told)).scalar_one())


def waiting(engine: Engine, count: int = 1) -> list[Any]:
    """Some jobs that wait."""
    with engine.connect() as connection:
        found = "select id, enqueued_at, subject, as_of from jobs where state = 'open' and attempts = 0 limit :count"
        return list(connection.execute(text(found), {"count": count}))


def group(engine: Engine, use: Callable[[list[Any]], Any]) -> int:
    """How many entries more are read where a group of jobs is used than where it is only claimed."""
    before = entries_read(engine)
    claim_group(engine, "payment", TERMS, bulk=False, most=20)
    claimed = entries_read(engine)
    jobs = claim_group(engine, "payment", TERMS, bulk=False, most=20)
    assert len(jobs) == 20
    use(jobs)
    return (entries_read(engine) - claimed) - (claimed - before)


ONE: dict[str, Callable[[Engine, Any], Any]] = {
    "begun": lambda engine, job: begin_job(engine, job.id, TERMS.worker),
    "claimed": lambda engine, job: claim_job(engine, job.id, TERMS),
    "failed": lambda engine, job: fail_job(engine, job.id, TERMS, Failure("x", "y")) is False,
    "judged": lambda engine, job: store_verdict(engine, verdict(job.id, job.enqueued_at, as_of=job.as_of)),
    "a chunk": lambda engine, _: claim_chunk(engine, BATCH, CLOSED + 5, TERMS),
}


@pytest.mark.parametrize("what", ONE)
def test_what_is_done_with_one_of_many_that_wait_goes_through_no_others(overnight: Engine, what: str) -> None:
    [job] = waiting(overnight)
    before = entries_read(overnight)
    assert ONE[what](overnight, job)
    assert entries_read(overnight) - before < OPEN / 10


def test_a_group_of_many_that_wait_is_stored_and_given_back_through_no_others(overnight: Engine) -> None:
    def store(jobs: list[Any]) -> None:
        assert len(store_group(overnight, [verdict(job.id, job.enqueued_at, as_of=job.as_of) for job in jobs])) == 20

    assert group(overnight, store) < OPEN / 10
    assert group(overnight, lambda jobs: give_back(overnight, [job.id for job in jobs], TERMS)) < OPEN / 10


def test_the_messages_of_some_of_many_that_wait_go_through_no_others(overnight: Engine, settings: Settings) -> None:
    ids = [job.id for job in waiting(overnight, 20)]
    before = entries_read(overnight)
    ledger = Ledger(settings)
    assert len(ledger.messages(ids)) == 20
    ledger.engine.dispose()
    assert entries_read(overnight) - before < OPEN / 10
