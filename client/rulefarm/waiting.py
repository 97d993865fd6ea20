"""Wait for the verdict of a job.  Celery result, verdict row -> [waiting] -> verdict

The result comes first, for it takes one read of memory; it can be lost with the broker, so the row is looked at as
well, less often. Polled, not subscribed: Celery's subscription is not safe between threads and keeps a channel for
each job."""

import time
from typing import TYPE_CHECKING

from celery import Celery

from rulefarm.errors import BrokerUnreachable, VerdictPending
from rulefarm.jobs import Job
from rulefarm.messaging import FARM_HEADER, call_broker
from rulefarm.verdict import Verdict

if TYPE_CHECKING:
    from rulefarm.database import Ledger

#: Seconds between two looks for a result: short at first, for a verdict takes milliseconds, then easy on the broker.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.002, 0.1
#: Seconds between two looks at the verdict row, in case the result was lost.
_ROW_LOOK_S = 1.0


def wait_for(job: Job, app: Celery, ledger: "Ledger | None", timeout: float | None) -> Verdict:
    """Wait for the verdict of a job.

    Args:
        job: as accepted.
        app: its result backend is asked, if it has one.
        ledger: its verdict row is looked for, if there is a database.
        timeout: seconds; None waits for ever.

    Raises:
        VerdictPending: none came in time.
        JobDead: none will come.
        BrokerUnreachable: the broker does not answer, and there is no database to ask instead.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, next_row_look = _FIRST_LOOK_S, time.monotonic() + _ROW_LOOK_S
    has_results = bool(app.conf.result_backend)
    while True:
        verdict = _result(job, app, ledger) if has_results else None
        now = time.monotonic()
        late = deadline is not None and now >= deadline
        if verdict is None and ledger and (late or now >= next_row_look or not has_results):
            verdict = ledger.answer(job.id, job.enqueued_at)
            next_row_look = now + _ROW_LOOK_S
        if verdict is not None:
            return verdict
        if late:
            hint = "the job is on record; ask again later" if job.on_record else ""
            raise VerdictPending("verdict-pending", f"no verdict on job {job.id} after {timeout:g} s", hint)
        time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - now)))
        pause = min(pause * 1.2, _LONGEST_LOOK_S)


def _result(job: Job, app: Celery, ledger: "Ledger | None") -> Verdict | None:
    try:
        meta = call_broker(app, lambda: app.backend.get_task_meta(str(job.id)))
    except BrokerUnreachable:
        if ledger is None:
            raise
        return None
    if meta["status"] != "SUCCESS" or not meta["result"]:
        return None
    # The same job in another farm has the same id: its result is none of ours.
    is_ours = not ledger or meta["result"].get(FARM_HEADER) in (None, app.farm_id())
    return Verdict.from_json(meta["result"]) if is_ours else None
