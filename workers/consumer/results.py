"""Celery's results on Redis, but one that can't be kept does not matter.  task -> [results] -> Redis

Whoever waits for a verdict looks at its row as well. A Redis that is full or a replica would otherwise turn a job that
was judged and stored into a task that failed, whose message nobody acknowledges. Reads nothing."""

import logging
from typing import Any

import redis
from celery import Celery
from celery.backends.base import Backend
from celery.backends.redis import RedisBackend, SentinelBackend

from rulefarm.redis_replies import outage_of

log = logging.getLogger("rulefarm.workers")


class _Optional(Backend):  # type: ignore[misc]  # Celery has no types for it.
    """A place of results that need not be kept."""

    def store_result(self, task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        """As Celery's; when Redis can't, that is logged.

        Args:
            task_id: whose result.
            result: as the task gave it.
            state: as Celery names it.
            args: as Celery's.
            kwargs: as Celery's.
        """
        try:
            return super().store_result(task_id, result, state, *args, **kwargs)
        except (redis.RedisError, OSError) as error:
            log.warning(
                "the result of task %s is not kept, for Redis %s: %s", task_id, outage_of(error).sentence, error
            )
            return result


class OptionalResults(_Optional, RedisBackend):  # type: ignore[misc]
    """Redis, whatever it says."""


class OptionalSentinelResults(_Optional, SentinelBackend):  # type: ignore[misc]
    """The Redis that sentinels name, whatever it says."""


def use_optional_results(app: Celery) -> None:
    """Have an application whose results are on Redis need none of them to be kept.

    Args:
        app: before anything has asked for its backend.
    """
    # By the scheme of the URL, which stays as it is for whoever reads it.
    app.loader.override_backends = {
        "redis": f"{__name__}:{OptionalResults.__name__}",
        "rediss": f"{__name__}:{OptionalResults.__name__}",
        "sentinel": f"{__name__}:{OptionalSentinelResults.__name__}",
    }
