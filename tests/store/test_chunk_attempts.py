"""A chunk that can't be judged is split until the row that is to blame stands alone; its neighbours lose nothing."""

import uuid
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, select, text

from rulefarm.batch import SUBJECT_COLUMN, decode, encode
from rulefarm.database import batches, chunks, dead_letters
from rulefarm.messaging import TaskMessage
from store.attempts import LeaseTerms
from store.chunk_attempts import Claim, claim_chunk, fail_chunk
from store.dead_letters import Failure
from store.verdicts import store_chunk
from tests.rows import AS_OF, verdict

TERMS = LeaseTerms(worker="w@here", lease_s=60, max_attempts=3)
BROKEN = Failure("evaluation-failed", "ValueError: no")


def add_chunk(engine: Engine, rows: int) -> uuid.UUID:
    """A batch of one chunk with the subjects 0, 1, 2 …"""
    batch, subjects = uuid.uuid4(), [str(n) for n in range(rows)]
    [(_, facts)] = encode(pl.DataFrame({SUBJECT_COLUMN: subjects, "price": list(range(rows))}), rows)
    with engine.begin() as connection:
        about = {"domain": "pricing", "source": "x", "as_of": AS_OF, "enqueued_at": datetime.now(UTC)}
        connection.execute(batches.insert().values(id=batch, rows=rows, chunks=1, **about))
        connection.execute(chunks.insert().values(batch=batch, n=0, rows=rows, form="columns", facts=facts))
    return batch


def judge(engine: Engine, batch: uuid.UUID, n: int, poison: str, terms: LeaseTerms = TERMS) -> list[TaskMessage]:
    """One delivery of a chunk to a worker that fails on a row; gives the messages that it is to send."""
    claim = claim_chunk(engine, batch, n, terms)
    if not isinstance(claim, Claim):
        return claim
    subjects = decode(claim.chunk["facts"])[SUBJECT_COLUMN].to_list()
    if poison in subjects:
        return fail_chunk(engine, batch, n, terms, BROKEN, attempt=claim.attempt)
    about = {"batch": batch, "domain": "pricing"}
    rows = [verdict(uuid.uuid5(batch, name), claim.chunk["enqueued_at"], subject=name, **about) for name in subjects]
    assert store_chunk(engine, batch, n, rows, attempt=claim.attempt) == len(rows)
    return []


def all_of(engine: Engine, table: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table)))


@pytest.mark.parametrize("rows", [1, 2, 51, 2_500])
def test_every_neighbour_of_a_poison_row_gets_its_verdict(database: Engine, rows: int) -> None:
    batch, poison = add_chunk(database, rows), str(rows // 2)
    due = [0, 0, 0]
    deliveries = 0
    while due:
        deliveries += 1
        due += [message.kwargs["n"] for message in judge(database, batch, due.pop(), poison)]
        # The reconciler sends what is left.
        due = due or [row.n for row in all_of(database, chunks) if row.state == "open"]
    [letter] = all_of(database, dead_letters)
    assert (letter.id, letter.kind, letter.batch) == (uuid.uuid5(batch, poison), "row", batch)
    assert (letter.subject, letter.code, letter.reason, letter.worker) == (poison, BROKEN.code, BROKEN.reason, "w@here")
    with database.connect() as connection:
        judged = connection.execute(text("select subject from verdicts")).scalars().all()
    assert sorted([*judged, poison]) == sorted(str(n) for n in range(rows))
    [found] = all_of(database, batches)
    assert (found.state, found.finished_at is not None) == ("done", True)
    # Three for the whole, at most two splits into 50, and one more for the row that stands alone.
    assert deliveries <= 3 + 50 + 50 + 1


def test_while_a_lease_lasts_nobody_else_begins_and_a_late_finisher_stores_nothing(database: Engine) -> None:
    batch = add_chunk(database, 2)
    first = claim_chunk(database, batch, 0, TERMS)
    assert isinstance(first, Claim)
    assert claim_chunk(database, batch, 0, TERMS) == []
    with database.begin() as connection:
        connection.execute(text("update chunks set lease_until = now() - interval '1 second'"))
    second = claim_chunk(database, batch, 0, TERMS)
    assert isinstance(second, Claim)
    assert (first.attempt, second.attempt) == (1, 2)
    rows = [verdict(uuid.uuid5(batch, name), first.chunk["enqueued_at"], subject=name, batch=batch) for name in "01"]
    assert store_chunk(database, batch, 0, rows, attempt=1) is None
    assert fail_chunk(database, batch, 0, TERMS, BROKEN, attempt=1) == []
    assert store_chunk(database, batch, 0, rows, attempt=2) == 2


def test_an_attempt_that_goes_on_is_not_counted_again(database: Engine) -> None:
    batch = add_chunk(database, 2)
    claims = [claim_chunk(database, batch, 0, TERMS, attempt=attempt) for attempt in (None, 1, 1)]
    assert [claim.attempt for claim in claims if isinstance(claim, Claim)] == [1, 1, 1]


def test_a_chunk_whose_workers_died_without_a_word_is_split_too(database: Engine) -> None:
    batch = add_chunk(database, 3)
    for _ in range(3):
        assert isinstance(claim_chunk(database, batch, 0, TERMS), Claim)
        with database.begin() as connection:
            connection.execute(text("update chunks set lease_until = now() - interval '1 second'"))
    messages = claim_chunk(database, batch, 0, TERMS)
    assert isinstance(messages, list)
    assert [message.kwargs["n"] for message in messages] == [1, 2, 3]
    assert [row.state for row in sorted(all_of(database, chunks), key=lambda row: row.n)] == ["split"] + ["open"] * 3
    assert [row.state for row in all_of(database, batches)] == ["open"]


def test_a_process_that_died_frees_only_what_its_worker_held(database: Engine) -> None:
    batch = add_chunk(database, 2)
    claim_chunk(database, batch, 0, TERMS)
    lost = Failure("worker-lost", "signal 9")
    fail_chunk(database, batch, 0, LeaseTerms(worker="other@there", lease_s=60, max_attempts=3), lost)
    assert [row.lease_until is None for row in all_of(database, chunks)] == [False]
    fail_chunk(database, batch, 0, TERMS, lost)
    assert [(row.lease_until, row.code) for row in all_of(database, chunks)] == [(None, "worker-lost")]


def test_a_process_that_forks_others_splits_nothing(database: Engine) -> None:
    batch, lost = add_chunk(database, 2), Failure("worker-lost", "signal 9")
    for _ in range(TERMS.max_attempts):
        assert isinstance(claim_chunk(database, batch, 0, TERMS), Claim)
        assert fail_chunk(database, batch, 0, TERMS, lost) == []
    assert [row.state for row in all_of(database, chunks)] == ["open"]
    assert len(judge(database, batch, 0, "1")) == 2
    assert {(row.state, row.code) for row in all_of(database, chunks)} == {("split", lost.code), ("open", lost.code)}


def test_a_row_that_was_split_off_survives_one_failure_that_is_not_its_own(database: Engine) -> None:
    batch = add_chunk(database, 2)
    parts = [message.kwargs["n"] for _ in range(TERMS.max_attempts) for message in judge(database, batch, 0, "1")]
    for n in parts:
        # Each fails once, each is judged the next time.
        judge(database, batch, n, str(n - 1))
        assert judge(database, batch, n, "none") == []
    assert {row.state for row in all_of(database, chunks)} == {"split", "done"}
    assert all_of(database, dead_letters) == []
