"""What a worker says of itself when it is asked.  `rulefarm doctor` -> [self_description] -> clock and rulesets

Answered by the worker's main process, over the broker's control messages and without a task: a worker whose clock is
wrong, or whose pool is busy, answers too. Asks no database."""

import time
from typing import Any

from tasks.worker_context import current

#: Name of the question.
DESCRIBE = "rulefarm_describe"


def describe(state: Any) -> dict[str, Any]:
    """The clock of this host, and the ruleset of each domain that is served.

    Args:
        state: of the worker, as Celery keeps it.

    Returns:
        time: seconds since 1970; digests: domain to digest.
    """
    return {"time": time.time(), "digests": {domain: ruleset.digest for domain, ruleset in current().rulesets.items()}}
