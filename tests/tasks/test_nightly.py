"""A nightly whose source is refused is on record as failed; one whose reason may pass is tried again, for a while."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from rulefarm.database import batches
from rulefarm.routing import NIGHTLY, queue_name
from rulefarm.settings import Settings
from store.batch_status import standing_failures
from tasks import worker_context
from tasks.nightly import RETRIED_S
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


@pytest.mark.parametrize("content", ["sku,price,cost\nA,1,2\nA,1,2\n", 'sku,price\nA,"1" \\"2\n', ""])
def test_a_source_that_is_refused_is_not_tried_again(
    nightly: Run, database: Engine, tmp_path: Path, content: str
) -> None:
    (tmp_path / "tonight.csv").write_text(content)
    assert nightly() is None
    assert failure(database)[1:] == (True, 1)
