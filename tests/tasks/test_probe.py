"""The doctor's probe finds what a job would: a database that takes no writes, or not from this user."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from rulefarm.database import connect, jobs, verdicts
from rulefarm.errors import DatabaseUnreachable, NotFound
from rulefarm.settings import Settings
from tasks import worker_context
from tasks.probe import probe
from tasks.worker_context import WorkerContext
from tests.rows import rows
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app

TASK: Any = SimpleNamespace(request=SimpleNamespace(hostname="w@here"))


@pytest.fixture
def worker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """This process is a worker of the shop, with one connection to its database."""
    database = connect(replace(settings, database_pool_size=1))
    context = WorkerContext(
        settings=settings, database=database, rulesets={"shop": SHOP}, app=create_worker_app(settings)
    )
    monkeypatch.setattr(worker_context, "_current", [context])
    yield context
    database.dispose()


def test_it_answers_and_leaves_no_row(worker: WorkerContext, database: Engine) -> None:
    for _ in range(2):
        answer = probe(TASK, "shop")
        assert (answer["worker"], answer["database_ms"] > 0) == ("w@here", True)
    assert (rows(database, jobs), rows(database, verdicts)) == ([], [])
    with pytest.raises(NotFound):
        probe(TASK, "elsewhere")


SPOILT = [
    ("set default_transaction_read_only = on", "database-read-only"),
    ("revoke insert on jobs from current_user", "database-forbidden"),
    ("revoke insert on verdicts from current_user", "database-forbidden"),
    ("drop table verdicts", "database-empty"),
]


@pytest.mark.parametrize(("statement", "code"), SPOILT)
def test_a_database_that_takes_no_job_or_no_verdict_is_found(
    worker: WorkerContext, database: Engine, statement: str, code: str
) -> None:
    with worker.database.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(DatabaseUnreachable) as caught:
        probe(TASK, "shop")
    assert caught.value.code == code
    assert rows(database, jobs) == []
