"""A worker without a process: what messages would have a worker do is done here, with its own tasks.

For tests of what becomes of rows, whoever sent the messages; how workers live and die is for those that start some."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine

from rulefarm.settings import Settings
from store.pending_work import claim_due, mark_all_due
from tasks import worker_context
from tasks.evaluate import evaluate_chunk, evaluate_job
from tasks.shared_facts import open_shared
from tasks.worker_context import WorkerContext
from workers.celery_app import create_worker_app
from workers.rulesets_to_serve import rulesets_to_serve

TASK: Any = SimpleNamespace(
    request=SimpleNamespace(
        hostname="w@here", delivery_info={"redelivered": False, "routing_key": ""}, headers=None, retries=0
    )
)


@contextmanager
def working(settings: Settings, database: Engine) -> Iterator[WorkerContext]:
    """This process is a worker that serves all that is published."""
    published = rulesets_to_serve(database, settings, [], has_facts=True)
    before = worker_context._current[:]
    context = WorkerContext(
        settings=settings,
        database=database,
        rulesets=published.by_domain,
        published=published,
        app=create_worker_app(settings),
        shared=open_shared(settings),
    )
    worker_context._current[:] = [context]
    try:
        yield context
    finally:
        worker_context._current[:] = before
        context.app.close()


def take_what_is_due(context: WorkerContext) -> None:
    """Do what the reconciler's messages would ask for, as if all that were sent before were lost."""
    mark_all_due(context.database)
    for domain in context.rulesets:
        for bulk in (False, True):
            with claim_due(context.database, domain, bulk=bulk, grace_s=30, limit=99) as messages:
                sent = list(messages)
            for message in sent:
                (evaluate_chunk if "n" in message.kwargs else evaluate_job)(TASK, **message.kwargs)
