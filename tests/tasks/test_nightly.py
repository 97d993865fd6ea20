"""A nightly whose source is refused is on record as failed; one whose reason may pass is tried again, for a while."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from rulefarm.database import batches
from rulefarm.errors import SourceRejected
from rulefarm.routing import NIGHTLY, queue_name
from rulefarm.settings import Settings
from store.batch_status import standing_failures
from tasks import worker_context
from tasks.nightly import RETRIED_S, record_nightly
from tasks.retry import pause_s
from tasks.worker_context import WorkerContext
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app

Run = Callable[..., Any]


@pytest.fixture
def nightly(settings: Settings, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the task here, its retries at once, as a bulk worker of the shop would."""
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


def test_a_source_that_is_not_there_is_tried_again_for_an_hour_and_the_night_is_one_batch(
    nightly: Run, database: Engine, tmp_path: Path
) -> None:
    assert nightly(night="2026-11-27") is None
    code, is_nightly, attempts = failure(database)
    assert (code, is_nightly) == ("unreadable-source", True)
    assert sum(map(pause_s, range(attempts - 2))) < RETRIED_S <= sum(map(pause_s, range(attempts - 1)))
    # It came after all.
    (tmp_path / "tonight.csv").write_text("sku,price,cost\nA,1,2\n")
    batch = nightly(night="2026-11-27")
    with database.connect() as connection:
        assert [(str(row.id), row.state) for row in connection.execute(select(batches))] == [(batch, "open")]
    assert standing_failures(database) == []


HALF_WRITTEN: list[tuple[str, bytes, str]] = [
    ("a.csv", b"", "empty-source"),
    ("a.csv", b"sku,price,cost\n", "empty-source"),
    ("a.csv.gz", gzip.compress(b"sku,price,cost\nA,1,2\n")[:-9], "unreadable-source"),
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
    (tmp_path / "tonight.csv").write_text(content)
    assert nightly() is None
    assert failure(database)[1:] == (True, 1)
