"""A job has one verdict, whatever is repeated, and reads back as it was written."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from rulefarm.database import Ledger, batches, chunks, connect, jobs, read_batch, verdicts
from rulefarm.errors import DatabaseUnreachable
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from store.attempts import LeaseTerms
from store.chunk_attempts import claim_chunk
from store.job_groups import store_group
from store.verdict_list import count_fired, find_verdicts
from store.verdicts import store_chunk, store_verdict
from tests.rows import AS_OF, add_batch, add_job, verdict

TERMS = LeaseTerms(worker="w", lease_s=60, max_attempts=3)


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(verdicts)).scalar_one()


def test_a_verdict_reads_back_as_it_was_stored(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    stored = verdict(job.id, job.enqueued_at)
    assert store_verdict(database, stored)
    assert Ledger(settings).verdict(job.id) == stored
    assert Verdict.from_json(stored.to_json()) == stored


def test_shared_facts_are_read_by_the_name_of_the_release_before_too() -> None:
    stored = verdict(uuid.uuid4(), datetime.now(UTC), shared_facts={"Customer": {"limit": 500}})
    document = stored.to_json()
    assert document["seen"] == document["shared_facts"]
    del document["shared_facts"]
    assert Verdict.from_json(document) == stored


def test_a_verdict_of_a_worker_of_the_release_before_has_no_logs_no_events_and_no_warnings() -> None:
    document = verdict(uuid.uuid4(), datetime.now(UTC)).to_json()
    del document["logs"], document["events"], document["warnings"]
    read = Verdict.from_json(document)
    assert (read.logs, read.events, read.warnings) == ([], [], [])


def test_the_first_verdict_stays_when_the_job_is_judged_again(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    first = verdict(job.id, job.enqueued_at, outcome="accept")
    assert store_verdict(database, first)
    assert not store_verdict(database, replace(first, outcome="reject"))
    assert [found.outcome for found in find_verdicts(database)] == ["accept"]


def test_two_workers_with_the_same_job_leave_one_verdict(settings: Settings, database: Engine) -> None:
    stored = [add_job(settings, subject=str(n)) for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job: store_verdict(database, verdict(job.id, job.enqueued_at)), stored * 3))
    assert sum(answers) == 20
    assert count(database) == 20


def test_no_verdict_without_a_job(database: Engine) -> None:
    assert not store_verdict(database, verdict(uuid.uuid4(), datetime.now(UTC)))
    assert count(database) == 0


def test_no_verdict_as_of_another_instant_than_the_job(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    assert not store_verdict(database, verdict(job.id, job.enqueued_at, as_of=datetime.now(UTC)))
    assert count(database) == 0


def test_of_a_group_each_job_that_is_open_gets_its_first_verdict(settings: Settings, database: Engine) -> None:
    texts = ['a "b", c', "x\ty\nz", "{}\\N", "é"]
    jobs_of = [add_job(settings, subject=name) for name in texts]
    judged = [verdict(job.id, job.enqueued_at, subject=job.subject, fired=[job.subject, ""]) for job in jobs_of]
    # What is as of another instant is of no job that is open; what has its verdict keeps it, though its job was opened.
    judged[3] = replace(judged[3], as_of=datetime.now(UTC))
    assert store_verdict(database, judged[1])
    with database.begin() as connection:
        connection.execute(jobs.update().where(jobs.c.id == judged[1].id).values(state="open"))
    group = [replace(row, outcome="accept") for row in judged]
    assert store_group(database, group) == {group[0].id, group[2].id}
    assert {row.id: row for row in find_verdicts(database)} == {row.id: row for row in (group[0], judged[1], group[2])}
    with database.connect() as connection:
        still = connection.execute(select(jobs.c.subject).where(jobs.c.state == "open"))
        assert still.scalars().all() == [texts[3]]
    assert store_group(database, group) == set()


def test_a_producer_without_a_database_gets_its_row_from_the_worker(database: Engine) -> None:
    job_id, now = uuid.uuid4(), datetime.now(UTC)
    facts = {"Order": {"total": 1}}
    job = {"id": job_id, "domain": "payment", "subject": "1", "facts": facts, "as_of": AS_OF, "enqueued_at": now}
    assert store_verdict(database, verdict(job_id, now), job=job)
    with database.connect() as connection:
        row = connection.execute(select(jobs)).one()
    assert (row.id, row.state, row.facts) == (job_id, "done", {"Order": {"total": 1}})


def test_a_chunk_is_stored_once_and_the_last_one_closes_its_batch(database: Engine) -> None:
    batch, now = add_batch(database, count=2)
    for n in (0, 1):
        rows = [
            verdict(uuid.uuid5(batch, f"{n}-{i}"), now, batch=batch, subject=f"{n}-{i}", domain="pricing")
            for i in range(2)
        ]
        claim_chunk(database, batch, n, TERMS)
        assert store_chunk(database, batch, n, rows, attempt=1) == 2
        assert store_chunk(database, batch, n, rows, attempt=1) is None
        with database.connect() as connection:
            columns = (batches.c.state, batches.c.finished_at, batches.c.judged, batches.c.outcomes)
            state, finished, judged, outcomes = connection.execute(select(*columns)).one()
        assert (state, finished is not None) == (("open", False), ("done", True))[n]
        assert (judged, outcomes) == ((None, None), (4, {"review": 4}))[n]
    assert [found.fired for found in find_verdicts(database, batch=batch)] == [rows[0].fired] * 4
    assert count_fired(database, batch) == [("Late", 4), (rows[0].fired[1], 4)]


def test_a_row_that_has_its_verdict_keeps_it_and_its_neighbours_get_theirs(database: Engine) -> None:
    batch, now = add_batch(database, count=2)
    texts = ['a "b", c', "x\ny", "{}\\", "é"]
    rows = [verdict(uuid.uuid5(batch, name), now, batch=batch, subject=name, fired=[name, ""]) for name in texts]
    claim_chunk(database, batch, 0, TERMS)
    assert store_chunk(database, batch, 0, rows[1:2], attempt=1) == 1
    again = [replace(row, outcome="accept", worker="another") for row in rows]
    claim_chunk(database, batch, 1, TERMS)
    assert store_chunk(database, batch, 1, again, attempt=1) == 3
    found = {row.subject: row for row in find_verdicts(database, batch=batch)}
    assert found == {row.subject: row for row in (again[0], rows[1], *again[2:])}
    with database.connect() as connection:
        assert connection.execute(select(batches.c.state, batches.c.judged)).one() == ("done", 4)


def test_a_batch_under_way_is_counted_by_its_chunks_and_by_its_verdicts_where_these_say_nothing(
    database: Engine,
) -> None:
    batch, now = add_batch(database, count=4)
    named = {0: ["a", "b"], 1: ["c", "d"], 2: ["d", "e"]}
    expected = ({"accept": 1, "review": 1}, {"accept": 2, "review": 2}, {"accept": 3, "review": 2})
    for n, subjects in named.items():
        rows = [
            verdict(uuid.uuid5(batch, subject), now, batch=batch, subject=subject, outcome=outcome)
            for subject, outcome in zip(subjects, ("review", "accept"), strict=True)
        ]
        claim_chunk(database, batch, n, TERMS)
        store_chunk(database, batch, n, rows, attempt=1)
        found = read_batch(database, batch)
        assert (found["state"], found["outcomes"]) == ("open", expected[n])
    with database.begin() as connection:
        # One of its rows had its verdict before: that is not counted twice.
        counted = select(chunks.c.outcomes).where(chunks.c.state == "done").order_by(chunks.c.n)
        assert list(connection.execute(counted).scalars()) == [expected[0], expected[0], None]
        # Where each says its own nobody reads a verdict.
        connection.execute(chunks.update().where(chunks.c.n == 2).values(outcomes={"reject": 2}))
    assert read_batch(database, batch)["outcomes"] == {"accept": 2, "review": 2, "reject": 2}


def test_chunks_that_finish_together_close_their_batch(database: Engine) -> None:
    batch, now = add_batch(database, count=8)

    def finish(n: int) -> int | None:
        claim_chunk(database, batch, n, TERMS)
        row = verdict(uuid.uuid5(batch, str(n)), now, batch=batch, subject=str(n))
        return store_chunk(database, batch, n, [row], attempt=1)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(finish, range(8))) == [1] * 8
    with database.connect() as connection:
        assert connection.execute(select(batches.c.state)).scalar_one() == "done"


def test_a_nul_in_a_reason_costs_neither_the_verdict_nor_its_chunk(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    odd = [{"rule": "R", "outcome": "review", "text": "a\x00b", "code": None}]
    assert store_verdict(database, verdict(job.id, job.enqueued_at, reasons=odd))
    batch, now = add_batch(database, count=1)
    claim_chunk(database, batch, 0, TERMS)
    row = verdict(uuid.uuid5(batch, "a"), now, batch=batch, changes={"P.x": "\x00"})
    assert store_chunk(database, batch, 0, [row], attempt=1) == 1
    assert [found.changes for found in find_verdicts(database, batch=batch)] == [{"P.x": "\ufffd"}]


@pytest.mark.parametrize("limit", [3, 4, 6, 7, 50])
def test_many_verdicts_come_page_by_page_as_if_at_once(
    database: Engine, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    batch, now = add_batch(database, count=1)
    moments = [now, now, now, now, now + timedelta(seconds=1), now + timedelta(seconds=1), now - timedelta(seconds=1)]
    rows = [
        replace(verdict(uuid.uuid5(batch, str(n)), now, batch=batch, subject=str(n)), evaluated_at=moment)
        for n, moment in enumerate(moments)
    ]
    claim_chunk(database, batch, 0, TERMS)
    assert store_chunk(database, batch, 0, rows, attempt=1) == 7
    at_once = [row.subject for row in find_verdicts(database, batch=batch, limit=limit)]
    monkeypatch.setattr("store.verdict_list._PAGE", 2)
    assert [row.subject for row in find_verdicts(database, batch=batch, limit=limit)] == at_once
    assert len(at_once) == min(limit, 7)


def test_verdicts_are_found_by_what_they_are_about(settings: Settings, database: Engine) -> None:
    for subject, outcome in (("a", "accept"), ("b", "reject"), ("c", "reject")):
        job = add_job(settings, subject=subject)
        store_verdict(database, verdict(job.id, job.enqueued_at, subject=subject, outcome=outcome))
    assert [found.subject for found in find_verdicts(database, outcome="reject")] == ["c", "b"]
    assert [found.subject for found in find_verdicts(database, subject="a", domain="payment")] == ["a"]
    assert list(find_verdicts(database, domain="pricing")) == []
    assert len(list(find_verdicts(database, limit=1))) == 1


def test_a_verdict_lands_in_the_partition_of_its_month(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    store_verdict(database, verdict(job.id, job.enqueued_at))
    with database.connect() as connection:
        partition = connection.exec_driver_sql("select tableoid::regclass::text from verdicts").scalar_one()
    assert partition == f"verdicts_{job.enqueued_at:%Y_%m}"
    assert AS_OF.month != job.enqueued_at.month or AS_OF.year != job.enqueued_at.year


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    engine = connect(Settings(database_url="postgresql://u:secret@127.0.0.1:1/x"))
    with pytest.raises(DatabaseUnreachable) as caught:
        list(find_verdicts(engine))
    assert caught.value.code == "database-unreachable"
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_without_tables_says_what_to_run(services: object, settings: Settings) -> None:
    empty = connect(replace(settings, database_url=str(settings.database_url).rsplit("/", 1)[0] + "/postgres"))
    with pytest.raises(DatabaseUnreachable, match="rulefarm migrate"):
        list(find_verdicts(empty))
    empty.dispose()
