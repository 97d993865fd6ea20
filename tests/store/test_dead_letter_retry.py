"""Dead letters come back to life, once and whole, or are forgotten."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from rulefarm import wire
from rulefarm.database import batches, chunks, dead_letters, jobs
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.messaging import JobMessage
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, claim_job
from store.chunk_attempts import Claim, claim_chunk
from store.dead_letter_retry import LetterFilter, count_letters, drop, find_letters, resume, retry_letters
from store.dead_letters import Failure, record_message
from store.operator_actions import Operator, find_actions
from store.verdicts import store_chunk, store_verdict
from tests.rows import rows, verdict
from tests.store.dying import TERMS, batch_of_rows, dead_job, kill_row

ALL = LetterFilter()
OPERATOR = Operator("ada@here")


def soon(engine: Engine, table: str) -> list[bool]:
    """Whether the next message is due within a minute, and not now."""
    with engine.connect() as connection:
        due = text(f"select resend_at > now() and resend_at < now() + interval '60 seconds' from {table}")
        return list(connection.execute(due).scalars())


def test_a_job_comes_back_as_if_it_had_never_been_tried(settings: Settings, database: Engine) -> None:
    job_id = dead_job(settings, database)
    revived = retry_letters(database, ALL, OPERATOR, grace_s=30)
    assert (revived.count, revived.left, len(revived.messages)) == (1, 0, 1)
    [message] = revived.messages
    assert (message.task_id, message.queue, JobMessage.from_kwargs(message.kwargs).times_sent) == (
        str(job_id),
        "rules.payment",
        1,
    )
    assert message.kwargs["facts"] == wire.canonical({"Order": {"total": 12.5}})
    [job] = rows(database, jobs)
    assert (job.state, job.attempts, job.lease_until, job.worker, job.code, job.reason) == ("open", 0, *[None] * 4)
    assert soon(database, "jobs") == [True]
    assert rows(database, dead_letters) == []
    assert store_verdict(database, verdict(job_id, job.enqueued_at), attempt=1)


def test_a_job_that_dies_again_is_a_dead_letter_again(settings: Settings, database: Engine) -> None:
    job_id = dead_job(settings, database)
    retry_letters(database, ALL, OPERATOR, grace_s=30)
    terms = LeaseTerms(worker="w@here", lease_s=0.0, max_attempts=3)
    assert [claim_job(database, job_id, terms) for _ in range(3)] == [2, 3, None]
    assert [letter.id for letter in rows(database, dead_letters)] == [job_id]


def test_a_row_of_a_batch_reopens_its_chunk_and_its_batch(database: Engine) -> None:
    batch = batch_of_rows(database, "a", "b")
    for n in (0, 1):
        kill_row(database, batch, n)
    assert [row.state for row in rows(database, batches)] == ["done"]
    [letter] = [letter for letter in find_letters(database, ALL) if letter["subject"] == "b"]
    revived = retry_letters(database, LetterFilter(ids=[letter["id"]]), OPERATOR, grace_s=30)
    assert [message.kwargs for message in revived.messages] == [{"batch": str(batch), "n": 1}]
    assert [(row.state, row.finished_at) for row in rows(database, batches)] == [("open", None)]
    assert {row.n: row.state for row in rows(database, chunks)} == {0: "dead", 1: "open"}
    claim = claim_chunk(database, batch, 1, TERMS)
    assert isinstance(claim, Claim)
    judged = verdict(letter["id"], claim.chunk["enqueued_at"], batch=batch, subject="b", domain="pricing")
    assert store_chunk(database, batch, 1, [judged], attempt=claim.attempt) == 1
    assert [row.state for row in rows(database, batches)] == ["done"]
    assert [row.subject for row in rows(database, dead_letters)] == ["a"]


def test_only_those_that_are_meant_come_back(settings: Settings, database: Engine) -> None:
    dead_job(settings, database, subject="1")
    dead_job(settings, database, subject="2", failure=Failure("time-limit", "too long"))
    batch = batch_of_rows(database, "a")
    kill_row(database, batch, 0)
    for which, subjects in [
        (LetterFilter(code="time-limit"), ["2"]),
        (LetterFilter(domain="pricing"), ["a"]),
        (LetterFilter(batch=batch), ["a"]),
        (LetterFilter(domain="pricing", code="time-limit"), []),
    ]:
        assert [letter["subject"] for letter in find_letters(database, which)] == subjects
        assert count_letters(database, which) == len(subjects)
    assert retry_letters(database, LetterFilter(code="time-limit"), OPERATOR, grace_s=30).count == 1
    assert sorted(letter.subject for letter in rows(database, dead_letters)) == ["1", "a"]


def test_a_refused_message_and_what_is_off_the_record_are_left(settings: Settings, database: Engine) -> None:
    record_message(database, Failure("unknown-task", "no such task"), worker="w@here", content="{}")
    gone = dead_job(settings, database)
    with database.begin() as connection:
        connection.execute(jobs.delete().where(jobs.c.id == gone))
    revived = retry_letters(database, ALL, OPERATOR, grace_s=30)
    assert (revived.count, revived.messages, revived.left) == (0, [], 2)


def test_of_many_the_first_are_sent_and_the_others_are_due(settings: Settings, database: Engine) -> None:
    for n in range(5):
        dead_job(settings, database, subject=str(n))
    revived = retry_letters(database, ALL, OPERATOR, grace_s=30, portion=2)
    assert (revived.count, len(revived.messages)) == (5, 2)
    assert sorted(row.times_sent for row in rows(database, jobs)) == [0, 0, 0, 1, 1]
    assert sorted(soon(database, "jobs")) == [False, False, False, True, True]


def test_two_who_retry_at_once_reopen_each_job_once(settings: Settings, database: Engine) -> None:
    batch = batch_of_rows(database, *"abcdefgh")
    for n in range(8):
        kill_row(database, batch, n)
        dead_job(settings, database, subject=str(n))
    with ThreadPoolExecutor(4) as pool:
        revived = list(pool.map(lambda _: retry_letters(database, ALL, OPERATOR, grace_s=30), range(4)))
    assert sum(one.count for one in revived) == 16
    assert sum(len(one.messages) for one in revived) == 16


def test_an_unknown_letter_is_named(settings: Settings, database: Engine) -> None:
    known, unknown = dead_job(settings, database), uuid.uuid4()
    with pytest.raises(NotFound, match=str(unknown)):
        find_letters(database, LetterFilter(ids=[known, unknown]))


def test_a_dropped_letter_is_forgotten_and_its_job_stays_closed(settings: Settings, database: Engine) -> None:
    job_id = dead_job(settings, database)
    dead_job(settings, database, subject="other")
    assert drop(database, LetterFilter(ids=[job_id]), OPERATOR) == 1
    assert drop(database, LetterFilter(ids=[job_id]), OPERATOR) == 0
    assert {row.state for row in rows(database, jobs)} == {"dead"}
    for n in range(4):
        dead_job(settings, database, subject=str(n))
    assert drop(database, ALL, OPERATOR, portion=2) == 5


def test_what_is_open_in_a_batch_is_sent_at_once_but_not_what_somebody_works_on(database: Engine) -> None:
    batch = batch_of_rows(database, *"abcd")
    with database.begin() as connection:
        connection.execute(text("update chunks set resend_at = now() + interval '1 hour', times_sent = 7"))
    assert isinstance(claim_chunk(database, batch, 1, TERMS), Claim)
    kill_row(database, batch, 2)
    due, messages = resume(database, batch, grace_s=30)
    assert (due, [message.kwargs["n"] for message in messages]) == (2, [0, 3])
    assert {row.n: row.times_sent for row in rows(database, chunks)} == {0: 8, 1: 7, 2: 7, 3: 8}
    with pytest.raises(NotFound, match="no batch"):
        resume(database, uuid.uuid4(), grace_s=30)


def test_who_retried_and_who_dropped_is_on_record_and_what_was_done_to_nothing_is_not(
    settings: Settings, database: Engine
) -> None:
    first, second, third = (dead_job(settings, database, subject=str(n)) for n in range(3))
    retry_letters(database, LetterFilter(ids=[first]), Operator("night-shift", "10.0.0.7"), grace_s=30)
    drop(database, ALL, OPERATOR, portion=1)
    drop(database, ALL, OPERATOR)
    retry_letters(database, LetterFilter(domain="unheard of"), OPERATOR, grace_s=30)
    told = [
        (one["operator"], one["address"], one["action"], one["asked"], one["number"]) for one in find_actions(database)
    ]
    assert told == [
        ("ada@here", None, "drop", {}, 1),
        ("ada@here", None, "drop", {}, 1),
        ("night-shift", "10.0.0.7", "retry", {"ids": [str(first)]}, 1),
    ]
    assert {one["letters"][0] for one in find_actions(database, limit=2)} == {second, third}
    assert [one["operator"] for one in find_actions(database, letter=first)] == ["night-shift"]


def test_nothing_is_done_to_a_dead_letter_that_can_not_be_put_on_record(settings: Settings, database: Engine) -> None:
    dead_job(settings, database)
    with database.begin() as connection:
        connection.execute(text("drop table operator_actions"))
    for act in (lambda: drop(database, ALL, OPERATOR), lambda: retry_letters(database, ALL, OPERATOR, grace_s=30)):
        with pytest.raises(RulefarmError):
            act()
    assert [job.state for job in rows(database, jobs)] == ["dead"]
    assert count_letters(database, ALL) == 1


def test_pages_of_dead_letters_hold_each_once_whenever_they_died(settings: Settings, database: Engine) -> None:
    for n in range(7):
        dead_job(settings, database, subject=str(n))
    with database.begin() as connection:
        connection.execute(text("update dead_letters set died_at = now() where subject in ('1', '2', '3', '4')"))
    found: list[str] = []
    after = None
    while page := find_letters(database, ALL, limit=2, after=after):
        found += [letter["subject"] for letter in page]
        after = page[-1]["died_at"], page[-1]["id"]
    assert sorted(found) == [*"0123456"]
    assert found == [letter["subject"] for letter in find_letters(database, ALL)]
