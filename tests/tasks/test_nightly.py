"""A nightly whose source is refused is on record as failed; one that may pass is tried again until it expires."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from rulefarm.database import batches, connect, duties
from rulefarm.errors import SourceRejected
from rulefarm.routing import NIGHTLY, queue_name
from rulefarm.settings import Settings
from store.batch_status import standing_failures
from tasks import worker_context
from tasks.nightly import record_nightly
from tasks.worker_context import WorkerContext
from tests.rows import add_duty, duty_row
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app

Run = Callable[..., Any]


@pytest.fixture
def nightly(settings: Settings, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the task here, as a bulk worker of the shop would."""
    mine = replace(settings, nightly_domain="shop", nightly_source=str(tmp_path / "tonight.csv"))
    app = create_worker_app(mine, queues=[queue_name("shop", bulk=True)])
    context = WorkerContext(settings=mine, database=database, rulesets={"shop": SHOP}, app=app)
    monkeypatch.setattr(worker_context, "_current", [context])

    def run(**kwargs: str) -> Any:
        return app.tasks[NIGHTLY].apply(kwargs=kwargs).get()

    return run


def failure(database: Engine) -> tuple[str, bool, int]:
    [failed] = standing_failures(database)
    return failed["code"], failed["nightly"], failed["attempts"]


def test_a_source_that_is_not_there_yet_is_tried_again_and_the_night_is_one_batch(
    nightly: Run, database: Engine, tmp_path: Path
) -> None:
    due = add_duty(database, minutes_ago=20)
    night = due.isoformat(timespec="minutes")
    pauses = []
    for _ in range(8):
        assert nightly(night=night) is None
        pauses.append(duty_row(database, due).pause_s)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    row = duty_row(database, due)
    assert (row.state, row.attempts, row.code, row.started_at) == ("open", 8, "unreadable-source", None)
    assert failure(database) == ("unreadable-source", True, 8)
    # It came after all.
    (tmp_path / "tonight.csv").write_text("sku,price,cost\nA,1,2\n")
    batch = nightly(night=night)
    # A message that comes late, or twice.
    assert nightly(night=night) is None
    with database.connect() as connection:
        [found] = connection.execute(select(batches))
    assert (str(found.id), found.state, found.as_of) == (batch, "open", due)
    row = duty_row(database, due)
    assert (row.state, str(row.batch), row.code, row.reason) == ("done", batch, None, None)
    assert standing_failures(database) == []


def test_nights_that_are_a_minute_apart_or_of_two_days_are_two_batches_however_late_they_are_taken(
    nightly: Run, database: Engine, tmp_path: Path
) -> None:
    (tmp_path / "tonight.csv").write_text("sku,price,cost\nA,1,2\n")
    nights = [add_duty(database, minutes_ago=minutes) for minutes in (24 * 60 + 2, 2, 1)]
    ids = [nightly(night=due.isoformat(timespec="minutes")) for due in nights]
    assert len(set(ids)) == 3
    with database.connect() as connection:
        found = connection.execute(select(batches.c.as_of).order_by(batches.c.as_of))
        assert list(found.scalars()) == nights


@pytest.mark.parametrize("message", [{}, {"night": "2026-11-27"}, {"night": "tonight"}])
def test_what_the_release_before_sends_is_the_last_night_there_was(
    nightly: Run, database: Engine, tmp_path: Path, message: dict[str, str]
) -> None:
    assert nightly(**message) is None
    (tmp_path / "tonight.csv").write_text("sku,price,cost\nA,1,2\n")
    batch = nightly(**message)
    assert [nightly(**message) for _ in range(3)] == [None] * 3
    with database.connect() as connection:
        [found] = connection.execute(select(batches))
        [duty] = connection.execute(select(duties, func.now().label("now")))
    assert (str(found.id), found.as_of, duty.state) == (batch, duty.due_at, "done")
    assert f"{duty.due_at:%H:%M}" == "02:30"
    assert timedelta() <= duty.now + timedelta(minutes=1) - duty.due_at < timedelta(days=1)


