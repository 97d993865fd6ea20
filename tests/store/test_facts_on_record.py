"""The parts of the facts on record hold each fact once, and a sample is the same one each time."""

import json
import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, insert, text

from rulefarm.database import jobs
from store import facts_on_record
from store.facts_on_record import FactsPart, Wanted, chunk_of, instant_before, jobs_of


@pytest.fixture
def recorded(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """500 jobs, half of them of last year, and one of another domain; parts of about 100, pages of 7."""
    monkeypatch.setattr(facts_on_record, "_PART_JOBS", 100)
    monkeypatch.setattr(facts_on_record, "_PAGE", 7)
    now = instant_before(database, timedelta(0))
    rows = [
        {"id": uuid.uuid4(), "domain": "shop", "subject": str(n), "facts": {"n": n}, "as_of": now}
        | {"enqueued_at": now - timedelta(days=365 * (n % 2))}
        for n in range(500)
    ]
    # At the ends of what an id can be.
    rows[0]["id"], rows[2]["id"] = uuid.UUID(int=0), uuid.UUID(int=(1 << 128) - 1)
    with database.begin() as connection:
        connection.execute(insert(jobs), [*rows, rows[1] | {"id": uuid.uuid4(), "domain": "other"}])
    return database


def subjects(engine: Engine, wanted: Wanted, sample: int | None = None) -> list[str]:
    """Of the jobs of all parts, each of which has been a message."""
    parts = facts_on_record.facts_on_record(engine, wanted, sample=sample)
    sent = [FactsPart.from_json(json.loads(json.dumps(part.to_json()))) for part in parts]
    assert sent == parts
    return [job.subject for part in sent for page in jobs_of(engine, wanted, part, shared=True) for job in page]


def test_each_job_is_in_one_part_and_a_sample_is_the_same_each_time(recorded: Engine) -> None:
    everything = Wanted("shop")
    assert len(facts_on_record.facts_on_record(recorded, everything)) == 5
    assert sorted(subjects(recorded, everything), key=int) == [str(n) for n in range(500)]
    recent = Wanted("shop", instant_before(recorded, timedelta(days=7)))
    assert sorted(subjects(recorded, recent), key=int) == [str(n) for n in range(0, 500, 2)]
    some = subjects(recorded, everything, 150)
    # Seven standard deviations.
    assert 78 < len(some) < 222
    assert some == subjects(recorded, everything, 150)
    assert len(subjects(recorded, everything, 1_000_000)) == 500
    assert facts_on_record.facts_on_record(recorded, Wanted("nothing")) == []


def test_the_ranges_of_a_part_follow_each_other_from_its_first_id_to_its_last() -> None:
    part = FactsPart(9, first=7, end=1 << 128)
    for size, count in ((0, 1), (20_000, 4), (1e12, 20)):
        ranges = part.ranges(size)
        assert (ranges[0][0].int, ranges[-1][1].int, len(ranges)) == (7, (1 << 128) - 1, count)
        assert all(last.int + 1 == first.int for (_, last), (first, _) in pairwise(ranges))


def test_a_chunk_that_was_pruned_meanwhile_is_none(recorded: Engine) -> None:
    batch = uuid.uuid4()
    with recorded.begin() as connection:
        connection.execute(
            text(
                "insert into batches (id, domain, source, rows, chunks, as_of) values (:id, 'shop', 's', 3, 2, now())"
            ),
            {"id": batch},
        )
        for n, state in enumerate(("split", "done")):
            chunk = "insert into chunks (batch, n, rows, state, form, facts) values (:id, :n, 3, :state, 'json', '')"
            connection.execute(text(chunk), {"id": batch, "n": n, "state": state})
    [part] = facts_on_record.facts_on_record(recorded, Wanted("shop", batch=batch))
    assert (part.batch, part.n, part.rows) == (batch, 1, 3)
    assert chunk_of(recorded, part) is not None
    with recorded.begin() as connection:
        connection.execute(text("delete from batches where id = :id"), {"id": batch})
    assert chunk_of(recorded, part) is None
