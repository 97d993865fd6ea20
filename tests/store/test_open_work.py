"""What is open is counted by queue, whoever works on it."""

from sqlalchemy import Engine, update

from rulefarm.database import jobs
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, claim_job
from store.chunk_attempts import claim_chunk
from store.open_work import OpenWork, open_work
from store.verdicts import store_verdict
from tests.rows import add_batch, add_job, verdict

TERMS = LeaseTerms(worker="w", lease_s=60, max_attempts=3)


def counted(engine: Engine) -> dict[tuple[str, bool], OpenWork]:
    with engine.connect() as connection:
        return {(work.domain, work.bulk): work for work in open_work(connection)}


def test_open_work_is_counted_by_queue_with_its_oldest(settings: Settings, database: Engine) -> None:
    assert counted(database) == {}
    first, judged, leased, bulk = (add_job(settings) for _ in range(4))
    store_verdict(database, verdict(judged.id, judged.enqueued_at))
    claim_job(database, leased.id, TERMS)
    with database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == bulk.id).values(bulk=True))
    batch, batch_at = add_batch(database, count=3)
    claim_chunk(database, batch, 0, TERMS)
    found = counted(database)
    assert list(found) == [("payment", False), ("payment", True), ("pricing", True)]
    assert [(w.jobs, w.chunks, w.rows, w.leased, w.attempts) for w in found.values()] == [
        (2, 0, 0, 1, 2),
        (1, 0, 0, 0, 0),
        (0, 3, 6, 1, 1),
    ]
    interactive = found["payment", False]
    assert abs((interactive.oldest - first.enqueued_at).total_seconds()) < 1
    assert 0 <= interactive.age_s < 600
    assert found["pricing", True].oldest == batch_at


def test_jobs_and_chunks_of_one_bulk_queue_are_counted_together(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    with database.begin() as connection:
        connection.execute(update(jobs).values(bulk=True, domain="pricing", enqueued_at=job.enqueued_at))
    add_batch(database, count=1)
    [work] = counted(database).values()
    assert (work.domain, work.bulk, work.jobs, work.chunks, work.rows) == ("pricing", True, 1, 1, 2)
    assert abs((work.oldest - job.enqueued_at).total_seconds()) < 1
