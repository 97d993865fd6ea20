"""What a producer may rely on when it submits: its own transaction, room in the queue, rows that say what is sent."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from rulefarm.database import jobs
from rulefarm.errors import BrokerUnreachable, DatabaseUnreachable, JobRejected, QueueFull
from rulefarm.farm import Farm
from rulefarm.messaging import JobMessage, queue_depths
from rulefarm.routing import BACKLOG, queue_name
from rulefarm.settings import Settings
from store.pending_work import claim_due
from tests.processes import until
from tests.rows import rows

ORDER = {"Order": {"total": 12.5}}


@pytest.fixture
def farm(settings: Settings) -> Iterator[Farm]:
    """A producer whose queues hold five messages."""
    with Farm(replace(settings, queue_limit=5)) as producer:
        yield producer


def depth(farm: Farm, domain: str, *, bulk: bool = False) -> int:
    name = queue_name(domain, bulk=bulk)
    return queue_depths(farm.app, [name])[name]


def test_a_job_exists_if_and_only_if_the_callers_transaction_is_committed(
    farm: Farm, domain: str, database: Engine
) -> None:
    with database.connect() as connection:
        undone = farm.submit(domain, ORDER, key="undone", connection=connection)
        connection.rollback()
        farm.submit(domain, ORDER, key="done", connection=connection)
        connection.commit()
    assert not undone.sent
    assert [row.subject for row in rows(database, jobs)] == ["done"]
    assert depth(farm, domain) == 0


def test_a_session_of_the_order_service_carries_the_job_with_its_order(
    farm: Farm, domain: str, settings: Settings
) -> None:
    # An engine of its own, as an order service has it, that knows nothing of our settings.
    theirs = create_engine(str(settings.database_url).replace("postgresql:", "postgresql+psycopg2:"))
    with Session(theirs) as session, session.begin():
        session.execute(text("create table orders (id text primary key)"))
        session.execute(text("insert into orders values ('4711')"))
        job = farm.submit(domain, ORDER, key="4711", connection=session)
    [row] = rows(theirs, jobs)
    assert (row.id, row.subject, row.facts, row.times_sent) == (job.id, "4711", ORDER, 0)
    theirs.dispose()


def test_the_reconciler_sends_a_job_of_a_committed_transaction_at_once(
    farm: Farm, domain: str, database: Engine
) -> None:
    with database.begin() as connection:
        job = farm.submit(domain, ORDER, connection=connection)
    with claim_due(database, domain, bulk=False, grace_s=30, limit=9, busy=True) as [message]:
        assert (message.task_id, JobMessage.from_kwargs(message.kwargs).times_sent) == (str(job.id), 1)


def test_whoever_can_not_wait_for_the_reconciler_sends_after_the_commit(
    farm: Farm, domain: str, database: Engine
) -> None:
    with database.begin() as connection:
        job = farm.submit(domain, ORDER, connection=connection)
    assert farm.send(job)
    assert depth(farm, domain) == 1
    assert rows(database, jobs)[0].times_sent == 1


def test_the_same_key_in_two_transactions_is_one_job(farm: Farm, domain: str, database: Engine) -> None:
    submitted = []
    for _ in range(2):
        with database.begin() as connection:
            submitted.append(farm.submit(domain, ORDER, key="k", connection=connection))
    assert submitted[0] == submitted[1]
    assert len(rows(database, jobs)) == 1


def test_a_transaction_elsewhere_is_told_that_it_is_in_the_wrong_place(
    farm: Farm, domain: str, settings: Settings
) -> None:
    elsewhere = create_engine(
        str(settings.database_url).rsplit("/", 1)[0].replace("postgresql:", "postgresql+psycopg2:") + "/postgres"
    )
    with elsewhere.connect() as connection, pytest.raises(DatabaseUnreachable) as caught:
        farm.submit(domain, ORDER, connection=connection)
    assert caught.value.code == "database-empty"
    elsewhere.dispose()


def test_beyond_its_limit_a_queue_takes_no_job_and_nothing_is_kept(farm: Farm, domain: str, database: Engine) -> None:
    for n in range(5):
        assert farm.submit(domain, ORDER, key=str(n)).sent
    with pytest.raises(QueueFull, match="RULEFARM_QUEUE_LIMIT") as caught:
        farm.submit(domain, ORDER, key="5")
    assert caught.value.code == "queue-full"
    with pytest.raises(QueueFull):
        farm.submit(domain, ORDER, key="5", wait_for_room=0.3)
    assert (len(rows(database, jobs)), depth(farm, domain)) == (5, 5)
    # The other queues of the farm are none the fuller for it.
    assert farm.submit_many(domain, [ORDER])[0].sent


def test_whoever_waits_for_room_gets_it_when_a_worker_takes_a_message(farm: Farm, domain: str) -> None:
    for _ in range(5):
        farm.submit(domain, ORDER)
    with farm.app.connection_for_read() as connection:
        connection.SimpleQueue(queue_name(domain)).get(timeout=60).ack()
    assert farm.submit(domain, ORDER, wait_for_room=10).sent


def test_of_many_jobs_only_as_many_are_sent_as_there_is_room_for(farm: Farm, domain: str, database: Engine) -> None:
    submitted = farm.submit_many(domain, [(f"{n:02}", ORDER) for n in range(12)])
    assert all(job.sent for job in submitted)
    assert [row.times_sent for row in sorted(rows(database, jobs), key=lambda row: row.subject)] == [1] * 5 + [0] * 7
    assert depth(farm, domain, bulk=True) == 5
    with claim_due(database, domain, bulk=True, grace_s=30, limit=100, busy=True) as messages:
        assert len(messages) == 7


def test_while_many_wait_a_job_gets_no_message_of_its_own_and_is_due_at_once(
    settings: Settings, domain: str, database: Engine
) -> None:
    with Farm(settings) as farm:
        assert all(farm.submit(domain, ORDER, key=f"{n:03}").sent for n in range(BACKLOG + 5))
        assert depth(farm, domain) == BACKLOG
    by_key = sorted(rows(database, jobs), key=lambda row: row.subject)
    assert [row.times_sent for row in by_key] == [1] * BACKLOG + [0] * 5
    with claim_due(database, domain, bulk=False, grace_s=30, limit=100) as messages:
        assert sorted(message.kwargs["subject"] for message in messages) == [f"{BACKLOG + n}" for n in range(5)]


def test_jobs_that_wait_without_a_message_count_towards_the_limit(settings: Settings, domain: str) -> None:
    with Farm(replace(settings, queue_limit=BACKLOG + 20)) as farm:

        def is_full() -> bool:
            try:
                return not farm.submit(domain, ORDER)
            except QueueFull:
                return True

        until(is_full)
        assert depth(farm, domain) == BACKLOG


def test_many_jobs_keep_what_jsonb_and_csv_could_spoil(farm: Farm, domain: str, database: Engine) -> None:
    facts = {"Order": {"note": 'a "quoted"\n\\N line, with; {everything}', "total": 0.1, "n": None}, "Line": []}
    [job, same] = farm.submit_many(domain, [('odd, "key"\n', facts)] * 2)
    [row] = rows(database, jobs)
    assert job == same
    assert (row.id, row.subject, row.facts, row.bulk) == (job.id, 'odd, "key"\n', facts, True)
    assert (row.as_of, row.enqueued_at) == (job.as_of, job.enqueued_at)


def test_of_many_jobs_each_has_the_moments_of_its_row_whether_it_was_there_or_not(
    farm: Farm, domain: str, database: Engine
) -> None:
    first = farm.submit_many(domain, [("a", ORDER), ("b", ORDER)])
    alone = farm.submit(domain, ORDER, key="c")
    second = farm.submit_many(domain, [("b", ORDER), ("d", ORDER), ("c", ORDER), ("b", ORDER), ("d", ORDER)])
    assert [second[0], second[2], second[3]] == [first[1], alone, first[1]]
    assert second[1] == second[4] != first[0]
    told = {job.id: (job.subject, job.as_of, job.enqueued_at) for job in (*first, alone, *second)}
    assert {row.id: (row.subject, row.as_of, row.enqueued_at) for row in rows(database, jobs)} == told


class Watched(dict[str, Any]):
    """Facts that do something when somebody looks at their names: the first time."""

    def __init__(self, facts: Mapping[str, Any], act: Callable[[], object]) -> None:
        super().__init__(facts)
        self._act: Callable[[], object] | None = act

    def __iter__(self) -> Iterator[str]:
        act, self._act = self._act, None
        if act is not None:
            act()
        return super().__iter__()


@pytest.mark.parametrize("bad", [{}, {"Order": {"total": float("nan")}}, {"Order": {"x" * 201: 1}}, [], None])
@pytest.mark.parametrize("place", [0, 1, 150])
def test_of_many_jobs_all_are_taken_or_none(
    farm: Farm, domain: str, database: Engine, bad: dict[str, Any], place: int
) -> None:
    items = [ORDER] * place + [bad] + [ORDER] * 40
    with pytest.raises(JobRejected):
        farm.submit_many(domain, items)
    assert not rows(database, jobs)
    assert len(farm.submit_many(domain, [ORDER])) == len(rows(database, jobs)) == 1


def test_what_interrupts_many_jobs_is_what_their_producer_sees(farm: Farm, domain: str, database: Engine) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        farm.submit_many(domain, [ORDER] * 100 + [Watched(ORDER, interrupt)])
    assert not rows(database, jobs)


def test_many_jobs_whose_connection_breaks_under_them_are_taken_once_each(
    farm: Farm, domain: str, database: Engine
) -> None:
    def end_others() -> None:
        with database.connect() as connection:
            ended = "pg_terminate_backend(pid, 5000)"
            busy = "query like 'copy incoming%' and datname = current_database()"
            assert connection.execute(text(f"select {ended} from pg_stat_activity where {busy}")).scalars().all()

    keyed: list[Any] = [(f"{n}", ORDER) for n in range(100)]
    taken = farm.submit_many(domain, [ORDER, ORDER, *keyed, Watched(ORDER, end_others), *keyed, ORDER])
    assert len({job.id for job in taken}) == 104
    assert {row.id: row.subject for row in rows(database, jobs)} == {job.id: job.subject for job in taken}


def test_while_the_broker_is_away_rows_are_written_and_the_queue_is_not_asked(
    settings: Settings, domain: str, database: Engine
) -> None:
    with Farm(replace(settings, queue_limit=2, broker_url="redis://127.0.0.1:1/0")) as farm:
        assert [farm.submit(domain, ORDER).sent for _ in range(4)] == [False] * 4
    assert len(rows(database, jobs)) == 4


def test_without_a_database_a_broker_that_is_away_keeps_nothing_and_says_so(domain: str) -> None:
    with Farm(Settings(broker_url="redis://127.0.0.1:1/0")) as farm, pytest.raises(BrokerUnreachable):
        farm.submit(domain, ORDER)


def test_of_a_batch_only_as_many_chunks_are_sent_as_there_is_room_for(
    settings: Settings, domain: str, database: Engine, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("sku,price\n" + "".join(f"p{n},1\n" for n in range(12)))
    with Farm(replace(settings, queue_limit=5, chunk_rows=1)) as farm:
        batch = farm.submit_batch(domain, tmp_path / "rows.csv", key="night")
        assert (batch.chunks, batch.sent) == (12, True)
        assert depth(farm, domain, bulk=True) == 5
        with claim_due(database, domain, bulk=True, grace_s=30, limit=100, busy=True) as messages:
            assert sorted(message.kwargs["n"] for message in messages) == [5, 6, 7, 8, 9, 10, 11]
        # The same batch again is the same rows, and fills no queue.
        assert farm.submit_batch(domain, tmp_path / "rows.csv", key="night") == batch
        assert depth(farm, domain, bulk=True) == 5
