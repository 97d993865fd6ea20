"""Results for whoever waits for a verdict.  evaluate, drain -> [job_results] -> Celery's result backend

In Celery's own form, so that `AsyncResult` of a job's id reads them too, but many in one round trip, and without the
read that Celery makes before each of its writes. A result need not be kept: whoever waits looks at the row as well."""

import logging
from collections.abc import Sequence
from typing import Any

import redis
from celery import Celery, states
from celery.backends.redis import RedisBackend

from rulefarm.messaging import GuestApp
from rulefarm.redis_replies import outage_of
from rulefarm.verdict import Verdict

log = logging.getLogger("rulefarm.tasks")


def put_results(app: GuestApp, verdicts: Sequence[Verdict]) -> None:
    """Keep verdicts as the results of their jobs, for as long as the application keeps results.

    Args:
        app: of the worker; one without a result backend keeps none.
        verdicts: on record. That they can't be kept is logged.
    """
    if not verdicts:
        return
    backend, headers = app.backend, app.farm_headers
    results = {str(verdict.id): {**verdict.to_json(), **headers} for verdict in verdicts}
    try:
        if isinstance(backend, RedisBackend):
            _put(app, backend, results)
        else:
            for task_id, result in results.items():
                backend.store_result(task_id, result, states.SUCCESS)
    except (redis.RedisError, OSError) as error:
        log.warning(
            "the results of %d jobs are not kept, for Redis %s: %s", len(results), outage_of(error).sentence, error
        )


def _put(app: Celery, backend: RedisBackend, results: dict[str, dict[str, Any]]) -> None:
    done = app.now().isoformat()
    with backend.client.pipeline(transaction=False) as pipeline:
        for task_id, result in results.items():
            meta = {"status": states.SUCCESS, "result": result, "traceback": None, "children": [], "date_done": done}
            key, text = backend.get_key_for_task(task_id), backend.encode(meta | {"task_id": task_id})
            pipeline.set(key, text, ex=backend.expires or None)
            pipeline.publish(key, text)
        pipeline.execute()
