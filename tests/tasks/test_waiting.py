"""A job whose time runs out while it waits for Postgres is tried again, and that is still its first attempt."""

import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from celery.app.task import Context
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine, select, text

from rulefarm.database import connect, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.messaging import job_message
from rulefarm.routing import EVALUATE_JOB
from rulefarm.settings import Settings
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks import evaluate, worker_context
from tasks.judge import judge_job
from tasks.worker_context import WorkerContext
from tests.tasks.judging import SHOP
from workers.celery_app import create_worker_app

#: Seconds that a statement may take, and after which the job's time is up.
STATEMENT_S, LIMIT_S = 1.0, 0.6


@pytest.fixture
def attempts(settings: Settings, database: Engine, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judge one job here, as a process of a worker's pool does: what is on record of it then."""
    engine = connect(settings, statement_timeout_s=STATEMENT_S)
    app = create_worker_app(settings)
    context = WorkerContext(settings=settings, database=engine, rulesets={"shop": SHOP}, app=app)
    monkeypatch.setattr(worker_context, "_current", [context])
    publish(engine, [RulesetSnapshot.of(SHOP)])
    task = app.tasks[EVALUATE_JOB]
    monkeypatch.setattr(task, "soft_time_limit", LIMIT_S)
    # Celery leaves it out where a task is applied here.
    monkeypatch.setattr(Context, "kwargsrepr", "{}", raising=False)

    def judge(begin: Callable[[], None]) -> tuple[int, str | None, int]:
        with Farm(settings) as farm:
            job = farm.submit("shop", {"Product": {"price": 5}})
        begin()
        try:
            task.apply(kwargs=job_message(job, '{"Product":{"price":5}}').kwargs).get()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        with database.connect() as connection:
            row = connection.execute(select(jobs.c.attempts, jobs.c.code)).one()
            return row.attempts, row.code, len(connection.execute(select(verdicts.c.id)).all())

    yield judge, engine
    engine.dispose()


def up(_signal: int, _frame: object) -> None:
    """The signal of Celery's soft time limit: it is raised when what was called has come back."""
    raise SoftTimeLimitExceeded


def test_the_time_that_postgres_takes_is_not_the_jobs(attempts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, engine = attempts
    waits = [None]

    def slow_at_first(*arguments: Any) -> Any:
        if waits:
            waits.pop()
            with engine.connect() as connection:
                connection.execute(text(f"select pg_sleep({LIMIT_S})"))
            raise SoftTimeLimitExceeded
        return judge_job(*arguments)

    monkeypatch.setattr(evaluate, "judge_job", slow_at_first)
    # Tried again at once, for here Celery does not wait.
    assert judge(lambda: None) == (1, None, 1)


def test_a_session_that_is_silent_until_the_time_is_up_costs_no_attempt(attempts: Any) -> None:
    judge, engine = attempts
    with engine.connect() as connection:
        session = psutil.Process(connection.execute(text("select pg_backend_pid()")).scalar_one())

    def begin() -> None:
        session.suspend()
        signal.signal(signal.SIGALRM, up)
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)

    try:
        counted, code, judged = judge(begin)
    finally:
        session.resume()
    assert (counted, code, judged) == (1, None, 1)


def test_the_time_that_judging_takes_is(attempts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object) -> None:
        # From here on, so that nothing else is interrupted, however busy the machine is.
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
        while True:
            signal.pause()

    judge, _ = attempts
    monkeypatch.setattr(evaluate, "judge_job", endless)
    assert judge(lambda: signal.signal(signal.SIGALRM, up)) == (1, "time-limit", 0)
