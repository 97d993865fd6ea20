"""What a worker says of itself when it is asked.  `rulefarm doctor` -> [self_description] -> clock, rulesets, settings

Answered by the worker's main process, over the broker's control messages and without a task: a worker whose clock is
wrong, or whose pool is busy, answers too. Asks no database."""

import time
from typing import Any

from tasks.worker_context import current

#: Name of the question.
DESCRIBE = "rulefarm_describe"
#: Characters of a reason that are told: the log has all of it.
_TOLD = 500


def describe(state: Any) -> dict[str, Any]:
    """The clock of this host, the ruleset of each domain that is served, and the settings in force.

    Args:
        state: of the worker, as Celery keeps it.

    Returns:
        time: seconds since 1970; digests: domain to digest; refused: domain to the digest of what is active and can't
        be judged by here, and why; settings: whether it acknowledges late, messages that it holds for each process, the
        one at work included, and in seconds when the broker hands out again what nobody acknowledged, and the limits of
        a job and of a chunk.
    """
    context = current()
    conf, settings = context.app.conf, context.settings
    refused = context.published.refused if context.published is not None else {}
    return {
        "time": time.time(),
        "digests": {domain: ruleset.digest for domain, ruleset in context.rulesets.items()},
        "refused": {domain: [digest, why[:_TOLD]] for domain, (digest, why) in tuple(refused.items())},
        "settings": {
            "acks_late": bool(conf.task_acks_late),
            "prefetch": int(conf.worker_prefetch_multiplier),
            "visibility_timeout_s": (conf.broker_transport_options or {}).get("visibility_timeout"),
            "job_time_limit_s": settings.job_time_limit_s,
            "chunk_time_limit_s": settings.chunk_time_limit_s,
        },
    }
