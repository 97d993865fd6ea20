"""Health-check task of `rulefarm doctor`: judges empty facts and tries to write.  queue -> [probe] -> Celery result

One is sent to every queue that a worker takes from. It proves that this worker can judge, and that its Postgres takes
a job and a verdict: both are written, and undone. Leaves no row."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from celery import Task
from sqlalchemy import func, insert

from rulefarm.database import jobs, translate_errors, verdicts
from rulefarm.errors import SettingsError
from rulefarm.messaging import FARM_HEADER
from tasks.worker_context import current

#: Name of the task.
PROBE = "rules.probe"
#: Its name of the release before. Workers take both, and it is sent by this one, for a worker of that release refuses
#: any other. The next release sends the new name, and the one after that forgets the old one.
PROBE_AS_SENT = "rules.canary"
#: A verdict that is never kept.
_VERDICT: dict[str, Any] = {"outcome": "accept", "fired": [], "reasons": [], "changes": {}, "micros": 0}


def probe(task: Task, domain: str) -> dict[str, Any]:
    """Judge empty facts by the ruleset of a domain, and write what a job would, without keeping it.

    Args:
        task: the running Celery task.
        domain: whose ruleset.

    Returns:
        worker: its name; database_ms: how long Postgres took.

    Raises:
        SettingsError: `another-farm`: the worker is of another farm than whoever sent the probe.
        NotFound: the worker does not serve that domain.
        DatabaseUnreachable: Postgres does not answer, or takes no writes.
    """
    context, worker = current(), task.request.hostname
    farm, own = getattr(task.request, FARM_HEADER, None), context.app.farm_id()
    if None not in (farm, own) and farm != own:
        raise SettingsError(
            "another-farm",
            f"{worker}, which takes from this queue, is of another farm ({own})",
            "give each farm a database of Redis of its own, or a RULEFARM_QUEUE_PREFIX",
        )
    ruleset = context.ruleset(domain)
    ruleset.program.evaluate({}, as_of=datetime.now(UTC))
    now = func.now()
    job = {"id": uuid.uuid4(), "domain": domain, "subject": PROBE, "as_of": now, "enqueued_at": now}
    verdict = (
        job | _VERDICT | {"ruleset_digest": ruleset.digest, "facts_digest": "", "worker": worker, "evaluated_at": now}
    )
    began = time.perf_counter()
    with translate_errors(context.database), context.database.connect() as connection:
        connection.execute(insert(jobs).values(job | {"facts": {}}))
        connection.execute(insert(verdicts).values(verdict))
        connection.rollback()
    return {"worker": worker, "database_ms": (time.perf_counter() - began) * 1000}
