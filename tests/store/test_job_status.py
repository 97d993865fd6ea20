"""Whatever became of a job, it is found by its id and by its key."""

import uuid

import pytest
from sqlalchemy import Engine

from rulefarm.errors import NotFound
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, claim_job
from store.chunk_attempts import Claim, claim_chunk
from store.job_status import find_job_status, find_jobs
from store.verdicts import store_chunk, store_verdict
from tests.rows import add_job, verdict
from tests.store.dying import TERMS, batch_of_rows, dead_job, kill_row


def test_an_open_job_tells_who_works_on_it_and_for_how_long(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    claim_job(database, job.id, LeaseTerms(worker="w@here", lease_s=60, max_attempts=3))
    for name in (str(job.id), "4711"):
        found = find_job_status(database, name)
        assert found.job is not None
        assert (found.job["state"], found.job["attempts"], found.job["worker"]) == ("open", 2, "w@here")
        assert 50 < found.job["lease_s"] <= 60
        assert 50 < found.job["resend_in_s"] <= 60
        assert 0 <= found.job["age_s"] < 10
        assert "facts" not in found.job
        assert (found.verdict, found.letter, found.batch) == (None, None, None)


def test_a_judged_and_a_dead_job_have_their_answer(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    store_verdict(database, verdict(job.id, job.enqueued_at))
    dead = dead_job(settings, database, subject="dead")
    judged, buried = find_job_status(database, str(job.id)), find_job_status(database, "dead")
    assert judged.verdict is not None
    assert (judged.verdict.id, judged.letter) == (job.id, None)
    assert buried.letter is not None
    assert (buried.letter["id"], buried.letter["code"], buried.verdict) == (dead, "worker-lost", None)
    assert set(buried.to_json()) == {"job", "batch", "chunk", "verdict", "dead_letter"}


def test_of_several_jobs_with_a_key_the_newest_counts(settings: Settings, database: Engine) -> None:
    add_job(settings)
    newest = add_job(settings)
    found = find_job_status(database, "4711").job
    assert found is not None
    assert found["id"] == newest.id


def test_a_key_may_look_like_an_id(settings: Settings, database: Engine) -> None:
    key = str(uuid.uuid4())
    job = add_job(settings, subject=key)
    found = find_job_status(database, key).job
    assert found is not None
    assert found["id"] == job.id


def test_a_row_of_a_batch_is_found_when_it_is_judged_or_dead(database: Engine) -> None:
    batch = batch_of_rows(database, "a", "b")
    claim = claim_chunk(database, batch, 0, TERMS)
    assert isinstance(claim, Claim)
    about = {"batch": batch, "subject": "a", "domain": "pricing"}
    row = verdict(uuid.uuid5(batch, "a"), claim.chunk["enqueued_at"], **about)
    store_chunk(database, batch, 0, [row], attempt=claim.attempt)
    kill_row(database, batch, 1)
    judged, dead = find_job_status(database, str(uuid.uuid5(batch, "a"))), find_job_status(database, "b")
    assert judged.batch is not None
    assert judged.verdict is not None
    assert (judged.batch["id"], judged.verdict.subject, judged.job, judged.chunk) == (batch, "a", None, None)
    assert dead.chunk is not None
    assert dead.letter is not None
    assert (dead.chunk["n"], dead.chunk["state"], dead.letter["subject"]) == (1, "dead", "b")


def test_what_is_not_on_record_is_said_to_be_unknown(database: Engine) -> None:
    for name in (str(uuid.uuid4()), "nobody", "", "x" * 1000):
        with pytest.raises(NotFound, match="on record"):
            find_job_status(database, name)


def test_jobs_are_listed_by_state_and_domain_the_oldest_first(settings: Settings, database: Engine) -> None:
    first, second = add_job(settings, subject="1"), add_job(settings, subject="2")
    dead_job(settings, database)
    assert [job["id"] for job in find_jobs(database, state="open")] == [first.id, second.id]
    assert [job["id"] for job in find_jobs(database, state="open", limit=1)] == [first.id]
    assert find_jobs(database, state="open", domain="pricing") == []
    assert [job["attempts"] for job in find_jobs(database, state="dead")] == [1]
