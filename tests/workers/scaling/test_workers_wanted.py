"""How many workers a domain wants follows from what is on record, whoever holds it."""

import pytest
from sqlalchemy import Engine, func, insert, update

from rulefarm.database import jobs
from rulefarm.settings import Settings
from store.attempts import LeaseTerms
from store.chunk_attempts import claim_chunk
from store.job_groups import claim_group
from store.open_work import WaitingWork, waiting_work
from tests.rows import AS_OF, add_batch, add_job
from workers.scaling import WorkersWanted, workers_wanted
from workers.scaling.workers_wanted import JOBS_PER_S, of_work


@pytest.mark.parametrize(
    ("work", "workers"),
    [
        (WaitingWork(0, 0, 0, 0.0), 1),
        # A process does 3,000 jobs in half a minute, and a worker of four 12,000.
        (WaitingWork(11_000, 0, 0, 0.0), 1),
        (WaitingWork(13_000, 0, 0, 0.0), 2),
        (WaitingWork(13_000, 0, 0, 60.0), 5),
        (WaitingWork(9_000_000, 0, 0, 0.0), 10),
        # Nothing waits, but what is at work goes on: six processes.
        (WaitingWork(0, 900, 6, 0.0), 2),
    ],
)
def test_so_many_workers_are_wanted(work: WaitingWork, workers: int) -> None:
    assert of_work(work, JOBS_PER_S, width=4, most=10, deadline_s=30).workers == workers


def test_what_waits_is_counted_with_who_holds_the_rest(settings: Settings, database: Engine) -> None:
    assert workers_wanted(database, ["payment"], bulk=False) == WorkersWanted(1, 1, 0, 0, 0.0)
    for _ in range(5):
        add_job(settings)
    with database.begin() as connection:
        connection.execute(update(jobs).values(resend_at=func.now()))
    for process in ("w/1", "w/2"):
        terms = LeaseTerms(worker=process, lease_s=600, max_attempts=3)
        assert len(claim_group(database, "payment", terms, bulk=False, most=2)) == 2
    [last, paused] = [add_job(settings) for _ in range(2)]
    with database.begin() as connection:
        # Failed, and not to be tried again yet; and one of another queue.
        connection.execute(
            update(jobs).where(jobs.c.id == paused.id).values(attempts=1, code="x", resend_at="infinity")
        )
        row = {"id": "0" * 32, "domain": "payment", "subject": "x", "facts": {}, "as_of": AS_OF, "bulk": True}
        connection.execute(insert(jobs).values(row))
    found = waiting_work(database, ["payment", "pricing"], bulk=False, limit=100)
    assert (found.waiting, found.leased, found.holders) == (2, 4, 2)
    assert found.age_s >= 0
    assert waiting_work(database, ["pricing"], bulk=False, limit=100) == WaitingWork(0, 0, 0, 0.0)
    assert waiting_work(database, ["payment"], bulk=False, limit=1).leased <= 1
    assert last.id != paused.id


def test_each_chunk_that_is_held_is_a_process(database: Engine) -> None:
    batch, _ = add_batch(database, count=5)
    for n in range(3):
        claim_chunk(database, batch, n, LeaseTerms(worker="bulk@here", lease_s=600, max_attempts=3))
    found = workers_wanted(database, ["pricing"], bulk=True, width=2)
    assert (found.waiting, found.leased, found.processes, found.workers) == (2, 3, 3, 2)
    assert workers_wanted(database, ["pricing"], bulk=False).waiting == 0
