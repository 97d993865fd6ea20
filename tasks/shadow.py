"""Let a draft judge what was judged, while nothing waits.  stored verdicts -> [shadow] -> shadow_differences

A worker notes a share of the jobs whose verdicts are on record, and judges them again by the draft when the drain has
found nothing due and the queue is empty. Which jobs is said by their ids alone, so that each host chooses the same. The
draft gets the facts that the verdict was reached with. Whatever it does, it is counted and no more: it changes no
verdict, and what goes wrong here is nobody's failure."""

import hashlib
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine

from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.differences import names_after
from rulesets.loader import LoadedRuleset
from store.dead_letters import Failure
from store.shadows import Shadow, ShadowFindings, record_findings, running_shadows
from tasks.judge import judge_job
from tasks.judge_again import FactsOfThen
from tasks.program_versions import RulesetUnusable

log = logging.getLogger("rulefarm.tasks")

#: Seconds for which the answer is used, which drafts are to judge, without asking again.
FRESH_S = 5.0
#: Seconds of judging before the rest is left to the next time; it ends earlier, after any job, if something waits.
SLICE_S = 0.02
#: Jobs that wait for their draft, and characters of their facts; the oldest make place.
_MOST, _MOST_CHARACTERS = 50, 1_000_000
#: What makes a difference.
_COMPARED = ("outcome", "reasons", "changes", "logs", "events")

Versions = Callable[[str, str], LoadedRuleset]


class ShadowJudge:
    """The shadows of one worker process.

    Args:
        database: where drafts and what they find are on record.
        version: gives a ruleset by domain and digest, compiled.
    """

    def __init__(self, database: Engine, version: Versions) -> None:
        self._database = database
        self._version = version
        self._running: dict[str, Shadow] = {}
        self._ask_again = 0.0
        self._noted: deque[tuple[JobMessage, Verdict]] = deque()
        self._characters = 0
        #: Drafts that took too long here, or can't be judged by.
        self._given_up: set[str] = set()
        #: Active and draft, and what rules of the one are called in the other.
        self._names: tuple[tuple[str, str], dict[str, str]] | None = None

    def note(self, message: JobMessage, verdict: Verdict) -> None:
        """Remember a job whose verdict is on record, if a draft is to judge it.

        Args:
            message: the job.
            verdict: on it.
        """
        shadow = self._running.get(message.domain)
        if shadow is None or message.digest is not None or not is_in_share(message.job_id, shadow.share):
            return
        self._noted.append((message, verdict))
        self._characters += len(message.facts)
        while len(self._noted) > _MOST or self._characters > _MOST_CHARACTERS:
            self._next()

    def judge(self, worker: str, is_idle: Callable[[], bool]) -> None:
        """Judge what was noted, for a moment, if nothing else is to be done. Raises nothing.

        Args:
            worker: who judges.
            is_idle: whether nothing waits; asked before each job that was noted.
        """
        try:
            if time.monotonic() >= self._ask_again:
                self._ask_again = time.monotonic() + FRESH_S
                self._running = running_shadows(self._database)
            self._judge(worker, is_idle)
        except SoftTimeLimitExceeded:
            log.warning("what drafts judge is left: the time of the task is up")
        except Exception as error:
            # Whatever it is: the verdicts are on record, and a draft is worth no failure.
            log.warning("what drafts judge is left: %s", error)

    def _judge(self, worker: str, is_idle: Callable[[], bool]) -> None:
        began, found = time.monotonic(), dict[Shadow, ShadowFindings]()
        try:
            while self._noted and time.monotonic() - began < SLICE_S and is_idle():
                message, verdict = self._next()
                shadow = self._running.get(message.domain)
                if shadow is None or shadow.digest in self._given_up | {verdict.ruleset_digest}:
                    continue
                self._judge_one(shadow, message, verdict, worker, found.setdefault(shadow, ShadowFindings()))
        finally:
            for shadow, findings in found.items():
                record_findings(self._database, shadow, findings)

    def _judge_one(
        self, shadow: Shadow, message: JobMessage, verdict: Verdict, worker: str, found: ShadowFindings
    ) -> None:
        try:
            draft = self._version(shadow.domain, shadow.digest)
            names = self._names_in(draft, verdict)
            again = judge_job(draft, message, worker, FactsOfThen([verdict]))
        except Exception as error:
            # The time limit is that of a job which is done: without it nobody says how long this would have gone on.
            if isinstance(error, RulesetUnusable | SoftTimeLimitExceeded):
                self._given_up.add(shadow.digest)
            is_late = isinstance(error, SoftTimeLimitExceeded)
            failure = Failure("time-limit", "judging by it took too long") if is_late else Failure.of(error)
            found.failed, found.code, found.reason = found.failed + 1, failure.code, failure.reason
            return
        found.judged += 1
        _compare(verdict, again, names, found)

    def _names_in(self, draft: LoadedRuleset, verdict: Verdict) -> dict[str, str]:
        key = (verdict.ruleset_digest, draft.digest)
        if self._names is None or self._names[0] != key:
            active = self._version(draft.domain, verdict.ruleset_digest)
            self._names = (key, names_after(active.program, draft.program))
        return self._names[1]

    def _next(self) -> tuple[JobMessage, Verdict]:
        noted = self._noted.popleft()
        self._characters -= len(noted[0].facts)
        return noted


def is_in_share(job_id: uuid.UUID, share: float) -> bool:
    """Whether a job is among those that a draft judges.

    Args:
        job_id: of the job.
        share: of all jobs, from 0 to 1. Those of a smaller share are among those of a larger.

    >>> [is_in_share(uuid.UUID(int=1), share) for share in (0, 0.1, 1)]
    [False, False, True]
    """
    hashed = hashlib.sha256(job_id.bytes).digest()
    return int.from_bytes(hashed[:6], "big") < share * 2**48


def _compare(verdict: Verdict, again: Verdict, names: dict[str, str], found: ShadowFindings) -> None:
    """Count what differs between a verdict and what the draft says.

    Args:
        verdict: on record.
        again: by the draft.
        names: of rules of the active ruleset in the draft.
        found: where it is counted.
    """
    before, after = {names.get(rule, rule) for rule in verdict.fired}, set(again.fired)
    was, now = verdict.to_json(), again.to_json()
    by_rule = [(rule, "draft") for rule in after - before] + [(rule, "active") for rule in before - after]
    if not by_rule:
        # A row of a table that has moved has another name in the reasons, too.
        for reason in was["reasons"]:
            reason["rule"] = names.get(reason["rule"], reason["rule"])
        if all(was[name] == now[name] for name in _COMPARED):
            return
        by_rule = [("", "both")]
    found.differing += 1
    example = {
        "job": str(verdict.id), "subject": verdict.subject, "active": verdict.outcome, "draft": again.outcome,
        "reasons": [reason["text"] for reason in again.reasons][:5],
    }  # fmt: skip
    for rule, fires in by_rule:
        found.add(rule, fires, example)