def test_a_night_that_has_no_row_or_is_given_up_is_not_carried_out(
    nightly: Run, database: Engine, tmp_path: Path
) -> None:
    (tmp_path / "tonight.csv").write_text("sku,price,cost\nA,1,2\n")
    assert nightly(night="2026-11-27T02:30+00:00") is None
    due = add_duty(database, minutes_ago=60, state="expired")
    assert nightly(night=due.isoformat()) is None
    with database.connect() as connection:
        assert connection.execute(select(batches)).all() == []


def test_a_worker_without_a_source_leaves_the_night_to_others(
    nightly: Run, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = add_duty(database, minutes_ago=1)
    context = worker_context.current()
    bare = replace(context, settings=replace(context.settings, nightly_source=None))
    monkeypatch.setattr(worker_context, "_current", [bare])
    assert nightly(night=due.isoformat()) is None
    assert nightly() is None
    row = duty_row(database, due)
    assert (row.state, row.attempts, row.code, row.pause_s) == ("open", 1, "no-nightly-source", 1)


def test_while_the_database_is_away_the_task_ends_well_and_the_night_stays_due(
    nightly: Run, database: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = add_duty(database, minutes_ago=1)
    away = connect(replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none"))
    monkeypatch.setattr(worker_context, "_current", [replace(worker_context.current(), database=away)])
    assert nightly(night=due.isoformat()) is None
    assert duty_row(database, due).state == "open"


HALF_WRITTEN: list[tuple[str, bytes, str]] = [
    ("a.csv", b"", "empty-source"),
    ("a.csv", b"sku,price,cost\n", "empty-source"),
    ("a.csv.gz", gzip.compress(b"sku,price,cost\nA,1,2\n", mtime=0)[:-9], "unreadable-source"),
    ("a.parquet", b"PAR1 and no end", "unreadable-source"),
    ("a.xlsx", b"PK and no end", "unreadable-source"),
    ("parts.csv", b"", "empty-source"),
]


@pytest.mark.parametrize(("name", "content", "code"), HALF_WRITTEN)
def test_a_source_that_is_half_written_is_tried_again(
    settings: Settings, database: Engine, tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    if name.startswith("parts"):
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    mine = replace(settings, nightly_domain="shop", nightly_source=str(tmp_path / name))
    with pytest.raises(SourceRejected) as caught:
        record_nightly(database, mine, {"shop": SHOP}, key="tonight", free_slots=1)
    assert (caught.value.code, caught.value.may_pass) == (code, True)
    assert failure(database) == (code, True, 1)


@pytest.mark.parametrize(
    ("query", "url", "may_pass"),
    [
        ("select 1 as sku", "postgresql://nobody@127.0.0.1:1/none", True),
        ("select * from nowhere", None, False),
        ("selec 1", None, False),
        ("select 'A' as sku; select 'B' as sku", None, False),
    ],
)
def test_a_query_is_tried_again_while_its_database_is_away(
    settings: Settings, database: Engine, tmp_path: Path, query: str, url: str | None, may_pass: bool
) -> None:
    (tmp_path / "a.sql").write_text(query)
    mine = replace(
        settings,
        nightly_domain="shop",
        nightly_source=str(tmp_path / "a.sql"),
        source_url=url or settings.database_url,
    )
    with pytest.raises(SourceRejected) as caught:
        record_nightly(database, mine, {"shop": SHOP}, key="tonight", free_slots=1)
    assert caught.value.may_pass == may_pass
    assert failure(database)[1:] == (True, 1)


@pytest.mark.parametrize("content", ["sku,price,cost\nA,1,2\nA,1,2\n", 'sku,price\nA,"1" \\"2\n', "name,price\nA,1\n"])
def test_a_source_that_is_refused_is_not_tried_again(
    nightly: Run, database: Engine, tmp_path: Path, content: str
) -> None:
    due = add_duty(database, minutes_ago=5)
    (tmp_path / "tonight.csv").write_text(content)
    assert [nightly(night=due.isoformat()) for _ in range(2)] == [None, None]
    assert failure(database)[1:] == (True, 1)
    row = duty_row(database, due)
    assert (row.state, row.attempts) == ("failed", 1)
    assert row.code
    assert row.finished_at
