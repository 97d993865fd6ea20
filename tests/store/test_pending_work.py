"""What has a row and no verdict is sent again: not too early, not twice, and not lost when the broker is away."""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text

from rulefarm import wire
from rulefarm.database import connect, reconciler
from rulefarm.messaging import JobMessage
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, claim_job
from store.chunk_attempts import claim_chunk
from store.pending_work import claim_due, mark_all_due, record_run
from store.verdicts import store_verdict
from tests.rows import add_batch, add_job, verdict

#: Seconds until the message of the only job is sent again.
PAUSE = "select extract(epoch from resend_at - now()) from jobs"


def make_due(engine: Engine) -> None:
    """Let the grace of everything pass."""
    with engine.begin() as connection:
        for table in ("jobs", "chunks"):
            connection.execute(text(f"update {table} set resend_at = now() - interval '1 second'"))


def sent_again(engine: Engine, *, busy: bool = False) -> list[str]:
    """What is sent again of single jobs for payment and of chunks for pricing."""
    found = []
    for domain, bulk in (("payment", False), ("pricing", True)):
        with claim_due(engine, domain, bulk=bulk, grace_s=30, limit=100, busy=busy) as messages:
            found += [message.task_id for message in messages]
    return sorted(found)


def test_a_job_is_not_sent_again_before_its_grace_is_over(settings: Settings, database: Engine) -> None:
    add_job(settings)
    assert sent_again(database) == []


def test_what_is_due_is_sent_once_and_then_given_time(settings: Settings, database: Engine) -> None:
    job, (batch, _) = add_job(settings), add_batch(database, count=2)
    make_due(database)
    assert sent_again(database) == sorted([str(job.id), f"{batch}-0", f"{batch}-1"])
    assert sent_again(database) == []


def test_every_message_waits_twice_as_long_as_the_one_before(settings: Settings, database: Engine) -> None:
    add_job(settings)
    waits = []
    for _ in range(9):
        make_due(database)
        assert len(sent_again(database)) == 1
        with database.connect() as connection:
            waits.append(connection.execute(text(PAUSE)).scalar_one())
    # By the clock of the statement that looks, which comes a moment later.
    expected = [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert all(wait - 10 < float(waited) <= wait for wait, waited in zip(expected, waits, strict=True))


def test_a_repeated_message_carries_what_the_first_one_carried(settings: Settings, database: Engine) -> None:
    facts = {"Order": {"total": 0.1, "n": 7, "big": 1e16, "small": 1e-7, "name": "Ünïcode"}, "Line": [{"qty": 2}]}
    job = add_job(settings, facts=facts)
    make_due(database)
    with claim_due(database, "payment", bulk=False, grace_s=30, limit=1) as [message]:
        assert message.kwargs["facts"] == wire.canonical(facts)
        assert message.kwargs["as_of"] == job.as_of.isoformat()
        assert JobMessage.from_kwargs(message.kwargs).times_sent == 2
        assert message.queue == "rules.payment"


def test_nothing_counts_as_sent_when_the_broker_was_away(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    make_due(database)
    with pytest.raises(ConnectionError), claim_due(database, "payment", bulk=False, grace_s=30, limit=100):
        raise ConnectionError
    assert sent_again(database) == [str(job.id)]


def test_two_reconcilers_share_the_work(settings: Settings, database: Engine) -> None:
    for n in range(10):
        add_job(settings, subject=str(n))
    make_due(database)
    payment = partial(claim_due, database, "payment", bulk=False, grace_s=30)
    with payment(limit=6) as first, payment(limit=100) as second:
        assert (len(first), len(second)) == (6, 4)
        assert not {message.task_id for message in first} & {message.task_id for message in second}


def test_what_waits_for_its_turn_in_a_busy_queue_is_not_sent_until_it_has_waited_long(
    settings: Settings, database: Engine
) -> None:
    job, (batch, _) = add_job(settings), add_batch(database, count=1)
    make_due(database)
    assert sent_again(database, busy=True) == []
    with database.begin() as connection:
        for table in ("jobs", "chunks"):
            connection.execute(text(f"update {table} set resend_at = now() - interval '301 seconds'"))
    assert sent_again(database, busy=True) == sorted([str(job.id), f"{batch}-0"])


def test_what_was_never_sent_is_sent_as_soon_as_there_is_room(settings: Settings, database: Engine) -> None:
    add_job(settings)
    with database.begin() as connection:
        connection.execute(text("update jobs set times_sent = 0, resend_at = now()"))
    with claim_due(database, "payment", bulk=False, grace_s=30, limit=9, busy=True) as [message]:
        assert JobMessage.from_kwargs(message.kwargs).times_sent == 1


def test_a_queue_gets_only_what_is_its_own(settings: Settings, database: Engine) -> None:
    add_job(settings)
    add_batch(database, count=1)
    make_due(database)
    for domain, bulk in (("payment", True), ("pricing", False), ("promotion", True)):
        with claim_due(database, domain, bulk=bulk, grace_s=30, limit=9) as messages:
            assert messages == []


def test_after_the_broker_lost_its_data_everything_open_is_due_but_what_somebody_works_on(
    settings: Settings, database: Engine
) -> None:
    waiting, leased, (batch, _) = add_job(settings), add_job(settings), add_batch(database, count=2)
    terms = LeaseTerms(worker="w", lease_s=60, max_attempts=3)
    claim_job(database, leased.id, terms)
    claim_chunk(database, batch, 0, terms)
    assert mark_all_due(database) == 2
    assert sent_again(database, busy=True) == sorted([str(waiting.id), f"{batch}-1"])
    assert sent_again(database, busy=True) == []


def test_the_last_run_of_the_reconciler_is_on_record(database: Engine) -> None:
    record_run(database, sent=7, broker_lost=True)
    record_run(database, sent=3, broker_lost=False)
    with database.connect() as connection:
        row = connection.execute(select(reconciler)).one()
    assert row.sent == 3
    assert row.broker_lost_at < row.ran_at


def test_a_judged_job_is_never_sent(settings: Settings, database: Engine) -> None:
    job = add_job(settings)
    store_verdict(database, verdict(job.id, job.enqueued_at))
    make_due(database)
    assert sent_again(database) == []


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text("abc", max_size=3), children, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def jsonb(services: Any) -> Any:
    engine = connect(Settings(database_url=services.database_url))
    with engine.connect() as connection:
        yield lambda value: connection.execute(
            text("select cast(:value as jsonb)"), {"value": json.dumps(value, ensure_ascii=False)}
        ).scalar_one()
    engine.dispose()


@given(value=json_values)
def test_facts_have_the_same_text_after_a_round_through_jsonb(jsonb: Any, value: Any) -> None:
    facts = {"Order": {"value": value}}
    canonical = wire.canonical(facts)
    assert wire.canonical(jsonb(json.loads(canonical))) == canonical
