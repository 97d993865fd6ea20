"""Celery as its guide shows it, on the same broker.  BENCH_… -> [celery_tasks] -> `celery -A bench.farm.celery_tasks`

The app of the empty task and of the one that inserts a row. Settings are Celery's own, but for the result backend."""

import os
from functools import cache
from typing import Any

from celery import Celery

from bench.farm.work import INSERT, Judge, connection


@cache
def _judge() -> Judge:
    return Judge()


@cache
def _database() -> Any:
    return connection(os.environ["BENCH_DATABASE_URL"])


def _nothing(number: int) -> None:
    del number


def _insert(text: str) -> None:
    with _database().cursor() as cursor:
        cursor.execute(INSERT, _judge().row(text))


def _created(broker_url: str) -> Celery:
    app = Celery("bench", broker=broker_url, backend=broker_url, set_as_current=False)
    app.conf.broker_connection_retry_on_startup = True
    return app


def tasks_of(broker_url: str) -> tuple[Celery, Any, Any, Any]:
    """The app with its tasks.

    Args:
        broker_url: where the messages go, and the results.

    Returns:
        The app; the empty task without a result, the one with it, the one that judges and inserts.
    """
    made = _created(broker_url)
    silent = made.task(name="nothing", ignore_result=True)(_nothing)
    answered = made.task(name="answer")(_nothing)
    inserting = made.task(name="insert")(_insert)
    return made, silent, answered, inserting


if "BENCH_BROKER_URL" in os.environ:
    #: What the command line of Celery looks for.
    app, _, _, _ = tasks_of(os.environ["BENCH_BROKER_URL"])
