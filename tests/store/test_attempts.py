"""An attempt is counted before it starts, keeps others away while it lasts, and stores nothing once overtaken."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, delete, select, text

from rulefarm.database import Ledger, dead_letters, verdicts
from rulefarm.errors import JobDead
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, claim_job, fail_job
from store.dead_letters import Failure, record_message
from store.verdicts import store_verdict
from tests.rows import add_job, row, rows, verdict

TERMS = LeaseTerms(worker="w@here", lease_s=60, max_attempts=3)
BROKEN = Failure("evaluation-failed", "ValueError: no")
#: Seconds until the message of the only job is sent again.
PAUSE = "select extract(epoch from resend_at - now()) from jobs"


def end_leases(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("update jobs set lease_until = now() - interval '1 second'"))


def test_the_first_delivery_needs_no_claim_and_is_fenced_by_any_repeat(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    assert claim_job(database, job.id, TERMS) == 2
    assert not store_verdict(database, verdict(job.id, job.enqueued_at), attempt=1)
    assert store_verdict(database, verdict(job.id, job.enqueued_at), attempt=2)
    assert row(database, job).state == "done"


def test_while_a_lease_lasts_nobody_else_begins(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: claim_job(database, job.id, TERMS), range(8)))
    assert sorted(claims, key=str) == [2] + [None] * 7
    assert row(database, job).attempts == 2


def test_an_attempt_that_goes_on_is_not_counted_again(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    assert [claim_job(database, job.id, TERMS, attempt=attempt) for attempt in (None, 2, 2)] == [2, 2, 2]


def test_after_its_last_attempt_a_job_is_a_dead_letter_that_names_its_worker(
    settings: Settings, database: Engine
) -> None:
    job = add_job(settings)
    for number in (2, 3):
        assert claim_job(database, job.id, TERMS) == number
        end_leases(database)
    assert claim_job(database, job.id, TERMS) is None
    assert row(database, job).state == "dead"
    [letter] = rows(database, dead_letters)
    assert (letter.id, letter.kind, letter.domain, letter.subject) == (job.id, "job", "payment", "4711")
    assert (letter.code, letter.worker, letter.attempts) == ("worker-silent", "w@here", 3)
    assert not store_verdict(database, verdict(job.id, job.enqueued_at), attempt=3)


def test_a_failed_attempt_is_tried_again_after_a_pause_that_doubles(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    pauses = []
    for attempt in (1, 2):
        assert not fail_job(database, job.id, TERMS, BROKEN, attempt=attempt)
        with database.connect() as connection:
            pauses.append(connection.execute(text(PAUSE)).scalar_one())
        assert claim_job(database, job.id, TERMS) == attempt + 1
    assert [round(float(pause)) for pause in pauses] == [1, 2]
    assert fail_job(database, job.id, TERMS, BROKEN, attempt=3)
    [letter] = rows(database, dead_letters)
    assert (letter.code, letter.reason, letter.attempts) == ("evaluation-failed", "ValueError: no", 3)


def test_a_process_that_died_frees_what_its_worker_held_and_nothing_else(settings: Settings, database: Engine) -> None:
    first, held, theirs = (add_job(settings, subject=subject) for subject in "abc")
    claim_job(database, held.id, TERMS)
    claim_job(database, theirs.id, LeaseTerms(worker="other@there", lease_s=60, max_attempts=3))
    for job in (first, held, theirs):
        fail_job(database, job.id, TERMS, Failure("worker-lost", "signal 9"))
    assert [row(database, job).attempts for job in (first, held, theirs)] == [1, 2, 2]
    assert [row(database, job).lease_until is None for job in (first, held, theirs)] == [True, True, False]
    assert [row(database, job).code for job in (first, held, theirs)] == ["worker-lost", "worker-lost", None]


def test_an_attempt_that_was_overtaken_fails_for_itself_alone(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    assert claim_job(database, job.id, TERMS) == 2
    assert not fail_job(database, job.id, TERMS, BROKEN, attempt=1)
    assert row(database, job).lease_until is not None


def test_a_closed_job_has_no_more_attempts(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    store_verdict(database, verdict(job.id, job.enqueued_at))
    assert claim_job(database, job.id, TERMS) is None
    assert not fail_job(database, job.id, TERMS, BROKEN, attempt=1)
    assert claim_job(database, uuid.uuid4(), TERMS) is None
    assert row(database, job).attempts == 0
    with database.connect() as connection:
        assert connection.execute(select(verdicts.c.id)).scalar_one() == job.id


def test_a_refused_message_is_kept_in_a_form_that_can_be_stored(database: Engine) -> None:
    record_message(database, Failure("bad-message", "half \ud83d and NUL \0"), worker="w", content="x\0" * 5_000)
    [letter] = rows(database, dead_letters)
    assert (letter.kind, letter.reason) == ("message", "half ? and NUL \ufffd")
    assert letter.content == "x\ufffd" * 500


def test_whoever_waits_for_a_dead_job_is_told_so_even_when_its_letter_was_dropped(
    settings: Settings, database: Engine
) -> None:
    job = add_job(settings)
    ledger = Ledger(settings)
    assert ledger.answer(job.id) is None
    fail_job(database, job.id, LeaseTerms(worker="w", lease_s=60, max_attempts=1), BROKEN, attempt=1)
    with pytest.raises(JobDead, match="evaluation-failed") as caught:
        ledger.answer(job.id)
    assert caught.value.code == "job-dead"
    with database.begin() as connection:
        connection.execute(delete(dead_letters))
    with pytest.raises(JobDead, match="after 1 attempts"):
        ledger.answer(job.id)
