"""Health-check task of `rulefarm doctor`: evaluates empty facts and pings Postgres.  queue -> [probe] -> Celery result

One is sent to every queue that a worker takes from. It proves that this worker can judge and reaches Postgres. Writes
no row."""

import time
from datetime import UTC, datetime
from typing import Any

from celery import Task
from sqlalchemy import text

from rulefarm.database import translate_errors
from tasks.worker_context import current

#: Name of the task.
PROBE = "rules.probe"
#: Its name of the release before. Workers take both, and it is sent by this one, for a worker of that release refuses
#: any other. The next release sends the new name, and the one after that forgets the old one.
PROBE_AS_SENT = "rules.canary"


def probe(task: Task, domain: str) -> dict[str, Any]:
    """Judge empty facts by the ruleset of a domain, and ask Postgres for 1.

    Args:
        task: the running Celery task.
        domain: whose ruleset.

    Returns:
        worker: its name; database_ms: how long Postgres took.

    Raises:
        NotFound: the worker does not serve that domain.
        DatabaseUnreachable: Postgres does not answer.
    """
    context = current()
    context.ruleset(domain).program.evaluate({}, as_of=datetime.now(UTC))
    began = time.perf_counter()
    with translate_errors(context.database), context.database.connect() as connection:
        connection.execute(text("select 1"))
    return {"worker": task.request.hostname, "database_ms": (time.perf_counter() - began) * 1000}
