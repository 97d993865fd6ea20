"""Wait for the verdict of a job.  Celery result, verdict row -> [waiting] -> verdict

The result comes first, for it takes one read of memory; it can be lost with the broker, so the row is looked at as
well, less often. Whoever can be told that there is a result sleeps until then; but not by Celery's own subscription,
which is not safe between threads and keeps a channel for each job."""

import time
import uuid
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from celery import Celery

from rulefarm.errors import BrokerUnreachable, VerdictPending
from rulefarm.jobs import Job
from rulefarm.messaging import FARM_HEADER, Announcement, Ask, GuestApp, at_once, call_broker
from rulefarm.seconds import wait_seconds
from rulefarm.verdict import Verdict

if TYPE_CHECKING:
    from rulefarm.database import Ledger

#: Seconds between two looks for a result: short at first, for a verdict takes milliseconds, then easy on the broker.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.002, 0.1
#: Seconds until the verdict row is looked at, in case there is no result of it: at first, and at most.
_FIRST_ROW_LOOK_S, _LONGEST_ROW_LOOK_S = 0.02, 0.5
#: An id that no job has.
_NOBODY = str(uuid.UUID(int=0))


def wait_for(watch: "Watch") -> Verdict:
    """Wait for the verdict of a job.

    Args:
        watch: looks for it.

    Raises:
        VerdictPending: none came in time.
        JobDead: none will come.
        BrokerUnreachable: the broker does not answer, and there is no database to ask instead.
        DatabaseUnreachable: the region, of several, is silent.
    """
    with watch.announced() as announcement:
        told = None
        while (verdict := watch.look(told)) is None:
            told = announcement.wait(watch.pause_s(is_told=announcement.is_on))
    return verdict


class Watch:
    """Looks for the verdict of a job, again and again; whoever waits sleeps in between, in a way of its own."""

    def __init__(
        self,
        job: Job,
        app: GuestApp,
        ledger: "Ledger | None",
        timeout: float | None,
        *,
        silence_s: float | None = None,
        ask: Ask = at_once,
    ) -> None:
        """Begin to wait.

        Args:
            job: as accepted.
            app: its result backend is asked, if it has one.
            ledger: its verdict row is looked for, if there is a database.
            timeout: seconds from now on; None: it may take for ever.
            silence_s: seconds after which a broker that says nothing is enough to give up: another region can judge
                the job. Default: the database is asked in its place.
            ask: has broker and database asked. Default: here, each until it answers or its own limits are over.

        Raises:
            SettingsError: `bad-timeout`.
        """
        timeout = wait_seconds(timeout)
        self._silence_s, self._ask = silence_s, ask
        self._job, self._app, self._ledger, self._timeout = job, app, ledger, timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._pause_s, self._row_pause_s = _FIRST_LOOK_S, _FIRST_ROW_LOOK_S
        # What is older may have its verdict and no result, as bulk jobs have none: nobody sleeps before that look.
        age_s = (datetime.now(UTC) - job.enqueued_at).total_seconds()
        self._next_row_look = time.monotonic() + max(0.0, self._row_pause_s - max(0.0, age_s))
        self._has_results = bool(app.conf.result_backend)

    def announced(self) -> AbstractContextManager[Announcement]:
        """What is announced of the job's result, until the block ends."""
        return self._app.announcements.of(str(self._job.id), self._ask)

    def look(self, told: bytes | None = None) -> Verdict | None:
        """The verdict, if it is there.

        Args:
            told: the result, if it was announced. Default: Redis is asked for it.

        Raises:
            VerdictPending, JobDead, BrokerUnreachable, DatabaseUnreachable: as `wait_for`.
        """
        verdict: Verdict | None = self._ask(lambda: self._look(told))
        return verdict

    def _look(self, told: bytes | None) -> Verdict | None:
        job, ledger = self._job, self._ledger
        verdict = self._result(told) if self._has_results else None
        now = time.monotonic()
        late = self._deadline is not None and now >= self._deadline
        if verdict is None and ledger and (late or now >= self._next_row_look or not self._has_results):
            verdict = ledger.answer(job.id, job.enqueued_at)
            self._row_pause_s = min(2 * self._row_pause_s, _LONGEST_ROW_LOOK_S)
            self._next_row_look = now + self._row_pause_s
        if verdict is None and late:
            hint = "the job is on record; ask again later" if job.on_record else ""
            raise VerdictPending("verdict-pending", f"no verdict on job {job.id} after {self._timeout:g} s", hint)
        return verdict

    def _result(self, told: bytes | None) -> Verdict | None:
        begun = time.monotonic()
        try:
            return _result(self._job, self._app, self._ledger, told)
        except BrokerUnreachable:
            # Silence, and no refusal, is what a line that was cut is like: the database behind it would be waited for,
            # too, to see whether the connection lives, and again for a new one.
            is_silent = self._silence_s is not None and time.monotonic() - begun >= self._silence_s
            if self._ledger is None or is_silent:
                raise
            return None

    def pause_s(self, *, is_told: bool = False) -> float:
        """Seconds until the next look: more with every one.

        Args:
            is_told: whether whoever waits is told of a result: then it looks for the row alone. Default: it is not.
        """
        pause, self._pause_s = self._pause_s, min(self._pause_s * 1.2, _LONGEST_LOOK_S)
        if is_told:
            pause = max(pause, self._next_row_look - time.monotonic()) if self._ledger else _LONGEST_LOOK_S
        return pause if self._deadline is None else max(0.0, min(pause, self._deadline - time.monotonic()))


def _result(job: Job, app: Celery, ledger: "Ledger | None", told: bytes | None) -> Verdict | None:
    backend = app.backend
    meta = backend.decode_result(told) if told else call_broker(app, lambda: backend.get_task_meta(str(job.id)))
    if meta["status"] != "SUCCESS" or not meta["result"] or "id" not in meta["result"]:
        return None
    # The same job in another farm has the same id: its result is none of ours.
    is_ours = not ledger or meta["result"].get(FARM_HEADER) in (None, app.farm_id())
    return Verdict.from_json(meta["result"]) if is_ours else None


def warm_up_results(app: GuestApp) -> None:
    """Make the connections of one who waits, so that the first does not wait for them.

    Args:
        app: its result backend is asked for nobody's result, if it has one.

    Raises:
        BrokerUnreachable: it does not answer.
    """
    if app.conf.result_backend:
        call_broker(app, lambda: app.backend.get_task_meta(_NOBODY))
        with app.announcements.of(_NOBODY):
            pass
